"""What trials are called in tables, structs and files of counts: the recording's own numbers."""

import h5py
import numpy as np
import polars
import pytest
from scipy.io import savemat

from raysp.config import settings
from raysp.data.sources import matlab_spikes, population, spike_tables
from raysp.data.sources.trial_numbers import numbers_of

RNG = np.random.default_rng(0)
TRIALS, UNITS = 12, 4
OWN = np.array([7, 3, 12, 40, 41, 42, 50, 60, 61, 62, 1000, 63])
ROWS = np.arange(TRIALS)


@pytest.mark.parametrize("name", ["trial", "trial_id", "trialID", "Trial No", "trial-number", "id", "inner/trial_ids"])
@pytest.mark.parametrize("kind", [float, np.int16])
def test_a_column_called_so_numbers_its_trials(name, kind):
    found, notes = numbers_of({"side": ROWS % 2, name: OWN.astype(kind)}, TRIALS)
    assert (found.tolist(), notes, found.dtype) == (OWN.tolist(), (), np.int64)


@pytest.mark.parametrize(
    ("columns", "wanted", "told"),
    [
        ({"go": ROWS + 0.5, "Versuch": ROWS + 1}, ROWS + 1, "column Versuch"),
        ({"Versuch": ROWS + 1, "trial": OWN}, OWN, ""),
        ({"id": ROWS, "trial_id": OWN}, OWN, ""),
        ({"id": OWN, "trial_id": ROWS + 1}, OWN, ""),
        ({"id": ROWS, "count": ROWS + 1}, ROWS, ""),
        ({"go": ROWS + 1.0}, ROWS, ""),
        ({"side": ROWS % 2}, ROWS, ""),
        ({"trial": ROWS % 6}, ROWS, "trials' trial holds a number twice"),
        ({"trial": ROWS + 0.5}, ROWS, "no whole numbers"),
        ({"trial": np.array(list("abcdefghijkl"))}, ROWS, ""),
    ],
)
def test_what_names_no_trial_leaves_their_rows(columns, wanted, told):
    found, notes = numbers_of(columns, TRIALS, {"go"})
    assert found.tolist() == list(wanted)
    assert told in " ".join(notes)
    assert bool(notes) == bool(told)


def ids_of(found):
    split, answers = found
    np.testing.assert_array_equal(split.eval.ids, answers.trials.ids)
    return sorted([*split.train.ids.tolist(), *split.eval.ids.tolist()]), split.provenance.notes


def spikes():
    times = RNG.uniform(0, 2 * TRIALS, 3000).round(4)
    return {"time": times, "unit": RNG.integers(0, UNITS, len(times))}


@pytest.mark.parametrize("name", ["trial", "Versuch"])
def test_tables_of_trials(tmp_path, name):
    numbers = OWN if name == "trial" else ROWS + 1
    begin = 2.0 * ROWS
    go = np.where(ROWS == 3, np.nan, begin + 0.5)
    polars.DataFrame(spikes()).write_csv(tmp_path / "spikes.csv")
    polars.DataFrame({name: numbers, "begin": begin, "go": go}).fill_nan(None).write_csv(tmp_path / "trials.csv")
    given = {"path": f"{tmp_path}/spikes.csv", "trials": f"{tmp_path}/trials.csv", "align": "go", "bin_ms": 20}
    config = settings.build(spike_tables.Config, {**given, "window_ms": [-200, 400]}, "x")
    found, notes = ids_of(spike_tables.build(config, "x"))
    assert found == sorted(np.delete(numbers, 3).tolist())
    assert any(f"left out: trial {numbers[3]}" in note for note in notes)


@pytest.mark.parametrize("listed", [True, False])
def test_trials_that_have_names_are_numbered_in_the_order_of_their_table(tmp_path, listed):
    names = [f"t{one}" for one in RNG.permutation(TRIALS)]
    each = {name: RNG.uniform(0, 1, 20 + place) for place, name in enumerate(names)}
    rows = [(name, unit, one) for name in names for unit in range(UNITS) for one in each[name]]
    polars.DataFrame(rows, ["trial", "unit", "time"], orient="row").write_csv(tmp_path / "spikes.csv")
    given = {"path": f"{tmp_path}/spikes.csv", "trial": "trial", "window_ms": [0, 1000], "bin_ms": 100, "heldout": 0}
    if listed:
        polars.DataFrame({"trial": names, "go": 0.0}).write_csv(tmp_path / "trials.csv")
        given |= {"trials": f"{tmp_path}/trials.csv", "align": "go"}
    split, answers = spike_tables.build(settings.build(spike_tables.Config, given, "x"), "x")
    for trials in (split.train, answers.trials):
        assert trials.heldin[..., 0].sum(axis=1).tolist() == (20 + trials.ids).tolist()


@pytest.mark.parametrize("numbered", [True, False])
def test_structs_of_matlab(tmp_path, numbered):
    each = [np.sort(RNG.uniform(0, 1, 40)) for _ in range(TRIALS * UNITS)]
    cells = np.empty((UNITS, TRIALS), object)
    for place, one in zip(np.ndindex(cells.shape), each, strict=True):
        cells[place] = one
    fields = {"trialID": OWN.astype(float), "go": np.full(TRIALS, 0.5)}
    savemat(tmp_path / "a.mat", {"R": {name: one for name, one in fields.items() if numbered or name == "go"},
                                 "spk": cells})  # fmt: skip
    given = {"path": f"{tmp_path}/a.mat", "bin_ms": 20, "align": "go", "window_ms": [-200, 400], "spikes": "spk"}
    config = settings.build(matlab_spikes.Config, {**given, "trials": "R"}, "x")
    assert ids_of(matlab_spikes.build(config, "x"))[0] == sorted((OWN if numbered else ROWS).tolist())


def test_a_vector_of_matlab_counts_trials_from_1(tmp_path):
    count = 3000
    vectors = {"t": RNG.uniform(0, 1, count), "u": RNG.integers(1, 5, count), "k": RNG.integers(1, TRIALS + 1, count)}
    savemat(tmp_path / "a.mat", {**vectors, "R": {"go": np.full(TRIALS, 0.5)}})
    given = {"spikes": "t", "units": "u", "trial": "k", "trials": "R", "align": "go", "window_ms": [-200, 400]}
    config = settings.build(matlab_spikes.Config, {"path": f"{tmp_path}/a.mat", "bin_ms": 20, **given}, "x")
    split, answers = matlab_spikes.build(config, "x")
    assert ids_of((split, answers))[0] == list(range(1, TRIALS + 1))
    inside = np.abs(vectors["t"] - 0.6) < 0.3
    for number, shown in zip(split.train.ids, split.train.heldin, strict=True):
        own = [int((inside & (vectors["k"] == number) & (vectors["u"] == unit)).sum()) for unit in split.units]
        assert shown.sum(axis=0).tolist() == own[: shown.shape[1]]


def test_counts_with_numbers_beside_them_or_in_their_names(tmp_path):
    counts = RNG.poisson(1.0, (TRIALS, 6, UNITS))
    np.savez(tmp_path / "a.npz", counts=counts, trial_id=OWN, trial=np.arange(3))
    config = population.Config(f"{tmp_path}/a.npz", 10, counts="counts")
    assert ids_of(population.build(config, "x"))[0] == sorted(OWN.tolist())
    with h5py.File(tmp_path / "b.h5", "w") as file:
        for number, one in zip(OWN, counts, strict=True):
            file[f"trial_{number}/spikes"] = one
    config = population.Config(f"{tmp_path}/b.h5", 10, counts="trial_*/spikes")
    split, answers = population.build(config, "x")
    assert ids_of((split, answers))[0] == sorted(OWN.tolist())
    for one, shown in zip(split.train.ids, split.train.heldin, strict=True):
        own = counts[OWN.tolist().index(one)]
        assert shown[:, :3].tolist() == own[:, split.units[:3]].tolist()


def test_ids_beside_counts_of_as_many_units_as_trials_may_be_the_units(tmp_path):
    counts = RNG.poisson(1.0, (TRIALS, 6, TRIALS))
    np.savez(tmp_path / "a.npz", counts=counts, ids=OWN)
    np.savez(tmp_path / "b.npz", counts=counts, ids=OWN[::-1], trial_ids=OWN)
    for name, wanted in (("a", ROWS), ("b", OWN)):
        config = population.Config(f"{tmp_path}/{name}.npz", 10, counts="counts", axes=("trials", "bins", "units"))
        assert ids_of(population.build(config, "x"))[0] == sorted(wanted.tolist())
