"""Recordings as R, Julia, MATLAB, pandas and other programs write them: proposed, and read spike by spike."""

import itertools

import h5py
import numpy as np
import polars
import pytest
from scipy.io import savemat

from raysp.config.experiment import Recording
from raysp.data.formats import count_file
from raysp.data.sources import prepare
from raysp.data.sources.proposal import proposal
from tests.data.sources.test_proposal import EACH, RNG, START, TIMES, TRIALS, UNITS, WHOSE, expected

PAIRS = list(zip(WHOSE, TIMES, strict=True))


def remarks(folder):
    (folder / "a.csv").write_text("% of MATLAB\n# fs = 1\nunit,time\n" + "".join(f"{u},{t}\n" for u, t in PAIRS))
    return folder / "a.csv"


def names_of_rows(folder):
    rows = "".join(f'"{row}" {unit} {time}\n' for row, (unit, time) in enumerate(PAIRS))
    (folder / "a.txt").write_text('"cell" "time"\n' + rows)
    return folder / "a.txt"


def feather(folder):
    polars.DataFrame({"unit": WHOSE, "time": TIMES}).write_ipc(folder / "a.feather")
    return folder / "a.feather"


def julia(folder):
    with h5py.File(folder / "a.jld2", "w", userblock_size=512) as file:
        file["times"], file["units"] = TIMES, WHOSE
    with open(folder / "a.jld2", "r+b") as raw:
        raw.write(b"HDF5-based Julia Data Format, version 0.1.0")
    return folder / "a.jld2"


def groups(folder):
    with h5py.File(folder / "a.h5", "w") as file:
        for unit, times in enumerate(EACH):
            file[f"units/unit_{unit:03d}/spike_times"] = times
            file[f"units/unit_{unit:03d}/depth_um"] = 100.0 * unit
    return folder / "a.h5"


def keys(folder):
    np.savez(folder / "a.npz", **{f"neuron{unit}": times for unit, times in enumerate(EACH)})
    return folder / "a.npz"


def a_column_each(folder):
    rows = itertools.zip_longest(*EACH, fillvalue="")
    lines = [",".join(f"u{unit}" for unit in range(UNITS)), *(",".join(map(str, row)) for row in rows)]
    (folder / "a.csv").write_text("\n".join(lines))
    return folder / "a.csv"


def channels(folder):
    lines = [f"{unit // 3 + 1}\t{unit % 3}\t{time}" for unit, time in PAIRS]
    (folder / "a.tsv").write_text("\n".join(["Channel\tUnit\tTimestamp", *lines]))
    return folder / "a.tsv"


def matrix(folder):
    savemat(folder / "a.mat", {"spk": np.column_stack([WHOSE + 1.0, TIMES]), "fs": 30000.0})
    return folder / "a.mat"


@pytest.mark.parametrize(
    "make",
    [remarks, names_of_rows, feather, julia, groups, keys, a_column_each, channels, matrix],
    ids=lambda one: one.__name__,
)
def test_dialects_of_tables_are_read_spike_by_spike(tmp_path, make):
    path = str(make(tmp_path))
    found = proposal(path)
    split, answers = prepare.read(Recording("mine", found.source, {**found.settings, "path": path}), str(tmp_path))
    whole = sum(np.nansum(one) for one in (split.train.heldin, split.eval.heldin, split.train.heldout))
    assert whole + np.nansum(answers.trials.heldout) == expected(make, split, path)
    assert split.sizes.units == UNITS


def test_counts_of_other_units_are_no_behavior_and_events_have_no_length(tmp_path):
    array = RNG.poisson(0.3, (TRIALS, 30, UNITS)).astype("f4")
    np.savez(tmp_path / "a.npz", train_heldin=array, train_heldout=array[:, :, :2])
    assert "behavior" not in proposal(str(tmp_path / "a.npz")).settings
    table = {"start": START, "stop": START}
    polars.DataFrame(table).write_csv(tmp_path / "trials.csv")
    polars.DataFrame({"unit": WHOSE, "time": TIMES}).write_csv(tmp_path / "spikes.csv")
    assert proposal(str(tmp_path / "spikes.csv")).settings["window_ms"][1] > 1000


def test_of_large_arrays_the_beginning_is_read_and_the_rest_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(count_file, "LOOKED_BYTES", 50_000)
    array = RNG.poisson(0.3, (TRIALS, 30, UNITS)).astype("i8")
    given = {"counts": array, "turned": np.asfortranarray(array), "condition": np.arange(TRIALS) % 4, "bin_ms": 10}
    np.savez(tmp_path / "a.npz", **given)
    np.savez_compressed(tmp_path / "b.npz", **given)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name, one in given.items():
            file[name] = one
    for name in ("a.npz", "b.npz", "a.h5"):
        with count_file.arrays(str(tmp_path / name)) as file:
            for which in ("counts", "turned"):
                shape, some = file.look(which)
                assert shape == array.shape
                assert some.nbytes <= 50_000 < array.nbytes
                np.testing.assert_array_equal(some, array[tuple(map(slice, some.shape))])
        found = proposal(str(tmp_path / name))
        assert "counts: 40 x 30 x 6, int64" in "\n".join(found.contents)
        assert "by the first" in "\n".join(found.contents)
        assert found.settings["conditions"] == ["condition"]
