"""Behaviour in a table of its own: a row a sample, with its time; any steps between them, and not those of bins."""

from __future__ import annotations

import os

import numpy as np

from raysp.data.formats.nwb_series import Series
from raysp.data.sources.spike_columns import SPIKES, Reader, named, odd, seconds
from raysp.data.sources.spike_tables_config import Config
from raysp.errors import BadInput, expect, present, unknown

TIMES = {*SPIKES, "t", "time_s", "time_ms", "seconds", "sample_time"}
"""Usual names of the column of times."""


def series(config: Config, read: Reader) -> Series:
    """Return the signal that a table of samples holds.

    Args:
        config: `behavior` and what belongs to it.
        read: returns the columns of a table, by its path.

    Raises:
        BadInput: there is no such table or column, times do not rise, or a value is no finite number.
    """
    path = present(config.behavior)
    table = read(path)
    time = named(table, config.behavior_time, "time of each sample", TIMES, path)
    times = seconds(table[time], time, config.behavior_per_second or config.per_second, path)
    if (back := np.flatnonzero(np.diff(times) <= 0)).size:
        row = int(back[0])
        told = f"{path}: column {time!r} expected times that rise from sample to sample, got {table[time][row]} before"
        raise BadInput(
            f"{told} {table[time][row + 1]} in row {row + 1}, {len(back)} such rows in all; sort rows, each time once"
        )
    able = {name: one for name, one in table.items() if name != time and len(one) == len(times)}
    for name in config.behavior_columns:
        if name not in able:
            raise BadInput(f"{path}: {unknown('column of samples', name, list(able))}")
        if able[name].dtype.kind not in "iufb":
            raise BadInput(f"{path}: column {name!r} expected numbers, got {odd(able[name])}")
    chosen = config.behavior_columns or [name for name, one in able.items() if one.dtype.kind in "iuf"]
    expect(bool(chosen) and len(times) > 1, f"{path} expected samples, a time and numbers in each row, got none")
    values = np.column_stack([able[name].astype(np.float64) for name in chosen])
    if np.isinf(values).any():
        row, column = np.argwhere(np.isinf(values))[0]
        raise BadInput(f"{path}: column {chosen[column]!r} expected finite numbers, got infinity in row {row}")
    stem = os.path.splitext(os.path.basename(path))[0]
    return Series(stem if len(chosen) > 1 else chosen[0], times, values, tuple(chosen))
