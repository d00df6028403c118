"""When a recording was running where its file does not say, and whether its spikes fall into the trials' windows."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from raysp.data.formats.tally import tally
from raysp.errors import BadInput
from raysp.io.words import WARNING

SILENCE_S, SHORT_S = 60.0, 0.25
"""Shorter silences of all units together are silences, not pauses of the recording; and what is shorter by far."""
FEW_SPIKES = 10
SPARSE_HZ, FEW_HZ, FEW_SHARE = 0.05, 0.5, 0.01
"""A mean rate of a unit that is doubted, and one that is when only this share of the spikes was counted."""
FEWEST_LOST, LOST = 3, 0.1
"""Trials without any spike beside them, and their share, from which on they are warned of."""
FASTEST_HZ = 1000.0
UNITS_OF_TIME = ((3e2, 3e3, "ms"), (1e4, 1e5, "samples"), (3e5, 3e6, "µs"), (3e8, 3e9, "ns"))
LONG_TRIALS = 100.0
"""Median length of a trial, in windows, from which on all times are doubted where units also seem to rest."""


@dataclass(frozen=True)
class Spans:
    """Where the spikes of all units and the trials' windows lie.

    Attributes:
        spikes: begin and end, s; None without spikes.
        windows: begin and end, s.
        where: what the windows are.
        trial_windows: median length of a trial, in windows; NaN where unknown.
        rate_hz: spikes of the whole recording per second and unit; NaN where unknown.
    """

    spikes: tuple[float, float] | None
    windows: tuple[float, float]
    where: str = "windows"
    trial_windows: float = math.nan
    rate_hz: float = math.nan

    def __str__(self) -> str:
        windows = f"{self.where} from {_seconds(*self.windows)}"
        if self.spikes is None:
            return f"no spikes, {windows}"
        reason = self.other_unit() or "are all times in s, from the same zero?"
        return f"spikes lie from {_seconds(*self.spikes)}, {windows}: {reason}"

    def other_unit(self) -> str | None:
        """Return the question whether times are in another unit than s; None where nothing tells of one."""
        if self.spikes is None:
            return None
        spikes, windows = (max(abs(one) for one in pair) for pair in (self.spikes, self.windows))
        for low, high, name in UNITS_OF_TIME:
            if low <= spikes / max(windows, 1e-9) <= high:
                return f"are spike times in {name}, not in s?"
            if low <= windows / max(spikes, 1e-9) <= high:
                return f"are those of the {self.where} in {name}, not in s?"
        if self.trial_windows >= LONG_TRIALS and self.rate_hz < SPARSE_HZ:
            return f"are all times in ms or samples, not in s (a trial is as long as {self.trial_windows:.0f} windows)?"
        return None


@dataclass(frozen=True)
class Firing:
    """When any unit fired: spikes in groups that follow each other, each of one spike or of some close together.

    Attributes:
        first: (groups,) the first spike of each, s, ascending.
        last: (groups,) the last one.
        count: (groups,) how many spikes; None for one in each.
    """

    first: np.ndarray
    last: np.ndarray
    count: np.ndarray | None = None


def stretches(times: np.ndarray, trials: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return when the recording was running, as far as spikes and trials tell, and a note on stray spikes.

    A silence of all units of more than a minute (longer where they fire rarely) is taken for a pause, so that a stray
    spike far outside does not make what lies between an observation. Trials near spikes widen a stretch.

    Args:
        times: (spikes,) of all units, s, in any order.
        trials: (trials, 2) begin and end, s; NaN where unknown.

    Returns:
        (stretches, 2) begin and end, s.
    """
    times = np.sort(times)
    return stretches_of(Firing(times, times), trials)


def stretches_of(firing: Firing, trials: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return what `stretches` does, of spikes in groups."""
    trials = trials[(trials[:, 0] <= trials[:, 1]) & np.isfinite(trials).all(axis=1)]
    groups = len(firing.first)
    if groups == 0:
        return np.array([[trials.min(), trials.max()]]) if len(trials) else np.zeros((0, 2)), ()
    total = groups if firing.count is None else int(firing.count.sum())
    gaps = firing.first[1:] - firing.last[:-1]
    cuts = np.flatnonzero(gaps > (longest := _longest(gaps, total - groups)))
    first, last = np.append(0, cuts + 1), np.append(cuts, groups - 1)
    spikes = last - first + 1 if firing.count is None else np.add.reduceat(firing.count, first)
    found, stray = np.column_stack([firing.first[first], firing.last[last]]), np.zeros(len(first), dtype=bool)
    for row, (begin, end) in enumerate(found):
        near = trials[(trials[:, 1] >= begin - longest) & (trials[:, 0] <= end + longest)]
        if len(near):
            found[row] = min(begin, max(near.min(), begin - longest)), max(end, min(near.max(), end + longest))
        stray[row] = len(near) == 0 and spikes[row] <= FEW_SPIKES
    if stray.all() or not stray.any():
        return found, ()
    count = int(spikes[stray].sum())
    where = _number(found[stray][0, 0])
    told = f"{count} of {total} spike times lie alone, more than {longest:.3g} s from other spikes"
    return found[~stray], (f"{told} and from every trial, the first at {where} s: nothing between counts as observed",)


def _longest(gaps: np.ndarray, within: int) -> float:
    """Return the longest silence (s) that is no pause, by silences between groups of spikes, and how many lie within.

    Those within a group are too short to matter, and taken for none.
    """
    total = len(gaps) + within
    if not total:
        return SILENCE_S
    # Hours of many units have tens of millions of short ones.
    ordered = np.sort(gaps[gaps > SHORT_S])
    within = total - len(ordered)

    def ranked(rank: int) -> float:
        return float(ordered[rank - within]) if rank >= within else 0.0

    middle = (ranked((total - 1) // 2) + ranked(total // 2)) / 2
    return max(SILENCE_S, 200 * middle, 20 * ranked(int(0.9 * (total - 1))))


def check_inside(inside: int, windows: int, spans: Spans, where: str, beyond: str = "") -> None:
    """Refuse windows of which fewer than two lie in the recording. Raises BadInput.

    Args:
        inside: how many do.
        windows: how many there are.
        spans: where spikes and windows lie.
        where: the beginning of the error's sentence.
        beyond: a window that reaches beyond its units' obs_intervals, where there is one.
    """
    if inside >= min(2, windows):
        return
    told = f"{where}: {inside or 'none'} of {windows} windows lies inside the"
    if beyond:
        told = f"{told} obs_intervals of its units, others reach outside, such as {beyond}"
        raise BadInput(f"{told}; change window_ms, forward_ms or align")
    raise BadInput(f"{told} observed recording ({spans}); check window_ms, forward_ms and align, whose times are in s")


def outside(stretches_s: np.ndarray, recorded: tuple[float, float], what: str) -> tuple[str, ...]:
    """Return a note where some stretches, (stretches, 2) s, all lie outside the recording's begin and end, s."""
    begin, end = recorded
    if len(stretches_s) == 0 or ((stretches_s[:, 0] < end) & (stretches_s[:, 1] > begin)).any():
        return ()
    return (
        f"all {len(stretches_s)} stretches of {what} lie outside the recording and leave nothing out: they lie from "
        f"{_seconds(stretches_s.min(), stretches_s.max())}, the recording from {_seconds(begin, end)}: are they in s?",
    )


def lost(begin_s: np.ndarray, length_s: float, spikes_s: tuple[float, float] | None) -> tuple[str, ...]:
    """Return the warning that many trials lie where no unit fires any more, or none does yet.

    Args:
        begin_s: (windows,) s.
        length_s: of a window, s.
        spikes_s: the first and the last spike of any unit, s; None without spikes.
    """
    if spikes_s is None:
        return ()
    after, before = begin_s >= spikes_s[1], begin_s + length_s <= spikes_s[0]
    if max(after.sum(), before.sum()) < max(FEWEST_LOST, LOST * len(begin_s)):
        return ()
    what, edge, windows = (
        ("after the last", spikes_s[1], begin_s[after]) if after.sum() >= before.sum() else
        ("before the first", spikes_s[0], begin_s[before])
    )  # fmt: skip
    told = f"{WARNING}{len(windows)} of {len(begin_s)} trials lie {what} spike of all, which is at {_number(edge)} s"
    return (
        f"{told}, from {_seconds(windows.min(), windows.max())}: is the file of spikes cut off, or of another day?",
    )


def check_counted(
    counts: np.ndarray, spikes: int, spans: Spans, bin_ms: float, where: str, accept: Collection[str] = ()
) -> tuple[str, ...]:
    """Return what is doubtful about counts as notes: hardly any spikes, too many.

    Args:
        counts: (trials, bins, units), NaN where unobserved.
        spikes: of the whole recording.
        spans: where spikes and windows lie.
        bin_ms: width of a bin, ms.
        where: the beginning of the error's sentence.
        accept: with "times" in it, times that look like another unit than s are a note.

    Raises:
        BadInput: no spike lies in any window, or so few that times must be in another unit than s: fewer than one of a
            unit where they also look so, or a share that no recording has in its trials.
    """
    seen, each = tally(counts)
    total = each.sum()
    if total == 0:
        raise BadInput(f"{where}: none of {spikes} spikes lies in any of {len(counts)} windows; {spans}")
    mean_hz = total / max(seen.sum() * (bin_ms / 1000.0), 1e-12)
    hardly = total < FEW_SHARE * spikes and mean_hz < SPARSE_HZ
    if (hardly or (total < counts.shape[2] and spans.other_unit() is not None)) and "times" not in accept:
        told = f"{where}: {total:.0f} of {spikes} spikes of {counts.shape[2]} units lie in {len(counts)} windows"
        mend = "Write them in s, or give per_second where the source has it; if they are, set accept: [times]"
        raise BadInput(f"{told}; {spans} {mend}")
    return tuple(_doubts(seen * (bin_ms / 1000.0), each, spikes, spans))


def _doubts(seen_s: np.ndarray, each: np.ndarray, spikes: int, spans: Spans) -> Iterator[str]:
    each_hz, total = each / np.maximum(seen_s, 1e-12), each.sum()
    mean = total / max(seen_s.sum(), 1e-12)
    if mean < SPARSE_HZ or (mean < FEW_HZ and total < FEW_SHARE * spikes):
        yield f"hardly any of {spikes} spikes lie in the windows: {total:.0f}, {mean:.2g} Hz a unit; {spans}"
    if (fast := int((each_hz > FASTEST_HZ).sum())) > 0:
        yield f"{fast} units fire up to {each_hz.max():.4g} Hz in the windows, more than a unit can; {spans}"


def _seconds(begin: float, end: float) -> str:
    return f"{_number(begin)} to {_number(end)} s"


def _number(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 1e6 else f"{value:.4g}"
