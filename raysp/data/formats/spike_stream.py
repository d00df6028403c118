"""Spikes that are read again and again batch by batch, as of a table that does not fit into memory, and are counted.

A first reading sums up what is asked of a recording: how many spikes each unit has, when any unit fired, how many
spikes are there twice. Each counting in windows is one more reading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from raysp.data.formats.aligned import to_ticks
from raysp.data.formats.recorded import Firing, stretches_of

Batches = Callable[[], Iterator[tuple[np.ndarray, np.ndarray]]]
"""What reads spikes anew: it yields times (s) and numbers of units, (spikes,) each, in any order."""

BIN_S = 0.25
"""Spikes within so short a time are no pause of a recording: 200 times it is less than the shortest pause."""
MOST_BINS, MOST_SAMPLED = 1 << 22, 1 << 20
MIX = np.uint64(0x9E3779B97F4A7C15)
"""Multiplied with, it spreads the bits of times, so that some of them mean some spikes by chance."""


@dataclass(frozen=True)
class Streamed:
    """The spikes of some units, none of them held.

    Attributes:
        ids: (units,) the recording's own numbers.
        numbers: (units,) what `batches` calls each, ascending where `rows` is None.
        batches: reads them.
        totals: (units,) spikes of each.
        firing: when any of them fired.
        duplicates: spikes that have the time of another one of their unit, estimated where there are very many.
        notes: what is doubtful, one sentence each.
        names: of each unit, where the recording has names and no numbers; else none.
    """

    ids: np.ndarray
    numbers: np.ndarray
    batches: Batches
    totals: np.ndarray
    firing: Firing
    duplicates: int
    notes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    intervals: None = None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def total(self) -> int:
        """How many spikes there are."""
        return int(self.totals.sum())

    @property
    def span(self) -> tuple[float, float] | None:
        """The first and the last spike, s; None where there are none."""
        return (float(self.firing.first[0]), float(self.firing.last[-1])) if len(self.firing.first) else None

    def running(self, trials: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
        """Return when the recording was running; see `recorded.stretches`."""
        return stretches_of(self.firing, trials)

    def counts(self, units: np.ndarray, begin: np.ndarray, bins: int, step: int, clock_ms: float) -> np.ndarray:
        """Count the spikes of some units in windows, which may overlap.

        Args:
            units: rows of units.
            begin: (windows,) first tick of each window.
            bins: of each window.
            step: ticks per bin.
            clock_ms: length of a tick, ms.

        Returns:
            (windows, bins, units) float32.
        """
        column = np.full(len(self.numbers), -1)
        column[units] = np.arange(len(units))
        order = np.argsort(self.numbers, kind="stable")
        known, column = self.numbers[order], column[order]
        found = np.zeros(len(begin) * bins * len(units), dtype=np.float32)
        for times, numbers in self.batches():
            row = np.minimum(np.searchsorted(known, numbers), len(known) - 1)
            place = np.where(known[row] == numbers, column[row], -1)
            ticks, place = to_ticks(times[place >= 0], clock_ms), place[place >= 0]
            by_time = np.argsort(ticks, kind="stable")
            ticks, place = ticks[by_time], place[by_time]
            low = np.searchsorted(ticks, begin)
            inside = np.maximum(np.searchsorted(ticks, begin + bins * step) - low, 0)
            window = np.repeat(np.arange(len(begin)), inside)
            entry = np.arange(len(window)) + (low - np.cumsum(inside) + inside)[window]
            bin_ = (ticks[entry] - begin[window]) // step
            np.add.at(found, (window * bins + bin_) * len(units) + place[entry], np.float32(1))
        return found.reshape(len(begin), bins, len(units))


class Totals:
    """Numbers of units, ascending, and how many spikes each has, summed up batch by batch."""

    def __init__(self) -> None:
        self.numbers, self.totals = np.empty(0, np.int64), np.empty(0, np.int64)

    def add(self, numbers: np.ndarray) -> None:
        """Add a batch: (spikes,) numbers of units."""
        if not len(numbers):
            return
        first, last = int(numbers.min()), int(numbers.max())
        if last - first < len(numbers):
            # Units are few, and sorting their spikes would take most of the time.
            often = np.bincount(numbers - first)
            there = np.flatnonzero(often)
            there, often = there + first, often[there]
        else:
            there, often = np.unique(numbers, return_counts=True)
        self.numbers, (self.totals,) = _merged(np.append(self.numbers, there), (np.append(self.totals, often), np.add))


class Summary:
    """What is asked of spikes before they are counted, summed up batch by batch."""

    def __init__(self) -> None:
        self.total = 0
        self._units = Totals()
        self._bin_s, self._bins = BIN_S, _NONE
        self._every, self._sample = 1, np.empty((2, 0), np.int64)

    def add(self, times_s: np.ndarray, numbers: np.ndarray) -> None:
        """Add a batch: (spikes,) times and numbers of units."""
        if not len(times_s):
            return
        self.total += len(times_s)
        self._units.add(numbers)
        self._add_firing(times_s)
        self._add_sample(times_s, numbers)

    def units(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers of units, ascending, and how many spikes each has."""
        return self._units.numbers, self._units.totals

    def firing(self) -> Firing:
        """Return when any unit fired."""
        _, count, first, last = self._bins
        return Firing(first, last, count)

    def duplicates(self) -> int:
        """Return how many spikes have the time of another one of their unit."""
        ordered = self._sample[:, np.lexsort(self._sample)]
        return self._every * int((ordered[:, 1:] == ordered[:, :-1]).all(axis=0).sum())

    def _add_firing(self, times_s: np.ndarray) -> None:
        ascending = times_s if (times_s[1:] >= times_s[:-1]).all() else np.sort(times_s)
        key = np.floor(ascending / self._bin_s).astype(np.int64)
        begin = np.flatnonzero(np.append(True, key[1:] != key[:-1]))
        end = np.append(begin[1:], len(key))
        self._bins = _joined(self._bins, (key[begin], end - begin, ascending[begin], ascending[end - 1]))
        while len(self._bins[0]) > MOST_BINS:
            # Times in another unit lie apart; what is wrong with them is told by less.
            self._bin_s *= 2
            key, count, first, last = self._bins
            self._bins = _joined(_NONE, (key // 2, count, first, last))

    def _add_sample(self, times_s: np.ndarray, numbers: np.ndarray) -> None:
        bits = np.ascontiguousarray(times_s, dtype=np.float64).view(np.int64)
        some = _drawn(bits, self._every)
        self._sample = np.concatenate([self._sample, np.stack([bits[some], numbers[some]])], axis=1)
        while self._sample.shape[1] > MOST_SAMPLED:
            self._every *= 2
            self._sample = self._sample[:, _drawn(self._sample[0], self._every)]


Bins = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
_NONE: Bins = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), np.empty(0))


def _drawn(bits: np.ndarray, every: int) -> np.ndarray:
    """Tell which times are in a sample of one in so many, a power of 2: equal times are in it together."""
    with np.errstate(over="ignore"):
        mixed = (bits.astype(np.uint64) * MIX) >> np.uint64(40)
    drawn: np.ndarray = mixed % np.uint64(every) == 0
    return drawn


def _joined(one: Bins, other: Bins) -> Bins:
    key, count, first, last = (np.concatenate(pair) for pair in zip(one, other, strict=True))
    key, (count, first, last) = _merged(key, (count, np.add), (first, np.minimum), (last, np.maximum))
    return key, count, first, last


def _merged(keys: np.ndarray, *columns: tuple[np.ndarray, np.ufunc]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return distinct keys, ascending, and of each column what its function makes of the values of a key."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    begin = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])) if len(keys) else np.empty(0, np.int64)
    return ordered[begin], [reduce.reduceat(one[order], begin) if len(keys) else one for one, reduce in columns]
