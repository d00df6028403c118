"""Schreiber similarity, against its definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raysp.evaluation.schreiber import schreiber
from tests.evaluation import plain_spike_measures as plain

SIGMAS = np.array([0, 0.1, 1, 7, 33, 150])
DENSITIES = st.sampled_from([0.0, 0.002, 0.05, 1.0, 5.0])


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 10_000),
    st.sampled_from([1, 2, 5, 60, 700, 3000]),
    DENSITIES,
    DENSITIES,
    st.booleans(),
    st.sampled_from([0.5, 1.0, 18 / 17.852767845719834, 4.0]),
)
def test_it_is_the_definition(seed, bins, true_density, predicted_density, at_ends, bin_ms):
    rng = np.random.default_rng(seed)
    true = plain.random_train(rng, bins, true_density, at_ends)
    predicted = plain.random_train(rng, bins, predicted_density, False)
    expected = [plain.schreiber(true, predicted, sigma / bin_ms) for sigma in SIGMAS]
    np.testing.assert_allclose(schreiber(true, predicted, bin_ms, SIGMAS), expected, rtol=1e-9, atol=1e-300)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 400), DENSITIES, DENSITIES)
def test_it_is_symmetric_in_the_trains_and_in_time(seed, bins, true_density, predicted_density):
    rng = np.random.default_rng(seed)
    true, predicted = rng.poisson(true_density, bins), rng.poisson(predicted_density, bins)
    forth = schreiber(true, predicted, 1.0, SIGMAS)
    np.testing.assert_allclose(schreiber(predicted, true, 1.0, SIGMAS), forth, rtol=1e-10)
    np.testing.assert_allclose(schreiber(true[::-1], predicted[::-1], 1.0, SIGMAS), forth, rtol=1e-10)


def test_a_train_is_wholly_like_itself_and_like_its_double():
    train = np.random.default_rng(0).poisson(0.01, 2000)
    np.testing.assert_allclose(schreiber(train, train, 1.0, SIGMAS), 1.0, rtol=1e-14)
    np.testing.assert_allclose(schreiber(train, 2 * train, 1.0, SIGMAS), 1.0, rtol=1e-14)


def test_it_is_zero_where_a_train_has_no_spike():
    train, none = np.array([0, 1, 0, 0]), np.zeros(4)
    for pair in ((train, none), (none, train), (none, none)):
        assert schreiber(*pair, 1.0, SIGMAS).tolist() == [0] * len(SIGMAS)


def test_two_far_spikes_are_alike_as_two_gaussians_at_their_distance():
    true, predicted = np.zeros(4001), np.zeros(4001)
    true[2000], predicted[2030] = 1, 1
    # The definition cuts its Gaussians, whole ones have the cosine exp(-lag^2 / (4 sigma^2)).
    assert schreiber(true, predicted, 1.0, np.array([20.0]))[0] == pytest.approx(math.exp(-900 / 1600), abs=1e-4)
    assert schreiber(true, predicted, 1.0, np.array([0.0, 3.0])).tolist() == [0, 0], "30 bins are beyond 2 x 4 x 3"
