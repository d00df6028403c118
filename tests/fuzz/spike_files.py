"""Kinds of files that hold spikes: tables, and structs of MATLAB; read as experiments read them, and looked at."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np
import polars
import scipy.io

from raysp.config import settings
from raysp.data.sources import matlab_spikes, population, spike_tables
from raysp.data.sources.proposal import proposal
from tests.data.sources import test_matlab_spikes as structs
from tests.fuzz import hdf5_changes, parquet_changes
from tests.fuzz.kinds import Kind, Read
from tests.fuzz.recordings import _built

UNITS, SECONDS = 4, 12.0
NEW = b"MATLAB 7.3 MAT-file"


def _spikes(seed: int) -> polars.DataFrame:
    rng = np.random.default_rng(seed)
    whose, times = np.repeat(np.arange(UNITS) + 3, 90), rng.uniform(0, SECONDS, 90 * UNITS).round(4)
    return polars.DataFrame({"unit": whose, "time": times})


def _csv(folder: str, seed: int) -> None:
    _spikes(seed).write_csv(os.path.join(folder, "spikes.csv"))


def _trials(folder: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    _csv(folder, seed)
    begin = np.arange(0.0, SECONDS, 1.0)
    table = {"start": begin, "stop": begin + 0.9, "go": begin + rng.uniform(0.2, 0.3, len(begin)).round(3)}
    polars.DataFrame({**table, "side": ["l", "r"] * (len(begin) // 2)}).write_csv(os.path.join(folder, "trials.csv"))


def _parquet(folder: str, seed: int) -> None:
    _spikes(seed).write_parquet(os.path.join(folder, "spikes.parquet"))


def _lists(folder: str, seed: int) -> None:
    _spikes(seed).group_by("unit", maintain_order=True).agg("time").write_parquet(
        os.path.join(folder, "spikes.parquet")
    )


def _npz(folder: str, seed: int) -> None:
    table = _spikes(seed)
    np.savez(os.path.join(folder, "spikes.npz"), times=table["time"].to_numpy(), clusters=table["unit"].to_numpy())


def _hdf5(folder: str, seed: int) -> None:
    table = _spikes(seed)
    with h5py.File(os.path.join(folder, "spikes.h5"), "w") as file:
        file["spikes/times"], file["spikes/clusters"] = table["time"].to_numpy(), table["unit"].to_numpy()


def _npy(folder: str, seed: int) -> None:
    np.save(os.path.join(folder, "counts.npy"), np.random.default_rng(seed).poisson(0.4, (16, 30, UNITS)))


def _wide(folder: str, seed: int) -> None:
    counts = np.random.default_rng(seed).poisson(0.4, (400, UNITS))
    table = {"time": np.arange(400) * 0.02, **{f"unit_{unit}": counts[:, unit] for unit in range(UNITS)}}
    polars.DataFrame(table).write_csv(os.path.join(folder, "counts.csv"))


def _each_trial(folder: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    with h5py.File(os.path.join(folder, "counts.h5"), "w") as file:
        for trial in range(12):
            file[f"trial_{trial}/spikes"] = rng.poisson(0.4, (30 + trial, UNITS))


def _of_counts(file: str, **wanted: Any) -> Callable[[str], Read]:
    def read(folder: str) -> Read:
        values = {"path": os.path.join(folder, file), "bin_ms": 20, **wanted}
        return _built(population.build(settings.build(population.Config, values, "recording x"), "x"))

    return read


def _of_tables(file: str, **wanted: Any) -> Callable[[str], Read]:
    def read(folder: str) -> Read:
        values = {"path": os.path.join(folder, file), "window_ms": [0, 500], "bin_ms": 20, **wanted}
        values |= {name: os.path.join(folder, one) for name, one in wanted.items() if name == "trials"}
        return _built(spike_tables.build(settings.build(spike_tables.Config, values, "recording x"), "x"))

    return read


def _looked(file: str) -> Callable[[str], Read]:
    return lambda folder: Read(vars(proposal(os.path.join(folder, file))) | {"settings": None})


def _matlab_5(folder: str, seed: int) -> None:
    chosen = {name: structs.FILE[name] for name in ("trial", "grid")}
    scipy.io.savemat(os.path.join(folder, "spikes.mat"), chosen, do_compression=bool(seed))


def _matlab_7(folder: str, seed: int) -> None:
    path, number = os.path.join(folder, "spikes.mat"), [seed]
    with h5py.File(path, "w", userblock_size=512) as file:
        for name in ("trial", "table", "grid"):
            structs.put(file, name, structs.FILE[name], number)
    with open(path, "r+b") as file:
        file.write(NEW)


def _structs(folder: str) -> Read:
    values = {"path": os.path.join(folder, "spikes.mat"), "spikes": "trial.spikes", "trials": "trial", "align": "go"}
    values |= {"window_ms": [-100, 300], "bin_ms": 20, "conditions": ["side"]}
    return _built(matlab_spikes.build(settings.build(matlab_spikes.Config, values, "recording x"), "x"))


MATLAB = {"structs": _structs, "look": _looked("spikes.mat")}
CSV = {"read": _of_tables("spikes.csv"), "look": _looked("spikes.csv")}
PARQUET = {"read": _of_tables("spikes.parquet"), "look": _looked("spikes.parquet")}
WITH_TRIALS = {
    "read": _of_tables("spikes.csv", trials="trials.csv", align="go", window_ms=[-200, 400], conditions=["side"]),
    "look": _looked("spikes.csv"),
}


def _both(file: str) -> dict[str, Callable[[str], Read]]:
    return {"read": _of_tables(file), "look": _looked(file)}


KINDS = (
    Kind("table of spikes, CSV", "spikes.csv", _csv, CSV, ()),
    Kind("table of trials, CSV", "trials.csv", _trials, WITH_TRIALS, ()),
    Kind("table of spikes, Parquet", "spikes.parquet", _parquet, PARQUET, parquet_changes.CHANGES),
    Kind("a row a unit, Parquet", "spikes.parquet", _lists, PARQUET, ()),
    Kind("structs, MATLAB 5", "spikes.mat", _matlab_5, MATLAB, ()),
    Kind("structs, MATLAB 7.3", "spikes.mat", _matlab_7, {"structs": _structs}, hdf5_changes.CHANGES),
    Kind("vectors of spikes, NPZ", "spikes.npz", _npz, _both("spikes.npz"), ()),
    Kind("vectors of spikes, HDF5", "spikes.h5", _hdf5, _both("spikes.h5"), hdf5_changes.CHANGES),
    Kind(
        "counts, NPY",
        "counts.npy",
        _npy,
        {"read": _of_counts("counts.npy", counts="counts"), "look": _looked("counts.npy")},
        (),
    ),
    Kind(
        "a column a unit, CSV",
        "counts.csv",
        _wide,
        {"read": _of_counts("counts.csv", counts="unit_*", window_ms=[0, 400]), "look": _looked("counts.csv")},
        (),
    ),
    Kind(
        "an array a trial, HDF5",
        "counts.h5",
        _each_trial,
        {"read": _of_counts("counts.h5", counts="trial_*/spikes"), "look": _looked("counts.h5")},
        hdf5_changes.CHANGES,
    ),
    # What lies beside the structs is looked at, too.
    Kind("structs of MATLAB 7.3, looked at", "spikes.mat", _matlab_7, MATLAB, ()),
)
