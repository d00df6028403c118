"""Schreiber similarity, correlation of smoothed spike trains, van Rossum distance: against their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from raysp.evaluation.schreiber import schreiber
from raysp.evaluation.smoothed_pearson import smoothed_pearson
from raysp.evaluation.van_rossum import van_rossum
from tests.evaluation import plain_spike_measures as plain

WIDTHS = np.array([0, 0.1, 1, 7, 33, 150])
DENSITIES = st.sampled_from([0.0, 0.002, 0.05, 1.0, 5.0])
MEASURES = (schreiber, smoothed_pearson, van_rossum)


def assert_is_the_definition(measure, true, predicted, bin_ms):
    found = measure(true, predicted, bin_ms, WIDTHS)
    for value, width in zip(found, WIDTHS / bin_ms, strict=True):
        expected, rounding = getattr(plain, measure.__name__)(true, predicted, width), 0.0
        if measure is smoothed_pearson:
            expected, rounding = expected[0], 1e-12 + expected[1]
        assert value == pytest.approx(expected, rel=1e-9, abs=1e-300 + rounding), width


@pytest.mark.parametrize("measure", MEASURES)
@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 10_000),
    st.sampled_from([1, 2, 5, 60, 700, 3000]),
    DENSITIES,
    DENSITIES,
    st.booleans(),
    st.sampled_from([0.2, 0.5, 1.0, 18 / 17.852767845719834, 4.0]),
)
# Its smoothed spike trains vary by little more than rounding leaves of them.
@example(0, 60, 0.0, 1.0, True, 1.0)
def test_it_is_the_definition(measure, seed, bins, true_density, predicted_density, at_ends, bin_ms):
    rng = np.random.default_rng(seed)
    true = plain.random_train(rng, bins, true_density, at_ends)
    assert_is_the_definition(measure, true, plain.random_train(rng, bins, predicted_density, False), bin_ms)


@pytest.mark.parametrize("period", [2, 5, 80])
def test_it_is_the_definition_for_spike_trains_that_smoothing_makes_nearly_constant(period):
    true = np.random.default_rng(0).poisson(0.01, 4000)
    regular = (np.arange(4000) % period == period // 2).astype(int)
    assert_is_the_definition(smoothed_pearson, true, regular, 1.0)
    assert_is_the_definition(smoothed_pearson, regular, 3 - regular, 1.0)


@pytest.mark.parametrize(
    ("measure", "least", "precision"), [(schreiber, 1, 1e-10), (smoothed_pearson, 20, 1e-8), (van_rossum, 1, 0.0)]
)
@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(0, 400), DENSITIES, DENSITIES)
def test_it_is_symmetric(measure, least, precision, seed, bins, true_density, predicted_density):
    rng = np.random.default_rng(seed)
    true, predicted = (rng.poisson(density, bins + least) for density in (true_density, predicted_density))
    if measure is smoothed_pearson:
        true, predicted = rng.poisson(0.1, bins + least), rng.poisson(0.3, bins + least)
    forth, back = measure(true, predicted, 1.0, WIDTHS), measure(predicted, true, 1.0, WIDTHS)
    np.testing.assert_allclose(back, forth, rtol=precision, atol=precision / 100)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 400), DENSITIES, DENSITIES)
def test_similarity_is_symmetric_in_time(seed, bins, true_density, predicted_density):
    rng = np.random.default_rng(seed)
    true, predicted = rng.poisson(true_density, bins), rng.poisson(predicted_density, bins)
    forth = schreiber(true, predicted, 1.0, WIDTHS)
    np.testing.assert_allclose(schreiber(true[::-1], predicted[::-1], 1.0, WIDTHS), forth, rtol=1e-10)


@pytest.mark.parametrize(
    ("measure", "times", "more", "precision"),
    [
        (schreiber, 1, 0, 1e-14),
        (schreiber, 2, 0, 1e-14),
        (smoothed_pearson, 1, 0, 1e-12),
        (smoothed_pearson, 3, 1, 1e-9),
    ],
)
def test_a_spike_train_is_wholly_like_itself_and_like_more_of_itself(measure, times, more, precision):
    spikes = np.random.default_rng(0).poisson(0.01, 2000)
    np.testing.assert_allclose(measure(spikes, times * spikes + more, 1.0, WIDTHS), 1.0, rtol=precision)


@pytest.mark.parametrize(
    ("measure", "constant"), [(schreiber, 0), (smoothed_pearson, 0), (smoothed_pearson, 1), (smoothed_pearson, 3)]
)
def test_likeness_is_zero_where_a_spike_train_is_silent_or_never_varies(measure, constant):
    spikes, flat = np.random.default_rng(0).poisson(0.1, 300), np.full(300, constant)
    for pair in ((spikes, flat), (flat, spikes), (flat, flat)):
        assert measure(*pair, 1.0, WIDTHS).tolist() == [0] * len(WIDTHS)


def test_two_far_spikes_are_alike_as_two_gaussians_at_their_distance():
    true, predicted = np.zeros(4001), np.zeros(4001)
    true[2000], predicted[2030] = 1, 1
    # The definition cuts its Gaussians, whole ones have the cosine exp(-lag^2 / (4 sigma^2)).
    assert schreiber(true, predicted, 1.0, np.array([20.0]))[0] == pytest.approx(math.exp(-900 / 1600), abs=1e-4)
    assert schreiber(true, predicted, 1.0, np.array([0.0, 3.0])).tolist() == [0, 0], "30 bins are beyond 2 x 4 x 3"


def test_one_spike_against_none_is_at_a_distance_of_about_one():
    spike, none = np.zeros(3000), np.zeros(3000)
    spike[100] = 1
    found = van_rossum(spike, none, 1.0, np.array([5.0, 25.0, 100.0, 0.0]))
    np.testing.assert_allclose(found[:3], [1.1015, 1.0201, 1.0050], atol=5e-5)
    assert found[3] == pytest.approx(math.sqrt(8 / (1 - math.exp(-8)))), "the time constant is never below 0.25 bins"


@pytest.mark.parametrize(("bin_ms", "tau"), [(1.0, 5.0), (2.0, 10.0)])
def test_the_distance_of_two_spikes_ten_bins_apart_and_time_constants_in_ms(bin_ms, tau):
    true, predicted = np.zeros(2000), np.zeros(2000)
    true[500], predicted[510] = 1, 1
    assert van_rossum(true, predicted, bin_ms, np.array([tau]))[0] == pytest.approx(1.448514, abs=5e-7)


def test_the_kernel_ends_after_a_thousand_bins_and_with_the_recording():
    spike, none = np.zeros(3000), np.zeros(3000)
    spike[0] = 1
    t = 900.0
    cut = [np.sqrt(2 / t * np.sum(np.exp(-np.arange(bins) * 2 / t))) for bins in (1001, 400)]
    assert van_rossum(spike, none, 1.0, np.array([t]))[0] == pytest.approx(cut[0], rel=1e-12)
    assert van_rossum(spike[:400], none[:400], 1.0, np.array([t]))[0] == pytest.approx(cut[1], rel=1e-12)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 400))
def test_the_distance_is_one(seed, bins):
    rng = np.random.default_rng(seed)
    first, second, third = rng.poisson(0.1, bins), rng.poisson(0.2, bins), rng.poisson(1.0, bins)
    assert van_rossum(first, first, 1.0, WIDTHS).tolist() == [0] * len(WIDTHS)
    around = van_rossum(first, third, 1.0, WIDTHS) + van_rossum(third, second, 1.0, WIDTHS)
    assert (van_rossum(first, second, 1.0, WIDTHS) <= around * (1 + 1e-12)).all()
