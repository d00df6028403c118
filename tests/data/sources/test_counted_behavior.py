"""Behaviour beside counts that has samples at times of its own is averaged in the bins of the counts."""

import h5py
import numpy as np
import pytest

from raysp.config import settings
from raysp.data.sources import population
from raysp.errors import BadInput

RNG = np.random.default_rng(0)
BINS, WIDTH_S, HZ = 1000, 0.02, 250.0
COUNTS = RNG.poisson(0.6, (BINS, 5))
STAMPS = np.append(0.0, np.arange(1, 4000) / 200 + RNG.uniform(-0.002, 0.002, 3999))
EVEN = np.arange(round(BINS * WIDTH_S * HZ)) / HZ
TRIALS = 12


def signal(t):
    return np.stack([np.sin(3 * t), t], axis=-1)


def write(folder, kind="npz", **arrays):
    path = folder / f"x.{kind}"
    if kind == "npz":
        np.savez(path, **arrays)
    else:
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                file[name] = array
    return str(path)


def built(path, **given):
    given = {"counts": "counts", "bin_ms": 20, "behavior": "hand", "window_ms": (0, 400), "gap_ms": 0, **given}
    return population.build(settings.build(population.Config, {"path": path, **given}, "x"), "x")


def windows(split, answers):
    """Return behaviour by the number of its window or trial."""
    both = ((split.train, split.train.behavior), (split.eval, answers.trials.behavior))
    return {int(row): one for part, values in both for row, one in zip(part.ids, values, strict=True)}


def by_sums(t, values, begin, bins=BINS):
    """Return the mean in each bin by a fine grid of the straight lines between samples."""
    grid = begin + (np.arange(bins * 200) + 0.5) * WIDTH_S / 200
    return np.stack([np.interp(grid, t, one).reshape(bins, 200).mean(axis=1) for one in values.T], axis=1)


CENTRES = {"bin_centers": 7.3 + (np.arange(BINS) + 0.5) * WIDTH_S}
EDGES = {"t": 7.3 + np.arange(BINS + 1) * WIDTH_S}


@pytest.mark.parametrize(
    ("kind", "arrays", "given", "begin"),
    [
        ("npz", {"hand": signal(STAMPS), "hand_t": STAMPS}, {"behavior_time": "hand_t"}, 0.0),
        ("h5", {"hand": signal(EVEN), "dt": 1 / HZ, "fs": HZ}, {"behavior_hz": HZ}, 0.0),
        ("npz", {"hand": signal(STAMPS).T, "ms": 1e3 * (STAMPS + 7.3), **{"edges": 1e3 * EDGES["t"]}},
         {"behavior_time": "ms", "behavior_per_second": 1000}, 7.3),
        ("h5", {"hand": signal(STAMPS), "stamps": STAMPS + 7.3, **CENTRES}, {"behavior_time": "stamps"}, 7.3),
        ("npz", {"hand": signal(STAMPS), "stamps": STAMPS + 7.3, **EDGES}, {"behavior_time": "stamps"}, 7.3),
        ("npz", {"hand": signal(STAMPS), "stamps": 1e3 * STAMPS + 7300, **EDGES},
         {"behavior_time": "stamps", "behavior_per_second": 1000}, 7.3),
        ("npz", {"hand": signal(STAMPS), "s": STAMPS + 7.3, "t": 7.3 + np.arange(BINS) * WIDTH_S},
         {"behavior_time": "s", "counts_begin_s": 7.3, "lag_ms": 100}, 7.4),
    ],
)  # fmt: skip
def test_samples_beside_counts_are_averaged_in_their_bins(tmp_path, kind, arrays, given, begin):
    split, answers = built(write(tmp_path, kind, counts=COUNTS, **arrays), **given)
    at = EVEN if "behavior_hz" in given else STAMPS + (7.3 if begin else 0.0)
    values = arrays["hand"] if len(arrays["hand"]) == len(at) else arrays["hand"].T
    wanted = by_sums(at, values, begin)
    for window, found in windows(split, answers).items():
        # Of the last bins the lines end before they do.
        there = np.arange(20)[:, None] + 20 * window + 0 * found < BINS - 6
        np.testing.assert_allclose(found[there], wanted[20 * window : 20 * window + 20][there], atol=2e-3)
    assert split.provenance.behavior == (("hand 0", ""), ("hand 1", ""))


@pytest.mark.parametrize("clock", ["hz", "one", "each", "starred"])
def test_samples_in_each_trial_are_averaged_in_its_bins(tmp_path, clock):
    counts, t = RNG.poisson(0.6, (TRIALS, 40, 5)), np.arange(200) / HZ
    hand = np.stack([signal(t + trial) for trial in range(TRIALS)])
    arrays, given = {"hand": hand}, {"behavior_time": "t"}
    if clock == "hz":
        given = {"behavior_hz": HZ}
    elif clock == "starred":
        arrays = {f"hand_{trial}": hand[trial, : 200 - trial] for trial in range(TRIALS)}
        arrays |= {f"at_{trial}": t[: 200 - trial] for trial in range(TRIALS)}
        given = {"behavior": "hand_*", "behavior_time": "at_*"}
    else:
        arrays["t"] = t if clock == "one" else np.tile(t, (TRIALS, 1))
    split, answers = built(write(tmp_path, counts=counts, **arrays), window_ms=None, **given)
    for trial, found in windows(split, answers).items():
        wanted = by_sums(t, hand[trial], 0.0, 40)
        # The lines of the last bin end before it does.
        np.testing.assert_allclose(found[:37], wanted[:37], atol=1e-3)
        assert np.isnan(found[38:]).all() == (clock == "starred" and trial > 6)


def test_arrays_in_memory_have_times_too():
    split, answers = population.build_arrays(
        {"counts": COUNTS, "behavior": signal(STAMPS), "behavior_time": STAMPS},
        {"bin_ms": 20, "window_ms": (0, 400), "gap_ms": 0}, "x",
    )  # fmt: skip
    found = windows(split, answers)[3]
    np.testing.assert_allclose(found, by_sums(STAMPS, signal(STAMPS), 0.0)[60:80], atol=1e-3)


@pytest.mark.parametrize(
    ("arrays", "given", "says"),
    [
        ({}, {"behavior_hz": 25.0}, "as long as the counts, 20 s, got 200 s by behavior_hz 25"),
        ({"t": 1000 * STAMPS}, {"behavior_time": "t"}, "got 19998.* s by behavior_per_second 1;"),
        ({"t": STAMPS[1:]}, {"behavior_time": "t"}, r"a sample for each of 3999 times in t, got \(4000, 2\)"),
        ({"t": STAMPS[::-1]}, {"behavior_time": "t"}, "times in t that rise from sample to sample"),
        ({"t": STAMPS + 7, "time": 7.003 + np.arange(BINS) * WIDTH_S}, {"behavior_time": "t"},
         "give counts_begin_s: 7.003 or 6.993"),
        ({"t": STAMPS, "time": np.append(np.arange(BINS - 1), BINS) * WIDTH_S}, {"behavior_time": "t"},
         "bins that are left out shift"),
        ({"t": STAMPS}, {"behavior_time": "t", "behavior_hz": 5.0}, "got both"),
        ({"t": STAMPS}, {"behavior_time": "t", "behavior": None}, "expected behavior, the array of samples"),
    ],
)  # fmt: skip
def test_clocks_that_cannot_be_right_are_refused(tmp_path, arrays, given, says):
    values = signal(EVEN) if "behavior_hz" in given else signal(STAMPS)
    with pytest.raises(BadInput, match=says):
        built(write(tmp_path, counts=COUNTS, hand=values, **arrays), **given)
