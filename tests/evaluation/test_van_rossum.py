"""Van Rossum distance, against its definition and values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raysp.evaluation.van_rossum import van_rossum
from tests.evaluation import plain_spike_measures as plain

TAUS = np.array([0, 0.1, 1, 7, 33, 150])
DENSITIES = st.sampled_from([0.0, 0.002, 0.05, 1.0, 5.0])


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 10_000),
    st.sampled_from([1, 2, 5, 60, 700, 3000]),
    DENSITIES,
    DENSITIES,
    st.booleans(),
    st.sampled_from([0.2, 1.0, 18 / 17.852767845719834, 4.0]),
)
def test_it_is_the_definition(seed, bins, true_density, predicted_density, at_ends, bin_ms):
    rng = np.random.default_rng(seed)
    true = plain.random_train(rng, bins, true_density, at_ends)
    predicted = plain.random_train(rng, bins, predicted_density, False)
    expected = [plain.van_rossum(true, predicted, tau / bin_ms) for tau in TAUS]
    np.testing.assert_allclose(van_rossum(true, predicted, bin_ms, TAUS), expected, rtol=1e-9, atol=1e-300)


def test_one_spike_against_none_is_about_one():
    spike, none = np.zeros(3000), np.zeros(3000)
    spike[100] = 1
    found = van_rossum(spike, none, 1.0, np.array([5.0, 25.0, 100.0, 0.0]))
    np.testing.assert_allclose(found[:3], [1.1015, 1.0201, 1.0050], atol=5e-5)
    assert found[3] == pytest.approx(math.sqrt(8 / (1 - math.exp(-8)))), "the time constant is never below 0.25 bins"


def test_two_spikes_ten_bins_apart():
    true, predicted = np.zeros(2000), np.zeros(2000)
    true[500], predicted[510] = 1, 1
    assert van_rossum(true, predicted, 1.0, np.array([5.0]))[0] == pytest.approx(1.448514, abs=5e-7)


def test_time_constants_are_in_ms():
    true, predicted = np.zeros(2000), np.zeros(2000)
    true[500], predicted[510] = 1, 1
    assert van_rossum(true, predicted, 2.0, np.array([10.0]))[0] == pytest.approx(1.448514, abs=5e-7)


def test_the_kernel_ends_after_a_thousand_bins_and_with_the_recording():
    spike, none = np.zeros(3000), np.zeros(3000)
    spike[0] = 1
    t = 900.0
    cut = [np.sqrt(2 / t * np.sum(np.exp(-np.arange(bins) * 2 / t))) for bins in (1001, 400)]
    assert van_rossum(spike, none, 1.0, np.array([t]))[0] == pytest.approx(cut[0], rel=1e-12)
    assert van_rossum(spike[:400], none[:400], 1.0, np.array([t]))[0] == pytest.approx(cut[1], rel=1e-12)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 400))
def test_it_is_a_distance(seed, bins):
    rng = np.random.default_rng(seed)
    first, second, third = rng.poisson(0.1, bins), rng.poisson(0.2, bins), rng.poisson(1.0, bins)
    assert van_rossum(first, first, 1.0, TAUS).tolist() == [0] * len(TAUS)
    forth = van_rossum(first, second, 1.0, TAUS)
    np.testing.assert_array_equal(van_rossum(second, first, 1.0, TAUS), forth)
    around = van_rossum(first, third, 1.0, TAUS) + van_rossum(third, second, 1.0, TAUS)
    assert (forth <= around * (1 + 1e-12)).all()
