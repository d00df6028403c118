"""Recordings given as files of counts."""

import dataclasses
from pathlib import Path

import h5py
import numpy as np
import pandas
import polars
import pytest

from raysp.data.sources import population
from raysp.data.sources.population import Config
from raysp.errors import BadInput


@pytest.fixture
def counts_file(tmp_path):
    """Write the same arrays as HDF5 or NPZ."""

    def write(kind, **changes):
        rng = np.random.default_rng(1)
        hertz = rng.uniform(5, 50, (10, 8, 4))
        arrays = {"spikes": rng.poisson(hertz * 0.02), "truth": hertz, "stimulus": np.arange(10) % 2, **changes}
        path = tmp_path / f"mine.{kind}"
        if kind == "npz":
            np.savez(path, **arrays)
        else:
            with h5py.File(path, "w") as file:
                for name, array in arrays.items():
                    file[f"inner/{name}" if name == "truth" else name] = array
        return str(path), arrays

    return write


def count_config(path, **changes):
    return Config(**{"path": path, "bin_ms": 20, "counts": "spikes", **changes})


@pytest.mark.parametrize("kind", ["npz", "h5"])
def test_a_file_of_counts_with_truth(counts_file, kind):
    path, arrays = counts_file(kind)
    key = "truth" if kind == "npz" else "inner/truth"
    config = count_config(path, rates=key, rate_scale=0.02, conditions=("stimulus",), forward_ms=40, heldout=1)
    split, targets = population.build(config, "mine")
    assert (split.sizes.bins, split.sizes.forward, split.sizes.heldin, split.sizes.heldout) == (6, 2, 3, 1)
    rates = np.concatenate([split.train.rates, targets.trials.rates])
    assert rates.mean() == pytest.approx(arrays["truth"].mean() * 0.02, rel=1e-5)
    counts = [part for one in (split.train, targets.trials) for part in (one.heldin, one.heldout)]
    assert sum(part.sum() for part in counts) == arrays["spikes"][:, :6].sum()
    assert targets.psth.shape == (2, 6, 4)
    np.testing.assert_array_equal(split.eval.rates, targets.trials.rates)


def test_behaviour_of_counts_keeps_the_observed_bins(counts_file):
    hand = np.broadcast_to(np.arange(8.0)[:, None], (10, 8, 2))
    path, _ = counts_file("npz", hand=hand)
    split, _ = population.build(count_config(path, behavior="hand", forward_ms=40), "mine")
    np.testing.assert_array_equal(split.train.behavior[0, :, 1], np.arange(6))


def test_variables_of_behaviour_are_called_as_the_settings_say(counts_file):
    path, _ = counts_file("npz", hand=np.random.default_rng(0).normal(size=(10, 8, 2)))
    config = count_config(path, behavior="hand", behavior_units=("mm", "mm/s"))
    assert population.build(config, "mine")[0].provenance.behavior == (("hand 0", "mm"), ("hand 1", "mm/s"))
    config = dataclasses.replace(config, behavior_names=("place", "speed"))
    assert population.build(config, "mine")[0].provenance.behavior == (("place", "mm"), ("speed", "mm/s"))
    found = population.build(count_config(path, behavior="hand"), "mine")[0]
    assert found.provenance.behavior == (("hand 0", ""), ("hand 1", ""))


COUNTS, TRACE = np.random.default_rng(0).poisson(0.4, (20, 30, 6)), np.random.default_rng(1).normal(size=(20, 30, 2))
NAMED = ["speed", "heading"]


class Labelled:
    """As xarray's array."""

    dims, coords = ("trial", "bin", "of"), {"of": np.array(NAMED)}

    def __array__(self, dtype=None, copy=None):
        return TRACE.astype(dtype)


@pytest.mark.parametrize(
    ("counts", "given", "names"),
    [
        (COUNTS, {"behavior": TRACE}, []),
        (COUNTS, {"behavior": Labelled()}, NAMED),
        (COUNTS, {"behavior": [pandas.DataFrame(one, columns=NAMED) for one in TRACE]}, NAMED),
        (COUNTS, {"behavior": [polars.DataFrame(one, NAMED) for one in TRACE]}, NAMED),
        (COUNTS, {"behavior": [pandas.DataFrame(one) for one in TRACE]}, []),
        (COUNTS.reshape(600, 6), {"behavior": pandas.DataFrame(TRACE.reshape(600, 2), columns=NAMED)}, NAMED),
        (COUNTS.reshape(600, 6), {"behavior": pandas.Series(TRACE[..., 0].ravel(), name="speed")}, ["speed"]),
        (COUNTS, {"decode": polars.DataFrame(TRACE[:, 0], NAMED)}, NAMED),
        (COUNTS, {"decode": pandas.Series(TRACE[:, 0, 0], name="contrast")}, ["contrast"]),
        (COUNTS, {"decode": TRACE[:, 0]}, ["variable 0", "variable 1"]),
        (COUNTS, {"decode": pandas.DataFrame(TRACE[:, 0], columns=["counts", "x"])}, ["variable 0", "variable 1"]),
    ],
)
def test_columns_keep_their_names(counts, given, names):
    cut = {} if counts.ndim == 3 else {"window_ms": (0, 600), "gap_ms": 0}
    split, _ = population.build_arrays({"counts": counts}, {**given, **cut, "bin_ms": 20}, "x")
    assert [name for name, _ in split.provenance.behavior] == names
    assert split.train.behavior.shape[-1] == max(len(names), 1 + (not names))


def test_trials_whose_columns_have_another_order_are_refused():
    frames = [pandas.DataFrame(one, columns=NAMED) for one in TRACE]
    frames[3] = frames[3][NAMED[::-1]]
    with pytest.raises(BadInput, match="same columns in the same order in each trial, got heading, speed and speed"):
        population.build_arrays({"counts": COUNTS}, {"behavior": frames, "bin_ms": 20}, "x")


def test_columns_of_a_table_name_the_variables_that_they_are(tmp_path):
    frame = pandas.DataFrame(COUNTS.reshape(600, 6), columns=[f"n_{unit}" for unit in range(6)])
    frame["hand_x"], frame["hand_y"], frame["gaze"] = *TRACE.reshape(600, 2).T, TRACE[..., 0].ravel()
    frame.to_csv(tmp_path / "x.csv", index=False)
    for behavior, names in (("hand_*", ["hand_x", "hand_y"]), ("gaze", ["gaze"])):
        config = Config(
            path=str(tmp_path / "x.csv"), counts="n_*", behavior=behavior, bin_ms=20, window_ms=(0, 600), gap_ms=0
        )
        assert [name for name, _ in population.build(config, "x")[0].provenance.behavior] == names


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"behavior": "hand", "behavior_names": ("speed",)}, "behavior_names expected one for each of 2 .* got 1"),
        ({"behavior": "hand", "behavior_names": ("a", "a")}, "behavior_names expected each once, got .a. more"),
        ({"behavior_units": ("mm",)}, "behavior_units expected behavior or decode"),
    ],
)
def test_names_that_fit_no_behaviour_are_refused(counts_file, settings, says):
    path, _ = counts_file("npz", hand=np.zeros((10, 8, 2)))
    with pytest.raises(BadInput, match=says):
        population.build(count_config(path, **settings), "mine")


@pytest.mark.parametrize("continuous", [True, False])
def test_units_have_the_numbers_that_lie_beside_counts(counts_file, continuous):
    numbers = np.array([31, 7, 12, 100])
    counts = np.random.default_rng(0).poisson(0.5, (400, 4) if continuous else (10, 8, 4))
    names = np.array([b"M1 3", b"M1 4", b"PMd 3", b"PMd 9"])
    path, _ = counts_file("h5", spikes=counts, unit_ids=numbers, ids=np.arange(10)[::-1], unit_names=names)
    given = {"window_ms": (0, 400), "gap_ms": 0} if continuous else {}
    split, answers = population.build(count_config(path, heldout=0, **given), "mine")
    rows = np.concatenate([split.train.ids, split.eval.ids])
    own = counts.reshape(20, 20, 4)[rows] if continuous else counts[9 - rows]
    found = np.concatenate([split.train.heldin, answers.trials.heldin])
    np.testing.assert_array_equal(found, own[..., [numbers.tolist().index(one) for one in split.units]])
    assert "units have the numbers in unit_ids" in split.provenance.notes
    assert dict(split.provenance.unit_names) == dict(zip(numbers.tolist(), names.astype(str).tolist(), strict=True))


def test_given_indices_are_kept(counts_file):
    path, arrays = counts_file("npz", test=np.array([7, 2]), fit=np.arange(10) < 2)
    split, targets = population.build(count_config(path, eval_index="test", heldout=0), "mine")
    np.testing.assert_array_equal(targets.trials.heldin, arrays["spikes"][[2, 7]])
    assert len(split.train) == 8
    split, targets = population.build(count_config(path, train_index="fit", heldout=0), "mine")
    np.testing.assert_array_equal(split.train.heldin, arrays["spikes"][:2])
    assert len(targets.trials) == 8


def with_value(value, dtype=float):
    counts = np.ones((10, 8, 4), dtype=dtype)
    counts[3, 2, 1] = value
    return {"spikes": counts}


@pytest.mark.parametrize(
    ("arrays", "changes", "message"),
    [
        (with_value(np.nan), {}, "got NaN in trial 3, bin 2, unit 1"),
        (with_value(-1), {}, "counts >= 0, got -1"),
        (with_value(0.5), {}, "whole spike counts"),
        (with_value(np.inf), {}, "finite counts"),
        ({"spikes": np.ones((10, 4))}, {}, "shape .trials, bins, units., got .10, 4."),
        ({"spikes": np.array([["a"]])}, {}, "expected numbers"),
        ({}, {"counts": "spike"}, "did you mean 'spikes'"),
        ({"truth": np.ones((10, 8, 3))}, {"rates": "truth", "rate_scale": 1.0}, "of the counts' shape"),
        ({"truth": -np.ones((10, 8, 4))}, {"rates": "truth", "rate_scale": 1.0}, "finite true rates >= 0"),
        ({"test": np.array([10])}, {"eval_index": "test"}, "indices 0 to 9, got 10 to 10; count from 0"),
        ({"test": np.array([1, 1])}, {"eval_index": "test"}, "each once, got 1 more than once"),
        (
            {"test": np.array([1]), "fit": np.array([1])},
            {"eval_index": "test", "train_index": "fit"},
            "trial 1 in both",
        ),
        ({"test": np.arange(10)}, {"eval_index": "test"}, "got 0 and 10"),
        ({"stimulus": np.arange(3)}, {"conditions": ("stimulus",)}, "one condition per trial"),
        ({}, {"forward_ms": 160.0}, "leaves none of 8 bins"),
        ({"hand": np.ones((10, 5, 2))}, {"behavior": "hand"}, "expected behaviour .10, 8, variables."),
    ],
)
def test_bad_files_of_counts_are_refused(counts_file, arrays, changes, message):
    path, _ = counts_file("npz", **arrays)
    with pytest.raises(BadInput, match=message):
        population.build(count_config(path, **changes), "mine")


def test_pickled_arrays_are_never_opened(counts_file):
    path, _ = counts_file("npz", spikes=np.array([{"a": 1}], dtype=object))
    with pytest.raises(BadInput, match="save plain numbers"):
        population.build(count_config(path), "mine")


@pytest.mark.parametrize("kind", ["npz", "h5"])
def test_a_truncated_file_of_counts_is_refused(counts_file, kind):
    path, _ = counts_file(kind)
    whole = Path(path).read_bytes()
    Path(path).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInput, match="cut off"):
        population.build(count_config(path), "mine")


def test_trials_of_unequal_length_are_masked_after_their_ends(tmp_path):
    rng = np.random.default_rng(0)
    counts = rng.poisson(0.5, (16, 30, 6)).astype(np.float32)
    lengths = rng.integers(15, 31, 16)
    for trial, length in enumerate(lengths):
        counts[trial, length:] = np.nan
    np.savez(tmp_path / "unequal.npz", counts=counts)
    config = population.Config(path=str(tmp_path / "unequal.npz"), bin_ms=20, counts="counts")
    split, answers = population.build(config, "unequal")
    for ids, arrays in ((split.train.ids, split.train), (split.eval.ids, answers.trials)):
        assert (~np.isnan(arrays.heldout[..., 0])).sum(axis=1).tolist() == lengths[ids].tolist()
    assert any(note.startswith(f"trials last {lengths.min()} to") for note in split.provenance.notes)


def test_counts_without_trials_are_cut_into_windows_with_what_belongs_to_them(tmp_path):
    rng = np.random.default_rng(0)
    rates = 0.4 + 0.3 * np.sin(np.arange(1010)[:, None] / rng.uniform(5, 20, 6))
    counts = rng.poisson(rates)
    arrays = {"counts": counts, "truth": rates, "speed": np.arange(1010.0)}
    np.savez(tmp_path / "long.npz", **arrays)
    given = {"rates": "truth", "rate_scale": 1.0, "behavior": "speed", "window_ms": (0.0, 400.0), "gap_ms": 400.0}
    config = population.Config(path=str(tmp_path / "long.npz"), bin_ms=20, counts="counts", eval_stretches=2, **given)
    split, answers = population.build(config, "long")
    order = np.argsort(split.units)
    for row, window in enumerate(split.eval.ids):
        bins = slice(20 * window, 20 * window + 20)
        both = np.concatenate([answers.trials.heldin[row], answers.trials.heldout[row]], axis=1)
        np.testing.assert_array_equal(both[:, order], counts[bins])
        np.testing.assert_array_equal(answers.trials.behavior[row, :, 0], arrays["speed"][bins])
    assert np.abs(split.train.ids[:, None] - split.eval.ids).min() == 2
    assert "the last 10 of 1010 bins fill no window, and were left out" in split.provenance.notes
    for changes, message in (
        ({"window_ms": None}, "give window_ms: .0, length."),
        ({"eval_index": "speed"}, "eval_index is for counts of trials"),
        ({"window_ms": (0.0, 20000.0)}, "expected two windows of 1000 bins"),
    ):
        with pytest.raises(BadInput, match=message):
            population.build(dataclasses.replace(config, **changes), "long")
