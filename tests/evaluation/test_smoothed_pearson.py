"""Pearson correlation of smoothed trains, against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from raysp.evaluation.smoothed_pearson import smoothed_pearson
from tests.evaluation import plain_spike_measures as plain

SIGMAS = np.array([0, 0.1, 1, 7, 33, 150])
DENSITIES = st.sampled_from([0.0, 0.002, 0.05, 1.0, 5.0])


def assert_is_the_definition(true, predicted, bin_ms):
    ours = smoothed_pearson(true, predicted, bin_ms, SIGMAS)
    for value, sigma in zip(ours, SIGMAS, strict=True):
        expected, rounding = plain.smoothed_pearson(true, predicted, sigma / bin_ms)
        assert value == pytest.approx(expected, rel=1e-9, abs=1e-12 + rounding), sigma


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 10_000),
    st.sampled_from([1, 2, 5, 60, 700, 3000]),
    DENSITIES,
    DENSITIES,
    st.booleans(),
    st.sampled_from([0.5, 1.0, 18 / 17.852767845719834, 4.0]),
)
# Its smoothed trains vary by little more than rounding leaves of them.
@example(0, 60, 0.0, 1.0, True, 1.0)
def test_it_is_the_definition(seed, bins, true_density, predicted_density, at_ends, bin_ms):
    rng = np.random.default_rng(seed)
    true = plain.random_train(rng, bins, true_density, at_ends)
    assert_is_the_definition(true, plain.random_train(rng, bins, predicted_density, False), bin_ms)


@pytest.mark.parametrize("period", [2, 5, 80])
def test_it_is_the_definition_for_trains_that_smoothing_makes_nearly_constant(period):
    true = np.random.default_rng(0).poisson(0.01, 4000)
    regular = (np.arange(4000) % period == period // 2).astype(int)
    assert_is_the_definition(true, regular, 1.0)
    assert_is_the_definition(regular, 3 - regular, 1.0)


def test_a_train_is_wholly_correlated_with_itself_and_with_itself_plus_one():
    train = np.random.default_rng(0).poisson(0.01, 2000)
    np.testing.assert_allclose(smoothed_pearson(train, train, 1.0, SIGMAS), 1.0, rtol=1e-12)
    np.testing.assert_allclose(smoothed_pearson(train, 3 * train + 1, 1.0, SIGMAS), 1.0, rtol=1e-9)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(20, 400))
def test_it_is_symmetric_in_the_trains(seed, bins):
    rng = np.random.default_rng(seed)
    true, predicted = rng.poisson(0.1, bins), rng.poisson(0.3, bins)
    forth, back = smoothed_pearson(true, predicted, 1.0, SIGMAS), smoothed_pearson(predicted, true, 1.0, SIGMAS)
    np.testing.assert_allclose(back, forth, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("constant", [0, 1, 3])
def test_it_is_zero_where_a_train_is_constant(constant):
    train = np.random.default_rng(0).poisson(0.1, 300)
    flat = np.full(300, constant)
    for pair in ((train, flat), (flat, train), (flat, flat)):
        assert smoothed_pearson(*pair, 1.0, SIGMAS).tolist() == [0] * len(SIGMAS)
