"""Writes files of cells as others do: NWB 1 of the Allen Cell Types Database, and pickles of the published fits."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np


@dataclass
class AllenSweep:
    """A sweep with a test pulse in front; `current` in pA from its end, spikes in samples of the whole sweep."""

    stimulus: str
    current: np.ndarray
    spikes: tuple[int, ...] = ()
    rate_hz: float = 1000.0
    pulse: int = 50
    response: np.ndarray | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def whole(self):
        pulse = np.zeros(self.pulse)
        pulse[10:20] = -50.0
        return np.concatenate([pulse, self.current]).astype(np.float32)


def steps(amplitude: float, quiet: int = 30, bins: int = 300) -> np.ndarray:
    return np.concatenate([np.zeros(quiet), np.full(bins // 3, amplitude), np.zeros(bins - bins // 3)])


def allen_sweeps(seed: int = 0, **options: Any) -> list[AllenSweep]:
    """Return sweeps of a cell: two steps, a ramp, two repeats of each noise, and one of another stimulus."""
    rng = np.random.default_rng(seed)
    noises = [np.append(np.zeros(25), rng.normal(50, 30, 400)) for _ in range(2)]
    ramp = np.concatenate([np.zeros(20), np.arange(1, 201), np.zeros(80)])
    currents = [
        ("Test", np.zeros(100)),
        ("Long Square", steps(80.0)),
        ("Long Square", steps(120.0)),
        ("Ramp", ramp),
        ("Noise 1", noises[0]),
        ("Noise 1", noises[0]),
        ("Noise 2", noises[1]),
        ("Short Square", steps(500.0, bins=30)),
        ("Noise 2", noises[1]),
    ]
    found = []
    for name, current in currents:
        count = 0 if name == "Test" else 12
        times = np.sort(rng.choice(50 + len(current), count, replace=False)) if count else []
        found.append(AllenSweep(name, current, tuple(int(one) for one in times), **options))
    return found


def write_allen(path: Path, sweeps: list[AllenSweep], version: str | None = None) -> None:
    """Write an NWB 1 file with what is read of it, and with some of what is not."""
    with h5py.File(path, "w") as file:
        file["nwb_version"] = "NWB-1.0.5"
        if version is not None:
            file["general/generated_by"] = np.array([b"pipeline", b"x", b"version", version.encode()])
        for number, sweep in enumerate(sweeps):
            _write_sweep(file, number, sweep, version)


def _write_sweep(file: h5py.File, number: int, sweep: AllenSweep, version: str | None) -> None:
    whole = sweep.whole
    scale = 1e-12 if version is None or version == "1.0" else 1.0
    response = np.full(len(whole), -0.07, np.float32) if sweep.response is None else sweep.response
    for place, data in (("stimulus/presentation", whole * np.float32(scale)), ("acquisition/timeseries", response)):
        series = file.create_group(f"{place}/Sweep_{number}")
        series.create_dataset("data", data=data.astype(np.float32), compression="gzip")
        series["data"].attrs["conversion"] = 1e-12
        series["starting_time"] = 0.0
        series["starting_time"].attrs["rate"] = sweep.rate_hz
        series["aibs_stimulus_name"] = np.bytes_(sweep.stimulus)
    ends = {f"epochs/Sweep_{number}": (0, len(whole)), f"epochs/Experiment_{number}": (sweep.pulse, len(sweep.current))}
    for epoch, (start, count) in ends.items():
        for role, place in (("stimulus", "stimulus/presentation"), ("response", "acquisition/timeseries")):
            group = file.create_group(f"{epoch}/{role}")
            group["idx_start"], group["count"] = start, count
            group["timeseries"] = h5py.SoftLink(f"/{place}/Sweep_{number}")
    if sweep.spikes:
        file[f"analysis/spike_times/Sweep_{number}"] = np.array(sweep.spikes) / sweep.rate_hz
    for name, value in sweep.changes.items():
        if name in file:
            del file[name]
        if value is not None:
            file[name] = value


def kept(sweep: AllenSweep) -> tuple[np.ndarray, np.ndarray]:
    """Return current and spikes of what is used of a sweep, by the words of the published preparation."""
    whole = sweep.whole
    start, stop = sweep.pulse, sweep.pulse + len(sweep.current) - 1
    if sweep.stimulus == "Ramp":
        peak = int(np.argmax(whole))
        nonzero = len(whole) - 1 if sweep.response is None else int(np.flatnonzero(sweep.response)[-1])
        stop = min([stop, nonzero, *([peak] if peak > start else [])])
    part = whole[start:stop]
    begin = next(k for k in range(len(part) - 1) if part[k + 1] != part[k])
    train = np.zeros(len(whole))
    train[list(sweep.spikes)] = 1
    return part[begin:], train[start:stop][begin:]


def processed(sweeps: list[AllenSweep], widths: tuple[int, ...] = (10, 20, 50, 100)) -> list[dict[str, Any]]:
    """Return sweeps as the published preparation pickles them."""
    found = []
    for sweep in sweeps:
        if sweep.stimulus == "Test":
            continue
        current, train = kept(sweep)
        one = {"stimulus_name": sweep.stimulus, "current": {}, "firing_rate": {}}
        for width in widths:
            size = int(width * 1e-3 * sweep.rate_hz)
            count = len(current) // size
            one["current"][width] = current[: count * size].reshape(count, size).mean(axis=1).astype(np.float32)
            rates = train[: count * size].reshape(count, size).sum(axis=1) / width
            one["firing_rate"][width] = rates.astype(np.float32)
        found.append(one)
    return found


def highest(sweeps: list[AllenSweep]) -> float:
    """Return a cell's gamma, spikes/ms."""
    return max(sweep.rate_hz / np.diff(sweep.spikes).min() for sweep in sweeps if len(sweep.spikes) > 1) / 1000


def write_pickles(folder: Path, cells: Mapping[int, list[AllenSweep]], gamma: Any = None) -> None:
    """Write a folder of the published fits' data."""
    for name in ("processed_data", "max_firing_rates"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for unit, sweeps in cells.items():
        path = folder / "processed_data" / f"processed_I_and_firing_rate_{unit}.pickle"
        path.write_bytes(pickle.dumps(processed(sweeps)))
        rate = highest(sweeps) if gamma is None else gamma
        (folder / "max_firing_rates" / f"{unit}.pickle").write_bytes(pickle.dumps(rate))
