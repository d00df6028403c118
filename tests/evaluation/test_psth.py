"""Match to PSTH, with jitter both ways."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nlb_tools.evaluation import eval_psth

from raysp.errors import BadInput
from raysp.evaluation.psth import condition_means, psth_r2


def draw(seed, largest_jitter=0, trials=12, bins=16, units=4):
    rng = np.random.default_rng(seed)
    rates, psth = rng.gamma(2, 0.1, (trials, bins, units)), rng.gamma(2, 0.1, (3, bins, units))
    jitter = rng.integers(-largest_jitter, largest_jitter + 1, trials)
    psth[:, :largest_jitter] = np.nan
    psth[:, bins - largest_jitter :] = np.nan
    return rates, psth, rng.integers(-1, 3, trials), jitter


@given(seed=st.integers(0, 1000), largest=st.integers(0, 6))
def test_equals_nlb_tools_with_jitter_both_ways(seed, largest):
    rates, psth, condition, jitter = draw(seed, largest)
    lists = [np.flatnonzero(condition == index) for index in range(3)]
    assert psth_r2(rates, psth, condition, jitter) == pytest.approx(eval_psth(psth, rates, lists, jitter), abs=1e-12)


def test_rates_that_are_the_psth_are_perfect():
    _, psth, condition, _ = draw(0)
    assert psth_r2(psth[condition], psth, condition) == 1.0


def test_jitter_moves_a_trial_later():
    means = condition_means(np.arange(1.0, 5)[None, :, None], np.array([0]), np.array([1]), 2)
    np.testing.assert_equal(means[0, :, 0], [np.nan, 1, 2, 3])
    np.testing.assert_equal(means[1, :, 0], [np.nan] * 4)


def test_conditions_without_trials_and_trials_without_condition_never_matter():
    rates, psth, condition, _ = draw(1)
    condition[condition == 1] = -1
    expected = psth_r2(rates, psth, condition)
    psth[1] = 9.0
    rates[condition == -1] = np.nan
    assert psth_r2(rates, psth, condition) == expected


def test_bad_input_is_refused():
    rates, psth, condition, _ = draw(2)
    with pytest.raises(BadInput, match=r"PSTHs \(conditions, bins, units\)"):
        psth_r2(rates, psth[..., 1:], condition)
    with pytest.raises(BadInput, match=r"condition expected \(12,\) whole numbers"):
        psth_r2(rates, psth, condition[1:])
    with pytest.raises(BadInput, match=r"jitter expected .* float64"):
        psth_r2(rates, psth, condition, np.zeros(12))
    with pytest.raises(BadInput, match="0 to 2 or -1"):
        psth_r2(rates, psth, condition + 1)
    with pytest.raises(BadInput, match="some >= 0"):
        psth_r2(rates, psth, np.full(12, -1))
    with pytest.raises(BadInput, match="jittered-out bins"):
        psth_r2(rates, psth, condition, np.full(12, 2))
    psth[0, 0, 1] = np.nan
    with pytest.raises(BadInput, match="same bins for every unit"):
        psth_r2(rates, psth, condition)
    with pytest.raises(BadInput, match="at least 2 bins"):
        psth_r2(rates, np.full_like(psth, np.nan), condition)


def test_trials_of_unequal_length_are_averaged_over_those_that_last():
    rng = np.random.default_rng(0)
    rates, condition = rng.gamma(2.0, 0.3, (12, 20, 4)), np.arange(12) % 2
    recorded = np.arange(20) < rng.integers(8, 19, 12)[:, None]
    means = condition_means(rates, condition, np.zeros(12, dtype=int), 2, recorded)
    shown = np.where(recorded[..., None], rates, np.nan)
    for one in range(2):
        lasting = recorded[condition == one].any(axis=0)
        np.testing.assert_allclose(means[one, lasting], np.nanmean(shown[condition == one][:, lasting], axis=0))
        assert np.isnan(means[one, ~lasting]).all()
    assert psth_r2(rates, np.nan_to_num(means, nan=1.0), condition, recorded=recorded) == pytest.approx(1.0)
    assert psth_r2(rates, np.nan_to_num(means, nan=1.0), condition) < 0.99
