"""A table of spikes that is too large to be held: its columns read batch by batch, again for each counting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from raysp.data.formats import table_batches, table_file
from raysp.data.formats.precision import coarse
from raysp.data.formats.spike_stream import Streamed, Summary, Totals
from raysp.data.sources import joined, spike_columns, spike_layouts
from raysp.data.sources.clocks import Times, is_whole
from raysp.errors import BadInput, present

if TYPE_CHECKING:
    import polars


@dataclass(frozen=True)
class Columns:
    """The columns of times and units of a large table.

    Attributes:
        path: of the table.
        time, unit: names of the columns.
        per_second: units of time in a second.
        channel: name of the column of channels, on each of which units are numbered anew; None of none.
        codes: name of a unit -> its number, where units have names; filled in as they are read.
        odd: of the last reading, how many spikes of channels' units have the numbers of none, see `spike_layouts.odd`.
    """

    path: str
    time: str
    unit: str
    per_second: float
    channel: str | None = None
    codes: dict[str, int] = field(default_factory=dict)
    odd: Counter[int] = field(default_factory=Counter)

    def batches(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield times (s) and numbers of units. Raises BadInput where a row has none."""
        row, kind = 0, ""
        self.odd.clear()
        wanted = [one for one in (self.time, self.unit, self.channel) if one is not None]
        for batch in table_batches.batches(self.path, wanted):
            times = table_file.column(batch[self.time])
            times = spike_columns.seconds(times, self.time, self.per_second, self.path, row)
            numbers, now = self._numbers(self._who(batch), row)
            if kind and now != kind:
                told = f"{self.path}: column {self.unit!r} expected {kind} of units as in the first rows"
                raise BadInput(f"{told}, got {now} after row {row}, such as {batch[self.unit][0]!r}")
            row, kind = row + len(times), now
            yield times, numbers

    def some(self, batch: Mapping[str, polars.Series]) -> np.ndarray:
        """Return the units of some spikes, as numbers or names."""
        return table_file.column(self._who(batch))

    def _who(self, batch: Mapping[str, polars.Series]) -> polars.Series:
        """Return who fired, of units that are numbered anew on each channel with the channel before."""
        import polars

        if self.channel is None:
            return batch[self.unit]
        unit, channel = (table_file.column(batch[name]) for name in (self.unit, self.channel))
        self.odd.update(spike_layouts.odd(unit))
        return polars.Series(self.unit, spike_layouts.with_channel(unit, channel, self.path))

    def _numbers(self, units: polars.Series, row: int) -> tuple[np.ndarray, str]:
        import polars

        if units.dtype.is_numeric():
            numbers = table_file.column(units)
            spike_columns.check_units(numbers, self.path, row)
            return numbers.astype(np.int64), "numbers"
        units = units.cast(polars.String).fill_null("")
        for name in units.unique(maintain_order=True).to_list():
            if not name:
                spike_columns.check_units(table_file.column(units), self.path, row)
            self.codes.setdefault(name, len(self.codes))
        places = units.replace_strict(list(self.codes), list(self.codes.values()), return_dtype=polars.Int64)
        return places.to_numpy(), "names"


def extent(columns: Columns) -> tuple[Times, int]:
    """Read a large table once, and return what tells the unit of its times, and how many units it has.

    Raises:
        BadInput: a row has no time or unit.
    """
    units, first, last, whole, count = Totals(), np.inf, -np.inf, True, 0
    for times, numbers in columns.batches():
        if not len(times):
            continue
        units.add(numbers)
        first, last, count = min(first, float(times.min())), max(last, float(times.max())), count + len(times)
        whole = whole and is_whole(times)
    return (Times(count, first, last, whole) if count else Times.of(np.empty(0))), len(units.numbers)


def summed(columns: Columns, used: np.ndarray | None = None, table: str | None = None) -> Streamed:
    """Read a large table once, and return its spikes, to be counted.

    Args:
        columns: of the table.
        used: (units,) numbers or names of the units that are used; None for all.
        table: path of the table of units that says so.

    Raises:
        BadInput: a row has no time or unit, or no spike is of a unit that is used.
    """
    found, left, again = Summary(), Summary(), joined.Restarts()
    for times, numbers in columns.batches():
        again.add(times, numbers)
        if used is not None:
            there = np.isin(numbers, _codes(columns, used))
            left.add(times[~there], numbers[~there])
            times, numbers = times[there], numbers[there]
        found.add(times, numbers)
    if not found.total + left.total:
        raise BadInput(f"{columns.path} expected a row for each spike, got none")
    if not found.total:
        raise BadInput(f"{columns.path}: none of its {left.total} spikes is of a unit that {table} lists")
    numbers, totals = found.units()
    there = _named(columns, numbers)
    known = np.sort(there) if used is None else used
    notes = (*spike_layouts.unsorted(columns.odd, left.total + found.total), *again.notes())
    notes += () if table is None else spike_columns.silent(known, there, table)
    others = _named(columns, left.units()[0])
    order = np.argsort(there)
    places = np.searchsorted(there[order], known).clip(max=len(there) - 1)
    fires = there[order][places] == known
    ids, named, names = spike_columns.ids(known)
    notes += (*spike_columns.dropped(left.total, left.total + found.total, others), *named)
    # Units without spikes have numbers that no spike has.
    own = np.where(fires, numbers[order][places], -1 - np.arange(len(known)) + min(0, int(numbers.min())))
    all_of = np.where(fires, totals[order][places], 0)
    return Streamed(ids, own, columns.batches, all_of, found.firing(), found.duplicates(), notes, names)


def listed(columns: Columns) -> np.ndarray:
    """Return the units of a table with a row a unit, ascending, those with an empty list of times among them."""
    wanted = [one for one in (columns.unit, columns.channel) if one is not None]
    return np.unique(np.concatenate([columns.some(one) for one in table_batches.batches(columns.path, wanted)]))


def steps(columns: Columns, head: Mapping[str, polars.Series], units: Streamed, bin_ms: float) -> tuple[str, ...]:
    """Return the note that times are stored in wide steps, see `coarse`; none where they are not.

    Args:
        columns: of the table.
        head: its first rows.
        units: its spikes.
        bin_ms: width of the bins that they are counted in.
    """
    stored = head[columns.time].explode() if table_file.is_lists(head[columns.time]) else head[columns.time]
    span = np.array(present(units.span))
    return coarse(table_file.column(stored).dtype, span, "spike", columns.per_second, bin_ms)


def _codes(columns: Columns, used: np.ndarray) -> np.ndarray:
    if used.dtype.kind != "U":
        return used
    return np.array([columns.codes[name] for name in used.tolist() if name in columns.codes], dtype=np.int64)


def _named(columns: Columns, numbers: np.ndarray) -> np.ndarray:
    """Return the numbers, or names, of units in the table, by their numbers here; ascending."""
    if not columns.codes:
        return numbers
    names = np.array(list(columns.codes), dtype=str)
    return names[numbers]
