"""Stimulus splits check themselves, and their units are chosen by the recording's own numbers."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysp.data.splits.stimulus import StimulusSizes, StimulusSplit
from raysp.data.splits.units import find_units
from raysp.errors import BadInput

BINS, CHANNELS = 60, 2
UNITS = (3, 4, 5, 9, 20, 21)
PARTS = {"train": ((0, 20), (40, 60)), "validation": ((20, 24), (36, 40)), "test": ((24, 36),)}


@pytest.fixture
def split():
    rng = np.random.default_rng(0)
    return StimulusSplit(
        name="made-up",
        sizes=StimulusSizes("made-up", 1.0, CHANNELS, len(UNITS)),
        stimulus=rng.random((BINS, CHANNELS), dtype=np.float32),
        spikes=rng.poisson(0.5, (BINS, len(UNITS))).astype(np.uint8),
        units=np.array(UNITS),
        global_ids=np.array([13, 14, -1, 19, 30, 31]),
        parts=PARTS,
        left_out=((7, "fires more than 19 Hz"), (8, "has fewer than 9 spikes in training")),
    )


def test_a_part_has_the_bins_of_all_its_stretches(split):
    assert {part: split.bins_of(part) for part in split.parts} == {"train": 40, "validation": 8, "test": 12}
    assert split.kind == "stimulus"


def test_a_selection_takes_the_columns_of_those_units_and_says_which(split):
    chosen = split.select([20, 3, 4])
    assert chosen.name == "made-up[3-4,20]"
    assert chosen.sizes == dataclasses.replace(split.sizes, units=3)
    np.testing.assert_array_equal(chosen.units, [3, 4, 20])
    np.testing.assert_array_equal(chosen.global_ids, [13, 14, 30])
    np.testing.assert_array_equal(chosen.spikes, split.spikes[:, [0, 1, 4]])
    assert chosen.stimulus is split.stimulus
    np.testing.assert_array_equal(chosen.select([20]).spikes, split.spikes[:, [4]])


@pytest.mark.parametrize(
    ("units", "words"),
    [
        ([6], r"unknown unit 6: the nearest is 5; there are 6 units, numbers 3 to 21"),
        ([3, 7], r"unit 7 was left out: it fires more than 19 Hz"),
        ([3, 4, 3], "got 3 more than once"),
        ([], "at least one unit"),
        (["3-5"], "whole unit numbers, got '3-5'"),
        ([True], "whole unit numbers, got True"),
        ([3.0], "whole unit numbers"),
    ],
)
def test_a_wrong_selection_is_refused(split, units, words):
    with pytest.raises(BadInput, match=words):
        split.select(units)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("all", UNITS),
        ("5", (5,)),
        ("20,3", (3, 20)),
        ("3, 5-20", (3, 5, 9, 20)),
        ("first 2", (3, 4)),
        ("every 5", (3, 21)),
        ("every 2", (3, 5, 20)),
        ("first 1, 20 - 30", (3, 20, 21)),
        ([21, 3], (3, 21)),
        (["4-5", 20], (4, 5, 20)),
        (np.array([9, 4]), (4, 9)),
    ],
)
def test_patterns_find_the_units_they_mean(split, pattern, expected):
    assert find_units(pattern, split.units) == expected
    assert tuple(split.select(find_units(pattern, split.units)).units) == expected


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("6", "unknown unit 6"),
        ("3,8", "unit 8 was left out: it has fewer than 9 spikes"),
        ("10-19", "'10-19' expected a range with at least one unit"),
        ("9-3", "'9-3' expected a range with at least one unit"),
        ("3,3-5", "got 3 more than once"),
        ("first 7", "'first 7' expected a number from 1 to 6"),
        ("first 0", "'first 0' expected a number"),
        ("every 0", "'every 0' expected a number"),
        ("", "expected numbers and ranges"),
        ("3,", "expected numbers and ranges"),
        ("-3", "expected numbers and ranges"),
        ("last 2", "expected numbers and ranges"),
        ([3.5], "expected numbers and ranges"),
        ([], "at least one"),
    ],
)
def test_a_wrong_pattern_is_refused(split, pattern, words):
    with pytest.raises(BadInput, match=words):
        find_units(pattern, split.units, split.left_out)


@given(units=st.sets(st.integers(0, 60), min_size=1), data=st.data())
def test_any_selection_of_numbers_is_found_again_from_its_own_spelling(units, data):
    units = sorted(units)
    wanted = sorted(data.draw(st.sets(st.sampled_from(units), min_size=1)))
    text = ",".join(str(unit) for unit in data.draw(st.permutations(wanted)))
    assert find_units(text, units) == find_units(wanted, units) == tuple(wanted)
    low, high = wanted[0], wanted[-1]
    assert find_units(f"{low}-{high}", units) == tuple(unit for unit in units if low <= unit <= high)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"stimulus": np.zeros((BINS, 3), np.float32)}, r"stimulus expected shape \(60, 2\)"),
        ({"stimulus": np.zeros((BINS, 2))}, "of float32, got .* of float64"),
        ({"stimulus": np.full((BINS, 2), np.nan, np.float32)}, "finite values"),
        ({"spikes": np.zeros((BINS - 1, 6), np.uint8)}, "spikes expected shape"),
        ({"spikes": np.zeros((BINS, 6), np.int64)}, "of uint8, got .* of int64"),
        ({"units": np.array([3, 4, 5, 9, 21, 20])}, "strictly increasing"),
        ({"units": np.array([-3, 4, 5, 9, 20, 21])}, "numbers >= 0"),
        ({"global_ids": np.array([13, 14, -2, 19, 30, 31])}, "-1 for unknown"),
        ({"global_ids": np.array([13])}, "global_ids expected shape"),
        ({"left_out": ((3, "fires"),)}, "none of those that are there"),
        ({"left_out": ((7, "fires"), (7, "has"))}, "each unit once"),
        ({"parts": {"train": ((0, 9),), "test": ((9, 12),)}}, "at least one stretch in each of"),
        ({"parts": {**PARTS, "test": ()}}, "at least one stretch in each of"),
        ({"parts": {**PARTS, "test": ((24, 37),)}}, "do not overlap, .* got 36 to 40 after 37"),
        ({"parts": {**PARTS, "test": ((30, 30),)}}, "at least one bin"),
        ({"parts": {**PARTS, "train": ((0, 20), (40, 61))}}, "in bins 0 to 60"),
        ({"parts": {**PARTS, "train": ((-1, 20),)}}, "in bins 0 to 60"),
        ({"sizes": StimulusSizes("made-up", 0.0, CHANNELS, 6)}, "a bin width > 0"),
        ({"sizes": StimulusSizes("made-up", 1.0, CHANNELS, 5)}, "spikes expected shape"),
    ],
)
def test_a_split_that_does_not_fit_together_is_refused(split, changes, words):
    with pytest.raises(BadInput, match=words):
        dataclasses.replace(split, **changes)
