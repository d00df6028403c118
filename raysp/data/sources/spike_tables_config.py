"""Which tables of spikes, trials and units are read: the settings of source spike_tables, and the files they name."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from raysp.config.ranges import Positive
from raysp.data.formats import folder_lists, sorted_folder
from raysp.data.formats.matrix_columns import INSIDE
from raysp.data.formats.table_file import VECTOR
from raysp.data.sources.cut import Cut, check_names
from raysp.data.sources.spike_columns import UNITS
from raysp.errors import BadInput
from raysp.io import files


@dataclass(frozen=True)
class Config(Cut):
    """Which tables are read; how they are cut: see `raysp.data.sources.cut`.

    Attributes:
        time: column of `path` with the time of each spike; None takes the only one called time, spike_time or so. A
            name with a star, "units/unit_*/times", stands for a column, or vector of HDF5 or NPZ, for each unit; where
            `path` is a folder, for a file of each.
        unit: column of `path` with the unit of each spike, a number or a name; None as of `time`. Of a vector of
            NumPy, the name of another one in its folder.
        channel: column of the channel, where units are numbered anew on each: unit 3 of channel 12 is 12003.
        trial: column of the trial of each spike, where times count from each trial's begin, or from its event: windows
            lie around that. A table of `trials` may have a row for each by a column of that name, and `align`, from the
            same zero; without one, columns of `path` are `conditions`, `keep` and `decode`.
        per_second: units of time in a second: 1 for s, 1000 for ms, 30000 for samples of a recording at 30 kHz.
        trials: path of the table of trials, a row each, with the column `align`.
        trials_per_second: as `per_second`, of all times in that table; None for the same.
        units: path of a table of units, a row each, e.g. of a spike sorter's labels; spikes of others are dropped.
        keep_units: column of that table -> value or list of values; only such units are used.
        behavior: path of a table of samples of behaviour, a row each with its time; the mean of each bin is decoded.
            Where vectors of samples lie in the file of spikes, that file.
        behavior_time: column of it with the times; None takes the only one called time, timestamps, t or so.
        behavior_columns: of it that are decoded; by default all others that are numbers.
        behavior_per_second: as `per_second`, of its times; None for the same.
    """

    time: str | None = None
    unit: str | None = None
    channel: str | None = None
    trial: str | None = None
    per_second: Positive = 1.0
    trials: str | None = None
    trials_per_second: Positive | None = None
    units: str | None = None
    keep_units: Mapping[str, Any] = field(default_factory=dict)
    behavior: str | None = None
    behavior_time: str | None = None
    behavior_columns: tuple[str, ...] = ()
    behavior_per_second: Positive | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_names(self, ("time", "unit", "channel", "trial", "trials", "units", "behavior", "behavior_time"))
        named = [one for one in (self.time, self.unit, self.channel, self.trial) if one is not None]
        if len(set(named)) < len(named):
            raise BadInput(f"{self.where} expected another column each for time, unit, channel and trial, got {named}")
        if (self.align is None) != (self.trials is None) and not (self.trial and self.align is None):
            raise BadInput(
                f"{self.where} expected trials, the path of their table, together with align, its column with the time "
                "of the event; or neither, and window_ms: [0, length], for a recording without trials"
            )
        if self.window_ms is None:
            raise BadInput(f"{self.where}, window_ms expected begin and end of the windows (ms), got none")
        if self.keep_units and self.units is None:
            raise BadInput(f"{self.where}, keep_units expected units, the path of the table it chooses from, got none")
        _check_behavior(self)


def _check_behavior(config: Config) -> None:
    if config.behavior and config.trial:
        told = f"{config.where}, behavior has times of the recording, and with trial spikes have those of each trial"
        raise BadInput(f"{told}; give spikes the recording's times, and trials and align")
    for name in ("behavior_time", "behavior_columns", "behavior_per_second"):
        if getattr(config, name) and not config.behavior:
            raise BadInput(f"{config.where}, {name} expected behavior, the path of the table it is of, got none")


def inputs(config: Config) -> list[str]:
    """Return the tables that are read. Raises BadInput where a vector has no other one with its units beside it."""
    vector = beside(config)
    return [*named_in(config), *([] if vector is None else [vector])]


def named_in(config: Config) -> list[str]:
    """Return the files that settings name, that of spikes first; of a folder of lists each of them."""
    return [*(folder_lists.paths(config.path) or [config.path]), *listed_in(config)]


def listed_in(config: Config) -> list[str]:
    """Return the files of trials, units and behaviour beside that of spikes; of trials of ALF, one an attribute.

    Of trials in a folder of lists, each of its files.
    """
    alf = config.trials is not None and config.trials.lower().endswith(VECTOR)
    trials: Sequence[str | None] = sorted_folder.files_of(str(config.trials)) if alf else [config.trials]
    trials = (folder_lists.paths(config.trials) if config.trials else []) or trials
    behavior = config.behavior if config.behavior != config.path else None
    return [path for path in (*trials, config.units, behavior) if path]


def beside(config: Config) -> str | None:
    """Return the vector of units that belongs to a vector of times."""
    if not config.path.lower().endswith(VECTOR) or INSIDE in (config.unit or ""):
        return None
    folder = os.path.dirname(config.path)
    names = sorted(UNITS) if config.unit is None else [config.unit.removesuffix(VECTOR)]
    found = [path for name in names if files.exists(path := os.path.join(folder, name + VECTOR))]
    if len(found) != 1:
        told = f"{config.path} expected a vector with the unit of each spike beside it"
        raise BadInput(f"{told}, got {' and '.join(found) or f'no {names[-1]}{VECTOR}'}; give unit=NAME")
    return found[0]
