"""Reading an NWB recording with h5py alone: its units, its table of trials and its time series."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import h5py
import numpy as np

from raysp.data import hdf5
from raysp.data.guarded import Dataset, Group
from raysp.errors import BadInput, unknown


@dataclass(frozen=True)
class Units:
    """The sorted units of a recording.

    Attributes:
        ids: (units,) identifiers.
        times: (spikes,) spike times of all units one after the other, s, ascending within a unit.
        offsets: (units + 1,) unit u's spikes are times[offsets[u]:offsets[u + 1]].
        heldout: (units,) True for units to be predicted; None where the file does not say.
        intervals: (intervals, 2) stretches in which units were observed, s; None where the file does not say.
        interval_offsets: (units + 1,) as `offsets`, for the intervals.
    """

    ids: np.ndarray
    times: np.ndarray
    offsets: np.ndarray
    heldout: np.ndarray | None = None
    intervals: np.ndarray | None = None
    interval_offsets: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def spikes(self, unit: int) -> np.ndarray:
        """Return the spike times (s) of the unit in row `unit`."""
        return self.times[self.offsets[unit] : self.offsets[unit + 1]]

    def observed(self, unit: int) -> np.ndarray:
        """Return the (intervals, 2) stretches (s) in which the unit in row `unit` was observed."""
        if self.intervals is None or self.interval_offsets is None:
            raise BadInput("expected units with a column obs_intervals, found none")
        return self.intervals[self.interval_offsets[unit] : self.interval_offsets[unit + 1]]


@dataclass(frozen=True)
class Series:
    """A recorded signal.

    Attributes:
        name: the signal's name in the file.
        times: (samples,) s, strictly ascending.
        values: (samples, channels), in the file's unit.
        channels: the channels' names; "0000", "0001", ... where the file gives none.
    """

    name: str
    times: np.ndarray
    values: np.ndarray
    channels: tuple[str, ...]


@contextlib.contextmanager
def opened(path: str, *, parts: bool = False) -> Iterator[Group]:
    """Open an NWB file for reading; `parts` as in `files.opened`.

    Raises:
        BadInput: there is no such file, it is cut off, or it is not HDF5.
    """
    with hdf5.opened(path, parts=parts) as file:
        yield file


def identifier(file: Group) -> str:
    """Return the recording's identifier; empty when the file has none."""
    return _text(file["identifier"][()]) if "identifier" in file else ""


def trials(file: Group, required: Iterable[str] = ()) -> dict[str, np.ndarray]:
    """Read the table of trials; columns with several values per trial are left out.

    Args:
        file: an open NWB file.
        required: columns that must be there.

    Returns:
        Column name -> (trials,) array: float, int, bool, or str.

    Raises:
        BadInput: the file has no such table, it is empty, or a required column is missing.
    """
    table = _table(file, "intervals/trials")
    rows = len(table["id"])
    if rows == 0:
        raise BadInput(f"{file.filename}: expected trials, found an empty table")
    check_columns(table, required, file.filename)
    names = [name for name in table if f"{name}_index" not in table and not name.endswith("_index")]
    flat = [name for name in names if isinstance(table[name], Dataset) and table[name].shape == (rows,)]
    return {name: _decoded(table[name][()]) for name in flat if h5py.check_ref_dtype(table[name].dtype) is None}


def check_columns(table: Mapping[str, object], required: Iterable[str], where: str) -> None:
    """Raise BadInput, with the nearest name that is there, for the first required column that is missing."""
    for name in required:
        if name not in table:
            raise BadInput(f"{where}: {unknown('trial column', name, list(table))}")


def units(file: Group) -> Units:
    """Read the table of units.

    Raises:
        BadInput: there are no units, or a spike time is NaN or out of order.
    """
    table = _table(file, "units")
    count = len(table["id"])
    if count == 0 or "spike_times" not in table:
        raise BadInput(f"{file.filename}: expected units with spike times, found none")
    found = Units(
        ids=table["id"][()],
        times=table["spike_times"][()].astype(np.float64, copy=False),
        offsets=_offsets(table, "spike_times", count),
        heldout=table["heldout"][()].astype(bool) if "heldout" in table else None,
        intervals=table["obs_intervals"][()] if "obs_intervals" in table else None,
        interval_offsets=_offsets(table, "obs_intervals", count) if "obs_intervals" in table else None,
    )
    for unit in range(count):
        _check_times(found.spikes(unit), f"{file.filename}: spike times of unit {found.ids[unit]}", strict=False)
    return found


def series(file: Group, name: str) -> Series:
    """Read a time series by its name, or by its container's name, "_" and its own.

    Raises:
        BadInput: no series has that name, or its samples are out of order.
    """
    groups = _series_groups(file)
    if name not in groups:
        raise BadInput(f"{file.filename}: {unknown('time series', name, groups)}")
    group = file[groups[name]]
    data = group["data"][()]
    values = data[:, None] if data.ndim == 1 else data
    if "timestamps" in group:
        times = group["timestamps"][()]
    else:
        times = np.arange(len(values)) / group["starting_time"].attrs["rate"] + group["starting_time"][()]
    if len(times) != len(values):
        raise BadInput(f"{file.filename}: {name} expected one time per sample, got {len(times)} for {len(values)}")
    _check_times(times, f"{file.filename}: times of {name}", strict=True)
    return Series(name, times, values, _channels(_text(group.attrs.get("comments", "")), values.shape[1]))


def _series_groups(file: Group) -> dict[str, str]:
    found: dict[str, str] = {}

    def visit(path: str, node: Group | Dataset) -> None:
        if isinstance(node, Group) and "data" in node and ("timestamps" in node or "starting_time" in node):
            parts = path.split("/")
            found[parts[-1]] = path
            found["_".join(parts[-2:])] = path

    for root in ("processing", "acquisition"):
        if root in file:
            for path, node in file.group(root).walk():
                visit(f"{root}/{path}", node)
    return found


def _channels(comments: str, count: int) -> tuple[str, ...]:
    if "columns=" not in comments:
        return tuple(f"{index:04d}" for index in range(count))
    return tuple(comments.split("[")[-1].split("]")[0].split(","))


def _table(file: Group, name: str) -> Group:
    if name not in file or "id" not in file[name]:
        raise BadInput(f"{file.filename}: expected an NWB file with a table {name!r}, found none")
    return file[name]


def _offsets(table: Group, column: str, count: int) -> np.ndarray:
    ends = table[f"{column}_index"][()].astype(np.int64)
    offsets = np.concatenate([[0], ends])
    if len(ends) != count or (np.diff(offsets) < 0).any() or offsets[-1] > len(table[column]):
        raise BadInput(f"{table.filename}: index of {column} does not fit its {len(table[column])} values")
    return offsets


def _check_times(times: np.ndarray, where: str, *, strict: bool) -> None:
    if np.isnan(times).any():
        raise BadInput(f"{where} expected numbers, got NaN at row {int(np.isnan(times).argmax())}")
    steps = np.diff(times)
    wrong = steps <= 0 if strict else steps < 0
    if wrong.any():
        row = int(wrong.argmax())
        raise BadInput(f"{where} expected ascending seconds, got {times[row]} before {times[row + 1]} at row {row}")


def _decoded(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind in "OS":
        return np.array([_text(value) for value in values])
    return values


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
