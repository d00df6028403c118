"""Correlation of neural speed and produced interval. Parity with nlb_tools is in test_nlb."""

from __future__ import annotations

import numpy as np
import pytest

from raysp.errors import BadInput
from raysp.evaluation.tp_correlation import neural_speed, tp_correlation


@pytest.fixture
def session():
    """Trials that cover a fixed distance in tp bins, so that speed falls as tp grows."""
    rng = np.random.default_rng(0)
    trials, bins = 32, 40
    tp = rng.integers(10, 40, trials)
    rates, heldout = np.ones((trials, bins, 4)), np.zeros((trials, bins, 2))
    for trial, length in enumerate(tp):
        rates[trial, bins - length :] += np.linspace(0, 1, length)[:, None]
        heldout[trial, : bins - length] = np.nan
    labels = np.array([(a, b, c) for a in (0, 1) for b in (0, 180) for c in (0, 1)], dtype=float)
    behavior = np.column_stack([labels[np.arange(trials) % 8], tp, tp])
    return rates, heldout, behavior


def test_same_path_at_other_speeds_is_strongly_negative(session):
    assert tp_correlation(*session) < -0.9


def test_scale_of_rates_and_units_of_tp_do_not_matter(session):
    rates, heldout, behavior = session
    assert tp_correlation(7 * rates, heldout, behavior * [1, 1, 1, 1, 1e-3]) == pytest.approx(tp_correlation(*session))


def test_rates_outside_the_set_go_period_and_outlier_trials_never_matter(session):
    rates, heldout, behavior = (x.copy() for x in session)
    behavior[5] = np.nan
    expected = tp_correlation(rates, heldout, behavior)
    rates[np.isnan(heldout[..., 0])] = np.nan
    rates[5] = np.nan
    assert tp_correlation(rates, heldout, behavior) == expected


def test_constant_rates_are_undefined(session):
    rates, heldout, behavior = session
    assert np.isnan(tp_correlation(np.ones_like(rates), heldout, behavior))


def test_speed_by_hand():
    assert neural_speed(np.array([[0.0, 0.0], [3.0, 4.0], [3.0, 5.0]])) == 3.0


def test_bad_input_is_refused(session):
    rates, heldout, behavior = session
    with pytest.raises(BadInput, match=r"behaviour \(trials, 4 or more\), got"):
        tp_correlation(rates, heldout, behavior[:, :3])
    with pytest.raises(BadInput, match="held-out counts"):
        tp_correlation(rates[:, 1:], heldout, behavior)
    with pytest.raises(BadInput, match=r"at least 2 trials of condition \[0\. 0\. 1\.\], got 1"):
        tp_correlation(rates[:9], heldout[:9], behavior[:9])
    with pytest.raises(BadInput, match="got 0 trials"):
        tp_correlation(rates, heldout, np.full_like(behavior, np.nan))
    with pytest.raises(BadInput, match="trial 0: expected at least 2 set-go bins"):
        tp_correlation(np.full_like(rates, np.nan), heldout, behavior)
    half = behavior.copy()
    half[3, 1] = np.nan
    with pytest.raises(BadInput, match="known or all NaN"):
        tp_correlation(rates, heldout, half)
