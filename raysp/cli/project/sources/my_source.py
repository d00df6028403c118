"""Spikes in a table (CSV), a row each: the trial (from 0), the unit, and the time after the trial's begin, ms.

    raysp check sources/my_source.py --set path=spikes.csv     # does the source keep what every source must?

Needed only where raysp reads no such file by itself. A source is one file with `VERSION`, `Config` and `build`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars

from raysp.config.ranges import Between, Natural, Positive
from raysp.config.settings import Settings
from raysp.data.sources import population
from raysp.data.splits.population import Answers, PopulationSplit
from raysp.errors import BadInput

VERSION = "my_source-1"  # change it where the same table would give other counts
COLUMNS = ("trial", "unit", "time_ms")


@dataclass(frozen=True)
class Config(Settings):
    """Change: what an experiment says of a recording, each with its range (`raysp.config.ranges`).

    Attributes:
        path: the table; "{root}/..." is below the data root.
        length_ms: of every trial.
        bin_ms: spikes are counted in bins so wide.
        heldout_fraction: of the units, hidden from the models and predicted.
        eval_fraction: of the trials, likewise.
        seed: another seed hides other units and trials.
    """

    path: str
    length_ms: Positive = 500.0
    bin_ms: Positive = 20.0
    heldout_fraction: Between = 0.25
    eval_fraction: Between = 0.25
    seed: Natural = 0


def build(config: Config, name: str) -> tuple[PopulationSplit, Answers]:
    """Return the split, what models are shown, and its answers, what they are scored against."""
    table = polars.read_csv(config.path)
    if missing := [column for column in COLUMNS if column not in table.columns]:
        raise BadInput(f"{config.path} expected the columns {', '.join(COLUMNS)}; {', '.join(missing)} is missing")
    trial, time_ms = table["trial"].to_numpy(), table["time_ms"].to_numpy()
    bins = int(config.length_ms // config.bin_ms)
    inside = (time_ms >= 0) & (time_ms < bins * config.bin_ms)
    # The units in order of their numbers, as columns.
    units, column = np.unique(table["unit"].to_numpy(), return_inverse=True)
    counts = np.zeros((trial.max() + 1, bins, len(units)), dtype=np.float32)
    np.add.at(counts, (trial[inside], (time_ms[inside] // config.bin_ms).astype(int), column[inside]), 1)
    # Also "rates" where the truth is known, "behavior" (trials, bins, variables) and "conditions" (trials,).
    shared = ("path", "bin_ms", "heldout_fraction", "eval_fraction", "seed")
    return population.build_arrays({"counts": counts}, {one: getattr(config, one) for one in shared}, name)
