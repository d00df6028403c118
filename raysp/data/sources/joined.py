"""Recordings that were put into one table one after the other, each with times from its own begin."""

from __future__ import annotations

import numpy as np

from raysp.io.words import WARNING, counted

EARLY, LATE = 0.1, 0.3
"""Parts of the recording: before the first, times begin anew that went on beyond the second."""
MOST = 200
MOST_DROPS = 10 * MOST
"""Begins, at most, and times that are much earlier than the one before: of spikes in no order there are more."""


def restarts(times: np.ndarray, of_unit: np.ndarray) -> tuple[str, ...]:
    """Return the warning that times of a unit begin anew within the file, so that its spikes lie over each other.

    A table that has one unit after the other begins anew with each, and none of them twice.

    Args:
        times: (spikes,) in the order of the file.
        of_unit: (spikes,) whose each is.
    """
    found = Restarts()
    found.add(times, of_unit)
    return found.notes()


class Restarts:
    """The same of spikes that are read in parts, in the order of the file."""

    def __init__(self) -> None:
        self._first, self._last = np.inf, -np.inf
        self._before: float | None = None
        self._drops: list[tuple[float, float]] = []
        self._units: list[np.ndarray] = []

    def add(self, times: np.ndarray, of_unit: np.ndarray) -> None:
        """Take in the next spikes, (spikes,) times and whose each is."""
        if not len(times) or len(self._drops) > MOST_DROPS:
            return
        self._first, self._last = min(self._first, float(times.min())), max(self._last, float(times.max()))
        before = np.append(times[0] if self._before is None else self._before, times[:-1])
        # As far as times reach by now they will reach at the end.
        drops = np.flatnonzero(before - times > (LATE - EARLY) * (self._last - self._first))
        self._drops += zip(before[drops].tolist(), times[drops].tolist(), strict=True)
        if len(self._drops) <= MOST_DROPS:
            same, *others = np.split(of_unit, drops)
            last = self._units.pop() if self._units else same[:0]
            self._units += [np.union1d(last, same), *map(np.unique, others)]
        self._before = float(times[-1])

    def notes(self) -> tuple[str, ...]:
        """Return the warning, of all spikes that were taken in."""
        span = self._last - self._first
        if not span or len(self._drops) > MOST_DROPS:
            return ()
        again = [after < self._first + EARLY * span and before > self._first + LATE * span
                 for before, after in self._drops]  # fmt: skip
        if not 0 < sum(again) <= MOST:
            return ()
        part = np.cumsum([0, *again])
        each = [np.unique(np.concatenate([one for one, place in zip(self._units, part, strict=True) if place == at]))
                for at in range(sum(again) + 1)]  # fmt: skip
        _, parts = np.unique(np.concatenate(each), return_counts=True)
        if (parts > 1).sum() <= len(parts) / 2:
            return ()
        return (
            f"{WARNING}times begin anew {counted(range(sum(again)), 'time')} within the file, and most units are on "
            "both sides: were recordings joined? Their spikes are counted over each other; give each its own table, "
            "or add to its times how long those before it lasted",
        )
