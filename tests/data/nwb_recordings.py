"""Small NWB recordings that tests change one thing of: a trial per second, 6 units of 40 Hz, 911 spikes in windows."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from raysp.data.sources import population
from raysp.data.splits.population import Answers, PopulationSplit

TRIALS, UNITS, COUNTED = 12, 6, 911
HAND = "processing/behavior/hand"


def write(path: Path, change: Callable[[h5py.File], object] = lambda file: None) -> str:
    """Write the recording, changed; spikes and trials last 12 s, the event is 0.4 s into each trial."""
    rng = np.random.default_rng(3)
    trains = [np.sort(rng.uniform(0, TRIALS, 480)) for _ in range(UNITS)]
    with h5py.File(path, "w") as file:
        trials = file.create_group("intervals/trials")
        trials["id"] = np.arange(TRIALS)
        trials["start_time"] = np.arange(TRIALS, dtype=float)
        trials["stop_time"] = trials["start_time"][()] + 1.0
        trials["go"] = trials["start_time"][()] + 0.4
        trials["side"] = [b"left", b"right"] * (TRIALS // 2)
        units = file.create_group("units")
        units["id"] = np.arange(UNITS)
        units["spike_times"] = np.concatenate(trains)
        units["spike_times_index"] = np.cumsum([len(train) for train in trains])
        hand = file.create_group(HAND)
        hand["timestamps"] = np.arange(0, TRIALS + 1, 0.004)
        hand["data"] = np.column_stack([hand["timestamps"][()]] * 2)
        change(file)
    return str(path)


def put(file: h5py.File, name: str, values: object) -> None:
    """Replace an object of the file, or make it."""
    if name in file:
        del file[name]
    file[name] = values


def build(path: str, **changes: object) -> tuple[PopulationSplit, Answers]:
    """Cut 30 bins of 10 ms around the event of each trial."""
    settings = {"path": path, "bin_ms": 10, "align": "go", "window_ms": (-100.0, 200.0), **changes}
    return population.build(population.Config(**settings), "x")


def counted(made: tuple[PopulationSplit, Answers]) -> float:
    """Return the number of spikes in all windows of all units."""
    parts = (made[0].train, made[1].trials)
    arrays = [array for part in parts for array in (part.heldin, part.heldout) if array is not None]
    return sum(float(np.nansum(array)) for array in arrays)


def notes(made: tuple[PopulationSplit, Answers]) -> str:
    """Return all notes of preparation."""
    return "\n".join(made[0].provenance.notes)
