"""Windows against their trials' begins and ends: what is masked, and what lies between trials and is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from raysp.data.formats import aligned
from raysp.errors import BadInput

MOSTLY = 0.5
"""More trials that stop before they start are refused."""
EMPTY, LONGEST_S = 5.0, 1.0
"""So many of the usual times between spikes of all units, s at most, a recording runs before its first and after its
last one: in e^-5 of recordings a silence there is longer."""
FEW = 0.03
"""A larger share of bins that lie between trials, or in others, is told."""


@dataclass(frozen=True)
class Grid:
    """Bins of windows on the clock.

    Attributes:
        clock_ms: length of a tick, ms.
        step: ticks in a bin.
        bins: of a window, with those that must be predicted.
        forward: how many of them these are.
    """

    clock_ms: float
    step: int
    bins: int
    forward: int

    @property
    def length_s(self) -> float:
        """Of a window, s."""
        return self.bins * self.step * self.clock_ms / 1000.0

    def seconds(self, ticks: np.ndarray) -> np.ndarray:
        """Return ticks in s."""
        return ticks * (self.clock_ms / 1000.0)


def bounds_of(trials: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return when each trial of a table began and stopped, (trials, 2) s, NaN where that is not known."""
    unknown = np.full(len(next(iter(trials.values()))), np.nan)
    columns = [trials.get(name, unknown) for name in ("start_time", "stop_time")]
    return np.column_stack([column if column.dtype.kind in "iuf" else unknown for column in columns]).astype(np.float64)


def ran(bounds: np.ndarray) -> np.ndarray:
    """Return stretches, (trials, 2) s, in which trials say that it ran: at a begin alone without a stop."""
    first, last = bounds.T
    return np.column_stack([np.where(np.isnan(first), last, first), np.where(np.isnan(last), first, last)])


def ends_s(running: np.ndarray, spikes: int) -> float:
    """Return how long a recording has run before its first spike and after its last, s.

    Args:
        running: (stretches, 2) begin and end, s, by its spikes.
        spikes: how many there are, of all units.
    """
    return min(LONGEST_S, EMPTY * float(np.diff(running, axis=1).sum()) / max(spikes, 1))


def check_stops(bounds: np.ndarray, where: str) -> None:
    """Raise BadInput where most trials, (trials, 2) s, stop before they start; `where` begins the sentence."""
    backwards = bounds[:, 1] <= bounds[:, 0]
    if backwards.sum() > MOSTLY * len(bounds):
        row = int(backwards.argmax())
        told = f"expected trials to stop after they start, got {bounds[row, 0]:g} to {bounds[row, 1]:g} s"
        raise BadInput(f"{where}: {told}, as in {backwards.sum()} of {len(bounds)}; mend them or drop masked_ends")


def within(bounds: np.ndarray, begin: np.ndarray, grid: Grid) -> np.ndarray:
    """Tell which bins of each window lie inside its own trial, (trials, bins); all where its ends are unknown."""
    # Windows begin on the clock, less than a tick before their event: that much lies outside no trial.
    known = np.where(np.isnan(bounds), [-np.inf, np.inf], bounds)
    first = np.floor(aligned.in_ticks(known[:, 0], grid.clock_ms))
    last = np.ceil(aligned.in_ticks(known[:, 1], grid.clock_ms))
    edges = begin[:, None] + grid.step * np.arange(grid.bins + 1)
    return (edges[:, :-1] >= first[:, None]) & (edges[:, 1:] <= last[:, None])


def masked(seen: np.ndarray, bounds: np.ndarray) -> tuple[str, ...]:
    """Return the notes on what is masked: `seen`, (windows, bins, units), tells which bins are not."""
    share, known = 1.0 - seen.any(axis=2).mean(), np.isfinite(bounds[:, 1]).any()
    told = f"{share:.1%} of the windows' bins lie outside their trials and are masked"
    unknown = "masked_ends: nothing says when trials stop, so that only bins that were not observed are masked"
    return (*([told] if share else []), *([] if known else [unknown]))


def strayed(
    bounds: np.ndarray, rows: np.ndarray, begin: np.ndarray, grid: Grid, *, by_trial: bool = False
) -> tuple[str, ...]:
    """Return the notes that windows go on after their trials, or begin before the trial before has stopped.

    Args:
        bounds: (trials, 2) of the whole table, s; NaN where unknown.
        rows: (windows,) the trial of each.
        begin: (windows,) first tick of each.
        grid: their bins.
        by_trial: spikes lie trial by trial, and no window sees another one's.
    """
    start, stop = bounds[:, 0], np.where(bounds[:, 1] <= bounds[:, 0], np.nan, bounds[:, 1])
    order = np.argsort(start, kind="stable")
    before = np.full(len(bounds), np.nan)
    # Trials that overlap have no time between them.
    if not by_trial:
        before[order[1:]] = np.fmin(np.fmax.accumulate(stop[order])[:-1], start[order[1:]])
    first = begin[:, None] + grid.step * np.arange(grid.bins)
    sides = {
        "after their own trials have stopped": first + grid.step > _ticks(stop[rows], np.ceil, grid),
        "in the trial before": first < _ticks(before[rows], np.floor, grid),
    }
    told = {
        f"{outside.mean():.1%} of the windows' bins lie {where}": outside.mean() for where, outside in sides.items()
    }
    if max(told.values()) <= FEW:
        return ()
    lie = " and ".join(one for one, share in told.items() if share > FEW)
    then = "what happens there counts as the trial's; take a shorter window_ms, or masked_ends: true, which masks them"
    return (f"{lie}: {then}",)


def _ticks(times_s: np.ndarray, rounded: np.ufunc, grid: Grid) -> np.ndarray:
    """Return times in whole ticks, (windows, 1); NaN stays, and lies neither before nor after anything."""
    return np.asarray(rounded(aligned.in_ticks(times_s, grid.clock_ms)))[:, None]
