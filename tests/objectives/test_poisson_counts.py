"""Counts from rates, and spikes from counts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from raysp.errors import BadInput
from raysp.objectives.poisson_counts import decode, place_evenly


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def by_linspace(count, interval):
    points = np.linspace(0, interval, count + 2).astype(int)[1:-1]
    return np.bincount(points, minlength=interval).tolist()


@pytest.mark.parametrize("interval", [1, 5, 10, 20, 40, 80, 160])
def test_spikes_lie_on_the_truncated_points_between_the_ends(interval):
    # With more than 150 spikes in an interval the points in floating point miss whole numbers by a rounding error.
    counts = np.arange(150)
    placed = place_evenly(counts, interval)
    assert placed.dtype == np.uint8
    assert placed.tolist() == [by_linspace(count, interval) for count in range(150)]


@given(st.integers(2, 200), st.integers(0, 500))
def test_no_spike_is_lost_and_bins_differ_by_one_at_most(interval, count):
    placed = place_evenly(np.array(count), interval)
    assert placed.shape == (interval,)
    assert placed.sum() == count
    # The point at the interval's beginning is dropped, which makes the first bin the emptiest.
    others = placed.astype(int) + (np.arange(interval) == 0)
    assert others.max() - others.min() <= 1


def test_windows_keep_their_shape_and_are_placed_one_by_one():
    counts = np.array([[0, 1, 2], [3, 4, 12]], dtype=np.int32)
    placed = place_evenly(counts, 10)
    assert placed.shape == (2, 3, 10)
    for row in range(2):
        for column in range(3):
            assert placed[row, column].tolist() == place_evenly(counts[row, column], 10).tolist()
    assert np.flatnonzero(placed[0, 1]).tolist() == [5]
    assert np.flatnonzero(placed[0, 2]).tolist() == [3, 6]
    assert placed[1, 2].max() == 2, "12 spikes in 10 bins"
    assert place_evenly(np.zeros(0, dtype=int), 10).shape == (0, 10)


def test_half_a_spike_is_rounded_to_the_even_number():
    rates = torch.tensor([0.0, 0.49, 0.5, 0.51, 1.5, 2.5, 3.99])
    assert decode(rates, "round").tolist() == [0, 0, 0, 1, 2, 2, 4]
    assert decode(rates, "floor").tolist() == [0, 0, 0, 0, 1, 2, 3]
    for how in ("round", "floor", "sample"):
        assert decode(rates, how, seeded()).dtype == torch.int64


def test_samples_have_the_mean_and_variance_of_a_poisson_law_and_repeat_with_their_seed():
    rates = torch.full((200_000,), 2.5)
    counts = decode(rates, "sample", seeded())
    # Five standard errors: sqrt(2.5 / 200,000) of the mean, about sqrt(15 / 200,000) of the variance.
    assert counts.double().mean() == pytest.approx(2.5, abs=0.018)
    assert counts.double().var() == pytest.approx(2.5, abs=0.044)
    assert torch.equal(counts, decode(rates, "sample", seeded()))
    assert not torch.equal(counts, decode(rates, "sample", seeded(1)))


def test_bad_input_is_refused():
    for rates in ([-0.1], [float("nan")], [float("inf")]):
        with pytest.raises(BadInput, match="finite rates >= 0"):
            decode(torch.tensor(rates), "round")
    with pytest.raises(BadInput, match="one of round, floor, sample, got 'mode'"):
        decode(torch.ones(1), "mode")
    with pytest.raises(BadInput, match="a seeded generator"):
        decode(torch.ones(1), "sample")
    with pytest.raises(BadInput, match="at least 1 bin"):
        place_evenly(np.array([1]), 0)
    with pytest.raises(BadInput, match="decode the rates first"):
        place_evenly(np.array([1.0]), 5)
    for count in (-1, 255 * 5):
        with pytest.raises(BadInput, match="0 to 1274 spikes in 5 bins"):
            place_evenly(np.array([count]), 5)
    assert place_evenly(np.array(255 * 5 - 1), 5).sum() == 255 * 5 - 1
