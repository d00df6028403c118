"""Windows of a recording: how many there are, where they lie, and what they show."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from raysp.data.sources.retina import mirrored
from raysp.data.splits.windows import Reach, Tape, last_starts, window_starts
from raysp.errors import BadInput
from tests.models.made_up_stimulus import made_up_recording

DISTANCE = Reach(992, 128 - 32 + 198)
PARTS = mirrored(892_863, (7, 2, 1))
"""Of the recording of Doran et al. 2024."""


@st.composite
def stretches(draw):
    edges = draw(st.lists(st.integers(0, 200), min_size=2, max_size=6, unique=True).map(sorted))
    return [pair for pair in zip(edges[::2], edges[1::2], strict=False)]


@given(stretches(), st.integers(1, 20), st.integers(1, 20), st.integers(1, 9))
def test_windows_lie_in_one_stretch_each_and_none_that_would_fit_is_missing(parts, before, after, stride):
    reach = Reach(before, after)
    if any(last - first < reach.bins for first, last in parts):
        with pytest.raises(BadInput, match=f"a window needs {reach.bins} bins"):
            window_starts(parts, reach, stride, "x")
        return
    found = window_starts(parts, reach, stride, "x").tolist()
    expected = []
    for first, last in parts:
        start = first + before
        while start + after <= last:
            expected.append(start)
            start += stride
    assert found == expected
    assert len(found) == sum((last - first - reach.bins) // stride + 1 for first, last in parts)


@given(stretches(), st.integers(1, 20), st.integers(1, 20), st.integers(1, 9))
def test_shifted_as_far_as_they_may_windows_still_lie_in_their_stretch(parts, before, after, stride):
    parts = [(first, last) for first, last in parts if last - first >= before + after]
    if not parts:
        return
    reach = Reach(before, after)
    starts = window_starts(parts, reach, stride, "x")
    latest = last_starts(parts, reach, starts)
    for start, last in zip(starts.tolist(), latest.tolist(), strict=True):
        (own,) = [part for part in parts if part[0] <= start < part[1]]
        assert own[0] + before <= last <= own[1] - after
        assert last == max(own[1] - after - 1, own[0] + before)


@pytest.mark.parametrize(
    ("part", "stride", "expected"), [("train", 13, 47_880), ("validation", 3, 58_668), ("test", 80, 1_101)]
)
def test_the_published_recording_has_the_windows_of_the_spike_distance(part, stride, expected):
    assert len(window_starts(PARTS[part], DISTANCE, stride, part)) == expected


@pytest.mark.parametrize(
    ("interval", "train", "validation", "test"),
    [
        (5, 47_925, 13_584, 17_658),
        (10, 47_924, 13_584, 8_829),
        (20, 47_922, 13_582, 4_414),
        (40, 47_920, 13_578, 2_207),
        (80, 47_914, 13_572, 1_103),
        (160, 47_901, 13_560, 551),
    ],
)
def test_the_published_recording_has_the_windows_of_the_poisson_models(interval, train, validation, test):
    reach = Reach(992, interval)
    found = [len(window_starts(PARTS[part], reach, 13, part)) for part in ("train", "validation")]
    assert [*found, len(window_starts(PARTS["test"], reach, interval, "test"))] == [train, validation, test]


def test_strides_and_parts_that_cannot_be_are_refused_with_what_to_do():
    with pytest.raises(BadInput, match="mine, stride expected at least 1 bin, got 0"):
        window_starts([(0, 100)], Reach(5, 5), 0, "mine")
    with pytest.raises(
        BadInput, match=r"a window needs 110 bins \(100 before t = 0, 10 after\), the part from bin 500"
    ):
        window_starts([(0, 500), (500, 600)], Reach(100, 10), 3, "mine")
    assert window_starts([(500, 610)], Reach(100, 10), 3, "mine").tolist() == [600]


def test_a_window_shows_what_lies_before_its_start_and_nothing_else():
    split = made_up_recording(units=2)
    tape = Tape.of(split, "cpu")
    found = tape.windows(torch.tensor([40, 200, 1200]), 40)
    assert len(found) == 3
    assert found.generator is None
    for window, start in enumerate((40, 200, 1200)):
        np.testing.assert_array_equal(found.stimulus[window].numpy(), split.stimulus[start - 40 : start])
        np.testing.assert_array_equal(found.history[:, window].numpy(), split.spikes[start - 40 : start].T)


def test_a_tape_is_the_whole_recording_units_in_front():
    split = made_up_recording(units=3).select([10, 16])
    tape = Tape.of(split, "cpu")
    assert tape.units == (10, 16)
    assert tape.spikes.dtype == torch.float32
    np.testing.assert_array_equal(tape.spikes.numpy(), split.spikes.T)
    np.testing.assert_array_equal(tape.stimulus.numpy(), split.stimulus)
    assert tape.device == torch.device("cpu")
