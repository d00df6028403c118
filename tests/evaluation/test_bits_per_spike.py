"""Bits per spike: its zero, its invariances, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from raysp.errors import BadInput
from raysp.evaluation.bits_per_spike import bits_per_spike, null_rates


def draw(seed, shape=(20, 10, 4), unseen=0.0):
    rng = np.random.default_rng(seed)
    rates = rng.gamma(2.0, 0.15, shape)
    counts = rng.poisson(rates).astype(float)
    counts[rng.random(shape) < unseen] = np.nan
    return rates, counts


@given(seed=st.integers(0, 1000), unseen=st.sampled_from([0.0, 0.3]))
def test_null_model_is_exactly_zero(seed, unseen):
    _, counts = draw(seed, unseen=unseen)
    counts[..., 1] = 0
    assert bits_per_spike(np.broadcast_to(null_rates(counts), counts.shape), counts) == 0.0


@given(seed=st.integers(0, 1000), unseen=st.sampled_from([0.0, 0.3]))
def test_equals_the_definition_by_poisson_log_likelihoods(seed, unseen):
    rates, counts = draw(seed, unseen=unseen)
    seen = ~np.isnan(counts)
    null = np.broadcast_to(np.nanmean(counts, axis=(0, 1)), counts.shape)
    gain = stats.poisson.logpmf(counts[seen], rates[seen]) - stats.poisson.logpmf(counts[seen], null[seen])
    assert bits_per_spike(rates, counts) == pytest.approx(gain.sum() / np.nansum(counts) / np.log(2), abs=1e-12)


def test_by_hand():
    # Two bins, one spike; rate 1 where it is: ln 1 - 1; the null model: ln 0.5 - 0.5 - 0.5; the difference is ln 2.
    assert bits_per_spike(np.array([[[1.0], [0.0]]]), np.array([[[1], [0]]])) == pytest.approx(1.0, abs=1e-8)


def test_true_rates_beat_the_mean_rate_and_any_scaling_of_themselves():
    rates, counts = draw(0, (400, 20, 5))
    best = bits_per_spike(rates, counts)
    assert best > 0
    assert best > max(bits_per_spike(rates * factor, counts) for factor in (0.8, 1.25))


@given(seed=st.integers(0, 1000))
def test_order_of_trials_bins_and_units_does_not_matter(seed):
    rates, counts = draw(seed)
    rng = np.random.default_rng(seed)
    trials, bins, units = (rng.permutation(n) for n in rates.shape)
    shuffled = bits_per_spike(rates[trials][:, bins][..., units], counts[trials][:, bins][..., units])
    assert shuffled == pytest.approx(bits_per_spike(rates, counts), abs=1e-12)


@settings(max_examples=20)
@given(seed=st.integers(0, 1000), value=st.sampled_from([np.nan, np.inf, -1.0, 7.0]))
def test_rates_of_unobserved_bins_never_matter(seed, value):
    rates, counts = draw(seed, unseen=0.3)
    changed = np.where(np.isnan(counts), value, rates)
    assert bits_per_spike(changed, counts) == bits_per_spike(rates, counts)


def test_kinds_of_numbers_do_not_matter():
    rates, counts = draw(1)
    rates = rates.astype(np.float32)
    values = {bits_per_spike(rates, counts.astype(kind)) for kind in (np.float16, np.float32, np.int64, np.uint8)}
    assert values == {bits_per_spike(rates.astype(np.float64), counts)}


def test_no_spike_is_undefined():
    assert np.isnan(bits_per_spike(np.ones((2, 3, 1)), np.zeros((2, 3, 1))))


@pytest.mark.parametrize(
    ("rates", "counts", "message"),
    [
        (np.ones((2, 3, 4)), np.ones((2, 3, 5)), "one shape"),
        (np.ones(3), np.ones(3), "one shape"),
        (np.full((2, 3, 1), np.nan), np.ones((2, 3, 1)), "finite rates"),
        (np.full((2, 3, 1), -0.5), np.ones((2, 3, 1)), "were log-rates given"),
        (np.ones((2, 3, 1)), -np.ones((2, 3, 1)), "counts >= 0"),
        (np.ones((2, 3, 1)), np.full((2, 3, 1), np.inf), "finite counts"),
    ],
)
def test_bad_input_is_refused(rates, counts, message):
    with pytest.raises(BadInput, match=message):
        bits_per_spike(rates, counts)
