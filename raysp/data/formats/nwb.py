"""Reading an NWB recording with h5py alone: its units and its table of trials."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from raysp.data.formats import nwb_find
from raysp.data.formats.guarded import Dataset, Group, decoded, is_text, kind_of
from raysp.data.formats.precision import coarse
from raysp.errors import BadInput, unknown

LATEST_S = 1e11
"""Seconds; three thousand years. Beyond, a time is no time, and has no exact millisecond."""


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
        notes: what is doubtful about the table, one sentence each.
        names: of each unit, where the recording has names and no numbers; else none.
    """

    ids: np.ndarray
    times: np.ndarray
    offsets: np.ndarray
    heldout: np.ndarray | None = None
    intervals: np.ndarray | None = None
    interval_offsets: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def spikes(self, unit: int) -> np.ndarray:
        """Return the spike times (s) of the unit in row `unit`."""
        return self.times[self.offsets[unit] : self.offsets[unit + 1]]

    def of(self, rows: np.ndarray) -> Units:
        """Return those in `rows`, (units,) bool."""
        times, offsets = _rows_of(self.times, self.offsets, rows)
        intervals, interval_offsets = self.intervals, self.interval_offsets
        if intervals is not None and interval_offsets is not None:
            intervals, interval_offsets = _rows_of(intervals, interval_offsets, rows)
        heldout = None if self.heldout is None else self.heldout[rows]
        names = tuple(name for name, used in zip(self.names, rows, strict=True) if used) if self.names else ()
        return Units(self.ids[rows], times, offsets, heldout, intervals, interval_offsets, self.notes, names)

    def observed(self, unit: int) -> np.ndarray:
        """Return the (intervals, 2) stretches (s) in which the unit in row `unit` was observed."""
        if self.intervals is None or self.interval_offsets is None:
            raise BadInput("expected units with a column obs_intervals, found none")
        return self.intervals[self.interval_offsets[unit] : self.interval_offsets[unit + 1]]


def _rows_of(values: np.ndarray, offsets: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the values of some rows, and where each row's end."""
    lengths = np.diff(offsets)
    return values[offsets[0] : offsets[-1]][np.repeat(rows, lengths)], np.append(0, np.cumsum(lengths[rows]))


def identifier(file: Group) -> str:
    """Return the recording's identifier; empty when the file has none."""
    return decoded(file.array("identifier")[()]) if "identifier" in file else ""


def trials(file: Group, required: Iterable[str] = (), path: str | None = None) -> dict[str, np.ndarray]:
    """Read the table of trials; columns with several values per trial, and unreadable ones, are left out.

    Args:
        file: an open NWB file.
        required: columns that must be there, with one readable value per trial.
        path: of the table in the file; None looks for a table called trials, or for the only one with these
            columns.

    Returns:
        Column name -> (trials,) array: float, int, bool, or str.

    Raises:
        BadInput: the file has no such table, or several; it is empty; or a required column is missing, damaged, of
            another length or kind.
    """
    required = tuple(required)
    table = nwb_find.trials(file, path, required)
    rows = len(table.array("id"))
    if rows == 0:
        raise BadInput(f"{table.where}: expected trials, found an empty table")
    for name in required:
        if name not in table:
            raise BadInput(f"{file.filename}: {unknown('trial column', name, list(table))}")
    return _columns(table, required, rows, "trial")


def unit_columns(
    file: Group, found: Units, path: str | None = None, required: Iterable[str] = ()
) -> dict[str, np.ndarray]:
    """Read what the table of units says of each, (units,) a column; see `trials`.

    Args:
        file: an open NWB file.
        found: its units.
        path: of their table in the file; None looks for it.
        required: columns that must be there, with one readable value per unit.

    Raises:
        BadInput: a required column is missing, damaged, of another length or kind.
    """
    table, _ = nwb_find.units(file, path)
    for name in required:
        if name not in table:
            raise BadInput(f"{file.filename}: {unknown('unit column', name, list(table))}")
    return _columns(table, tuple(required), len(found), "unit")


def _columns(table: Group, required: Sequence[str], rows: int, what: str) -> dict[str, np.ndarray]:
    found = {name: _column(table, name, rows, what) for name in required}
    for name in table:
        # What nobody asked for blocks nothing.
        with contextlib.suppress(BadInput):
            if name not in found and not name.endswith("_index"):
                found[name] = _column(table, name, rows, what)
    return found


def _column(table: Group, name: str, rows: int, what: str) -> np.ndarray:
    if f"{name}_index" in table:
        raise BadInput(f"{table.where}: {what} column {name!r} expected one value per {what}, got several")
    array = table.array(name)
    if array.shape != (rows,):
        told = f"expected one value per {what}, shape ({rows},), got {array.shape}; write it anew like that"
        raise array.refuse(told)
    if is_text(array.dtype):
        return array.text()
    if array.dtype.kind not in "iufb":
        raise array.refuse(f"expected numbers or text, got {kind_of(array.dtype)}")
    return array.numbers(rows)


def invalid_times(file: Group) -> np.ndarray:
    """Return the (stretches, 2) begin and end, s, that the recording says to leave out: intervals/invalid_times.

    Raises:
        BadInput: the table is damaged, holds NaN, or an end before its begin.
    """
    if "intervals/invalid_times" not in file:
        return np.zeros((0, 2))
    table = file.group("intervals/invalid_times")
    begin = table.array("start_time").numbers(None)
    found = np.column_stack([begin, table.array("stop_time").numbers(len(begin))]).astype(np.float64)
    _check_stretches(found, table)
    return found


def units(file: Group, path: str | None = None, *, asked: Iterable[str] = (), bin_ms: float = np.inf) -> Units:
    """Read the table of units.

    Args:
        file: an open NWB file.
        path: of the table in the file; None looks for it.
        asked: columns beside the spike times whose damage is an error: "heldout".
        bin_ms: width of the bins that spikes will be counted in.

    Raises:
        BadInput: there are no units, or several tables of them; a spike time is NaN, infinite, absurd or out of order;
            a column does not fit its index, or the units.
    """
    table, notes = nwb_find.units(file, path)
    if "id" not in table:
        raise table.refuse("expected a column id, found none; write the table anew")
    count = len(table.array("id"))
    if count == 0 or "spike_times" not in table:
        raise table.refuse("expected units with spike times, found none")
    ids, doubt = own_numbers(np.asarray(table.array("id")[()]), "units")
    times, offsets = _ragged(table, "spike_times", count)
    _check_spikes(times, offsets, ids, file.filename)
    doubt += _doubts(table.array("spike_times"), times, int(offsets[-1]), bin_ms)
    intervals, interval_offsets = _observed(table, count) if "obs_intervals" in table else (None, None)
    return Units(ids, times, offsets, _heldout(table, count, asked), intervals, interval_offsets, notes + doubt)


def own_numbers(found: np.ndarray, what: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return what a table numbers its rows by, (rows,) int64; its rows, and a note, where that names no row.

    Args:
        found: the table's column id.
        what: "units" or "trials".
    """
    rows = np.arange(len(found))
    if found.shape != rows.shape or found.dtype.kind not in "iuf" or not np.isfinite(found).all() or (found % 1).any():
        holds = "no whole numbers"
    elif len(np.unique(found)) != len(found):
        holds = "a number twice"
    elif np.abs(found.astype(np.float64)).max(initial=0.0) >= 2.0**63:
        holds = "numbers beyond 63 bits"
    else:
        return found.astype(np.int64), ()
    return rows, (f"the {what}' id holds {holds}: {what} are told apart by their rows",)


def _doubts(array: Dataset, times: np.ndarray, used: int, bin_ms: float) -> tuple[str, ...]:
    found: tuple[str, ...] = ()
    if used < len(times):
        found += (
            f"{len(times) - used} of {len(times)} spike times belong to no unit: {array.name}_index, which holds the "
            "end of each unit's spikes, ends before them",
        )
    return found + coarse(np.dtype(array.dtype), times, "spike", bin_ms=bin_ms)


def _heldout(table: Group, count: int, asked: Iterable[str]) -> np.ndarray | None:
    if "heldout" not in table:
        return None
    try:
        found = table.array("heldout").numbers(count)
        if not np.isin(found, (0, 1)).all():
            raise table.refuse("heldout expected True or False for each unit, got other numbers")
    except BadInput:
        if "heldout" in asked:
            raise
        return None
    return found.astype(bool)


def _observed(table: Group, count: int) -> tuple[np.ndarray, np.ndarray]:
    found, offsets = _ragged(table, "obs_intervals", count, 2)
    _check_stretches(found, table.array("obs_intervals"), LATEST_S)
    return found, offsets


def _check_stretches(found: np.ndarray, node: Group | Dataset, latest_s: float = np.inf) -> None:
    if (wrong := ~(found[:, 0] <= found[:, 1]) | ~(np.abs(found) <= latest_s).all(axis=1)).any():
        row = int(wrong.argmax())
        raise node.refuse(f"expected begin <= end, got {found[row, 0]} to {found[row, 1]} s in row {row}")


def _ragged(table: Group, column: str, count: int, *width: int) -> tuple[np.ndarray, np.ndarray]:
    values = table.array(column).numbers(None, *width).astype(np.float64, copy=False)
    name = f"{column}_index"
    if name not in table:
        raise table.refuse(f"expected {column} with {name}, the end of each unit's values in it; found no {name}")
    array = table.array(name)
    ends = array.numbers(None) if array.shape == (count + 1,) else None
    # As of rows of a sparse matrix, 0 may lie before the first end.
    if ends is not None and ends[0] == 0 and ends[-1] == len(values):
        ends = ends[1:]
    elif array.shape == (count,):
        ends = array.numbers(count)
    else:
        raise array.refuse(f"expected an end for each of {count} units, shape ({count},), got {array.shape}")
    offsets = np.concatenate([[0.0], ends])
    if not np.isfinite(offsets).all() or (offsets % 1 != 0).any():
        raise array.refuse("expected whole numbers, got others")
    if (back := np.diff(offsets) < 0).any():
        row = int(back.argmax())
        told = f"expected ends that do not decrease, got {offsets[row + 1]:.0f} in row {row}"
        raise array.refuse(f"{told}; it is damaged")
    if offsets[-1] > len(values):
        told = f"points to value {offsets[-1]:.0f} of {column}, past its {len(values)} values"
        raise array.refuse(f"{told}; it is damaged")
    if count > 1 and ends[0] == 0 and 0 < ends[-1] < len(values):
        told = f"expected where each unit's values in {column} end, got where they begin: 0 first, and after the last"
        raise array.refuse(f"{told}, {ends[-1]:.0f}, {len(values) - ends[-1]:.0f} more values; write their ends")
    return values, offsets.astype(np.int64)


def _check_spikes(times: np.ndarray, offsets: np.ndarray, ids: np.ndarray, filename: str) -> None:
    times = times[: offsets[-1]]
    wrong = np.flatnonzero(~((times <= LATEST_S) & (times >= -LATEST_S)))
    back = np.flatnonzero(times[1:] < times[:-1])
    back = back[~np.isin(back + 1, offsets)]
    if not len(wrong) and not len(back):
        return
    of_unit = np.searchsorted(offsets, wrong if len(wrong) else back, side="right") - 1
    row, unit = (wrong if len(wrong) else back)[0], of_unit[0]
    told, place = f"{filename}: spike times of unit {ids[unit]} expected", f"at row {row - offsets[unit]}"
    if len(wrong):
        said = "NaN" if np.isnan(times[row]) else "infinity" if np.isinf(times[row]) else f"{times[row]:g} s"
        such = f"{len(wrong)} such times in {len(np.unique(of_unit))} units"
        raise BadInput(f"{told} seconds, got {said} {place}; {such}: take them out of the file")
    raise BadInput(
        f"{told} ascending seconds, got {times[row]} before {times[row + 1]} {place}, and {len(back)} such steps back "
        "in all; sort them, or if recordings were joined, shift each by the length of those before it"
    )
