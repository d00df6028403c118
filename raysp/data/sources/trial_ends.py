"""What was observed of trials whose spikes lie trial by trial: nothing before a trial's begin or after its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from raysp.data.sources.proposed import DURATIONS, STOPS, bare, edges

EMPTY = 5.0
"""So many of the usual times from one spike of any unit to the next without a spike are no chance."""
NEAR, SHARE, MOST = 0.1, 0.9, 0.5
"""Part of a trial between its last spike and its end, at most; trials of which that holds, or that end silently."""
ROUNDING_S = 1e-3
"""Spikes and ends of trials are rounded by so much."""


@dataclass(frozen=True)
class Extent:
    """Where spikes of any unit lie in their trials.

    Attributes:
        first: (trials,) of each trial, s since its begin; NaN where it has no spike.
        last: (trials,) the same of the last spike.
        count: (trials,) how many spikes.
    """

    first: np.ndarray
    last: np.ndarray
    count: np.ndarray

    @classmethod
    def of(cls, each: Sequence[Sequence[np.ndarray]], begin: np.ndarray) -> Extent:
        """Return that of each trial's spike times, unit by unit, where trials begin at `begin`, (trials,) s."""
        joined = [np.concatenate([*units]) if len(units) else np.zeros(0) for units in each]
        first, last = (np.array([edge(one) if len(one) else np.nan for one in joined]) for edge in (np.min, np.max))
        return cls(first - begin, last - begin, np.array([len(one) for one in joined]))

    @classmethod
    def of_rows(cls, times: np.ndarray, row: np.ndarray, trials: int) -> Extent:
        """Return that of (spikes,) times in their trials, s, and which of so many trials each is of."""
        first, last = np.full(trials, np.inf), np.full(trials, -np.inf)
        np.minimum.at(first, row, times)
        np.maximum.at(last, row, times)
        count = np.bincount(row, minlength=trials)
        return cls(np.where(count > 0, first, np.nan), np.where(count > 0, last, np.nan), count)

    @property
    def gap_s(self) -> float:
        """The usual time from one spike of any unit to the next, s; NaN where no trial has two."""
        several = self.count > 1
        spanned = (self.last - self.first)[several].sum()
        return float(spanned / (self.count[several] - 1).sum()) if several.any() else np.nan

    @property
    def before(self) -> bool:
        """Whether spikes lie before their trials' begins, so that these do not tell what was observed."""
        return bool((self.first < -ROUNDING_S).any())


def observed(extent: Extent, stop: np.ndarray | None, reach_s: float) -> np.ndarray:
    """Return when each trial was observed, (trials, 2) s since its begin.

    Args:
        extent: where its spikes lie.
        stop: (trials,) its end, s since its begin; None, or NaN, where that is not known.
        reach_s: as far as windows reach, which counts as observed where an end is not known.
    """
    begin = np.full(len(extent.first), -reach_s if extent.before else 0.0)
    end = np.full(len(begin), np.nan) if stop is None else stop
    # Who recorded a spike after the end had not stopped yet.
    return np.column_stack([begin, np.where(np.isnan(end), reach_s, np.fmax(end, extent.last))])


def is_named(name: str) -> bool:
    """Tell whether a column is called as ends of trials, or how long they last, are."""
    return bare(name).endswith((*STOPS, *DURATIONS))


def fitting(columns: Mapping[str, np.ndarray], begin: np.ndarray, extent: Extent) -> tuple[str, np.ndarray] | None:
    """Return the column that says when each trial ends, and its values, s since the trial's begin; None without one.

    It is called like one, and spikes end there, not before and not after.

    Args:
        columns: of the table of trials, times in s, on the clock of `begin`.
        begin: (trials,) of each trial, s.
        extent: where spikes lie.
    """
    near_s = np.fmax(EMPTY * extent.gap_s, NEAR * np.nanmedian(extent.last)) if extent.count.any() else 0.0
    for name, values in columns.items():
        if not is_named(name) or values.dtype.kind not in "iuf":
            continue
        for stop in (values,) if bare(name).endswith(DURATIONS) else (values - begin, values):
            after = stop - extent.last
            known = np.isfinite(after)
            ends = known.mean() >= SHARE and (after[known] >= -ROUNDING_S).mean() >= SHARE
            if ends and np.median(after[known]) <= near_s:
                return name, stop
    return None


def taken(
    columns: Mapping[str, np.ndarray], begin: np.ndarray, extent: Extent
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Return the ends of trials, s since their begins, that `fitting` finds, and the note that they are taken.

    Where times count from the trials' own begins, begins and ends may still be the recording's: then they are as long
    as from one to the other.
    """
    found, starts = fitting(columns, begin, extent), edges(columns).get("start_time")
    if found is None and starts is not None:
        found = fitting(columns, columns[starts], extent)
    if found is None:
        return None, ()
    return found[1], (
        f"trials are taken to end at {found[0]}, as their spikes do: what lies after it was not observed",
    )


def silent(extent: Extent, windows: np.ndarray, unknown: str) -> tuple[str, ...]:
    """Return the note that windows seem to reach beyond what was recorded of their trials.

    Args:
        extent: where spikes lie.
        windows: (trials, 2) begin and end, s since each trial's begin; NaN without one.
        unknown: what to do where trials' ends are not known; empty where they are.
    """
    least_s, notes = EMPTY * extent.gap_s, []
    sides = [(extent.first - windows[:, 0], "before its first", "")] if extent.before else []
    sides += [(windows[:, 1] - extent.last, "after its last", unknown)] if unknown else []
    for empty_s, side, then in sides:
        known = empty_s[np.isfinite(empty_s)]
        beyond = known[known > least_s]
        if len(beyond) > MOST * max(len(known), 1):
            told = (
                f"in {len(beyond)} of {len(known)} trials the window holds {np.median(beyond) * 1000:.0f} ms (median)"
            )
            notes.append(f"{told} {side} spike of any unit, which count as silence: were they recorded?{then}")
    return tuple(notes)
