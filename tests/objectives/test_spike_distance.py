"""Distances to the nearest spike, on trains drawn by hand, against the definition, and on a real retina."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from raysp.data.sources.retina import Config, build
from raysp.errors import BadInput
from raysp.objectives.spike_distance import (
    AT_SPIKE,
    FAR,
    check,
    distance_histogram,
    distances,
    log_distances,
    mean_log_distance,
    neighbours,
)

ARCHIVE = Path(__file__).parents[3] / "shared" / "data" / "chicken_2021_08_17.tar.gz"
Q = AT_SPIKE


def train(bins, *spikes):
    counts = np.zeros((bins, 1), np.uint8)
    counts[list(spikes)] = 1
    return counts


def window(spikes, start, **sizes):
    tables = (torch.from_numpy(table) for table in neighbours(spikes))
    return distances(*tables, torch.tensor([start]), **sizes)[:, 0].numpy()


def defined(spikes, start, past, length, clamp, lookahead):
    """The definition, bin by bin: spikes from t = 0 to the look-ahead's end, and no others."""
    future = [bin for bin in range(start, start + length - past + lookahead) if bin < len(spikes) and spikes[bin]]
    found = []
    for bin in range(start - past, start - past + length):
        nearest = min((abs(bin - spike) for spike in future), default=clamp)
        found.append(AT_SPIKE if nearest == 0 else min(nearest, clamp))
    return found


@pytest.mark.parametrize(
    ("spikes", "expected"),
    [
        ([], [5, 5, 5, 5, 5, 5, 5, 5]),
        ([4], [2, 1, Q, 1, 2, 3, 4, 5]),
        ([9], [5, 5, 5, 4, 3, 2, 1, Q]),
        ([6, 7], [4, 3, 2, 1, Q, Q, 1, 2]),
        ([5, 9], [3, 2, 1, Q, 1, 2, 1, Q]),
        ([2, 3], [5, 5, 5, 5, 5, 5, 5, 5]),
        ([3, 7], [5, 4, 3, 2, 1, Q, 1, 2]),
        ([11], [5, 5, 5, 5, 5, 4, 3, 2]),
        ([14], [5, 5, 5, 5, 5, 5, 5, 5]),
    ],
    ids=["none", "first", "last", "adjacent", "two", "past alone", "past and later", "beyond", "beyond the clamp"],
)
def test_trains_drawn_by_hand_give_arrays_written_by_hand(spikes, expected):
    # The array covers bins 2 to 9, and t = 0 is bin 4.
    np.testing.assert_array_equal(window(train(16, *spikes), 4, past=2, length=8, clamp=5), [expected])


def test_each_bin_knows_its_next_and_last_spike():
    following, preceding = neighbours(np.array([[0, 2], [1, 0], [0, 0]], np.uint8))
    assert following.T.tolist() == [[1, 1, FAR], [0, FAR, FAR]]
    assert preceding.T.tolist() == [[-FAR, 1, 1], [0, 0, 0]]
    assert following.dtype == preceding.dtype == np.int32


@given(st.data())
def test_the_gather_equals_the_definition(data):
    draw = np.random.default_rng(data.draw(st.integers(0, 999)))
    past = data.draw(st.integers(0, 9))
    length = past + data.draw(st.integers(1, 20))
    clamp = data.draw(st.integers(past + 1, past + 30))
    lookahead = clamp + data.draw(st.integers(0, 5))
    check(past, length, lookahead, clamp, "here")
    bins = length - past + lookahead + 40
    spikes = draw.poisson(data.draw(st.sampled_from([0.0, 0.02, 0.1, 0.5])), (bins, 3)).astype(np.uint8)
    starts = draw.integers(0, 40, 6)
    tables = [torch.from_numpy(table) for table in neighbours(spikes)]
    found = distances(*tables, torch.from_numpy(starts), past=past, length=length, clamp=clamp)
    expected = [[defined(unit, start, past, length, clamp, lookahead) for start in starts] for unit in spikes.T]
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == torch.float32
    assert found.is_contiguous()
    logs = log_distances(*tables, torch.from_numpy(starts), past=past, length=length, clamp=clamp)
    np.testing.assert_allclose(logs, np.log(expected), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("stride", [1, 3, 17, 40, 80])
def test_the_first_bins_of_strided_windows_are_the_recording(stride):
    spikes = (np.random.default_rng(stride).random((3000, 4)) < 0.01).astype(np.uint8)
    following, preceding = neighbours(spikes)
    starts = np.arange(992, 3000 - 294, stride)
    found = distances(torch.from_numpy(following), torch.from_numpy(preceding), torch.from_numpy(starts))
    joined = found[:, :, 32 : 32 + stride].flatten(1).numpy().T
    part = slice(992, 992 + len(joined))
    np.testing.assert_array_equal(joined == AT_SPIKE, spikes[part] == 1)
    bins = np.arange(3000)[:, None]
    ahead, behind = (following - bins)[part], (bins - preceding)[part]
    both = np.minimum(np.minimum(ahead, behind), 198)
    # A window does not know spikes before its own t = 0: elsewhere the two sides of the recording count.
    knows = preceding[part] >= np.repeat(starts, stride)[:, None]
    expected = np.where(knows, both, np.minimum(ahead, 198))
    np.testing.assert_array_equal(joined, np.where(expected == 0, AT_SPIKE, expected))
    assert (knows & (behind < ahead)).any() == (stride > 1)


def test_windows_of_a_part_do_not_depend_on_what_lies_beyond_their_look_ahead():
    spikes = (np.random.default_rng(0).random((600, 5)) < 0.005).astype(np.uint8)
    whole, cut = window(spikes, 200), window(spikes[: 200 + 96 + 198], 200)
    np.testing.assert_array_equal(whole, cut)
    np.testing.assert_array_equal(whole, window(np.where(np.arange(600)[:, None] < 200, 1, spikes), 200))


@given(st.integers(0, 999), st.integers(1, 30))
def test_the_histogram_and_the_mean_are_those_of_all_bins_of_the_parts(seed, clamp):
    spikes = np.random.default_rng(seed).poisson(0.04, (120, 2))
    parts = ((0, 50), (70, 120))
    counts, means = distance_histogram(spikes, parts, clamp), mean_log_distance(spikes, parts, clamp)
    for unit in range(2):
        found = []
        for start, stop in parts:
            own = [bin for bin in range(start, stop) if spikes[bin, unit]]
            found += [min([abs(bin - spike) for spike in own] + [clamp]) for bin in range(start, stop)]
        np.testing.assert_array_equal(counts[unit], np.bincount(found, minlength=clamp + 1))
        logs = np.log([AT_SPIKE if distance == 0 else distance for distance in found])
        assert means[unit] == pytest.approx(logs.mean(), abs=1e-12)


@pytest.mark.real
@pytest.mark.skipif(
    not ARCHIVE.exists(), reason=f"needs the chicken retina of 17 August 2021, shared/data/{ARCHIVE.name}"
)
def test_log_distances_of_a_real_retina_have_the_known_mean_and_spread():
    split, _ = build(Config(path=str(ARCHIVE)), "chicken")
    counts = distance_histogram(split.spikes, split.parts["train"])
    means = mean_log_distance(split.spikes, split.parts["train"])
    shares, values = counts / counts.sum(axis=1, keepdims=True), np.r_[AT_SPIKE, 1.0:199]
    spreads = np.sqrt(shares @ np.log(values) ** 2 - means**2)
    units = [split.units.tolist().index(number) for number in (179, 56, 21)]
    np.testing.assert_allclose(means[units], [5.01222, 4.75511, 3.96427], atol=6e-6)
    np.testing.assert_allclose(spreads[units], [0.70050, 0.92352, 1.25845], atol=1e-5)
    np.testing.assert_allclose((shares @ values)[units[::2]], [171.26, 85.65], atol=6e-3)
    np.testing.assert_allclose(shares[units[::2], -1], [0.743, 0.125], atol=6e-4)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((32, 32, 198, 198), "0 <= past < length"),
        ((-1, 32, 198, 198), "0 <= past < length"),
        ((32, 128, 198, 0), "at least 1 bin"),
        ((32, 128, 198, 32), "more than the 32 past bins"),
        ((32, 128, 197, 198), "at most the look-ahead of 197 bins"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(sizes, message):
    with pytest.raises(BadInput, match=message):
        check(*sizes, "here")


def test_bad_input_is_refused():
    spikes = train(300, 4)
    tables = [torch.from_numpy(table) for table in neighbours(spikes)]
    with pytest.raises(BadInput, match="integer counts"):
        neighbours(spikes.astype(float))
    with pytest.raises(BadInput, match="integer counts"):
        neighbours(spikes[:, 0])
    with pytest.raises(BadInput, match="counts >= 0"):
        neighbours(spikes.astype(np.int8) - 1)
    with pytest.raises(BadInput, match="two tables of one shape"):
        distances(tables[0], tables[1][1:], torch.tensor([3]))
    with pytest.raises(BadInput, match="starts"):
        distances(*tables, torch.tensor(3))
    for parts in ((), ((0, 301),), ((5, 5),), ((-1, 5),)):
        with pytest.raises(BadInput, match="0 <= start < stop <= 300"):
            mean_log_distance(spikes, parts)
    with pytest.raises(BadInput, match="clamp expected at least 1"):
        distance_histogram(spikes, ((0, 300),), clamp=0)
