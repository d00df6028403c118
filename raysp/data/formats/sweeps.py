"""Sweeps of cells with an injected current: from samples to bins, and how fast a cell can fire.

A bin's current is its mean, its count the spikes in it; what is left of a sweep after its last whole bin is dropped.
Where a bin is no whole number of samples, bins begin at the sample that their time falls on, so that none drifts.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from raysp.errors import BadInput

SLOWEST_HZ, FASTEST_HZ = 100.0, 10_000_000.0
LARGEST_PA = 1e5
"""A larger current would burst any cell: its unit is another one."""

USUAL_GAMMA = 0.147
"""Spikes/ms: the median of 1,041 cortical cells, taken where a cell shows nothing of its own."""

LEAST_MS, SHORTEST, FEWEST = 1.0, 0.05, 3
"""Intervals below 1 ms are errors of detection; the robust rate is the median of the shortest 5 %, at least three."""


@dataclass(frozen=True)
class Sweep:
    """One sweep, from its onset on.

    Attributes:
        stimulus: its name.
        bins: width of a bin, ms -> current (bins,) float32 pA, and counts (bins,) uint16; what is shorter than a bin is
            not there.
        spikes_ms: (spikes,) ms since the onset, ascending; None where counts alone are known.
        repeat_of: sweeps of one stimulus that say the same had the same current by protocol; empty where bits tell.
    """

    stimulus: str
    bins: Mapping[int, tuple[np.ndarray, np.ndarray]]
    spikes_ms: np.ndarray | None
    repeat_of: str = ""


@dataclass(frozen=True)
class Cell:
    """What was recorded of one cell.

    Attributes:
        unit: the recording's own number of it.
        sweeps: those with a stimulus that was asked for, in the recording's order.
        gamma: see `highest_rate`, over all sweeps, those with other stimuli too; NaN where unknown.
        metadata: "species", "line", "dendrite", "layer" -> text, as far as known.
        notes: what is odd about it, as sentences that go on after the cell's number.
        dropped: (stimulus, reason) of sweeps that cannot be used, which are among the notes; a reason goes on after
            "it".
    """

    unit: int
    sweeps: tuple[Sweep, ...]
    gamma: float
    metadata: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    dropped: tuple[tuple[str, str], ...] = ()


def binned(
    current: np.ndarray, spikes: np.ndarray, rate_hz: float, widths_ms: Iterable[int]
) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Put samples into bins.

    Args:
        current: (samples,) pA.
        spikes: (spikes,) sample of each spike; those outside the sweep are dropped.
        rate_hz: samples per second.
        widths_ms: of bins.

    Returns:
        As `Sweep.bins`.

    Raises:
        BadInput: the rate is no plausible one, or the current is not finite, or larger than any pipette's; the sentence
            goes on after the sweep's name.
    """
    if not (np.isfinite(rate_hz) and SLOWEST_HZ <= rate_hz <= FASTEST_HZ):
        raise BadInput(f"has {rate_hz:g} samples per second, expected {SLOWEST_HZ:g} to {FASTEST_HZ:,.0f}")
    if not np.isfinite(current).all():
        raise BadInput(f"has a current that is not finite at {int((~np.isfinite(current)).sum()):,} samples")
    if len(current) and (largest := float(np.abs(current).max())) > LARGEST_PA:
        raise BadInput(f"has a current of {largest:.3g} pA, expected at most {LARGEST_PA:g}; is its unit another one?")
    found = {width: _bins(current, spikes, rate_hz, width) for width in widths_ms}
    return {width: bins for width, bins in found.items() if bins is not None}


def _bins(
    current: np.ndarray, spikes: np.ndarray, rate_hz: float, width_ms: int
) -> tuple[np.ndarray, np.ndarray] | None:
    # Rounded first: 0.02 s at 17,850 Hz is 357 samples, not 356.99999.
    count = int(np.floor(round(len(current) * 1000 / (width_ms * rate_hz), 6)))
    if count == 0:
        return None
    edges = np.floor(np.round(np.arange(count + 1) * (width_ms * rate_hz / 1000), 6)).astype(np.int64)
    if edges[1] == 0 or (np.diff(edges) == 0).any():
        raise BadInput(f"has {rate_hz:g} samples per second, too few for bins of {width_ms} ms")
    sums = np.add.reduceat(current[: edges[-1]].astype(np.float64), edges[:-1])
    inside = spikes[(spikes >= 0) & (spikes < edges[-1])]
    counts = np.bincount(np.searchsorted(edges, inside, side="right") - 1, minlength=count)
    return (sums / np.diff(edges)).astype(np.float32), counts.astype(np.uint16)


def onset(current: np.ndarray) -> int | None:
    """Return the last sample before a command first changes; None where it never does.

    With a recorded current, which is never still, this means nothing: such data bring their onset.
    """
    changes = np.flatnonzero(current[1:] != current[:-1])
    return int(changes[0]) if len(changes) else None


def highest_rate(spikes_ms: Iterable[np.ndarray]) -> float:
    """Return one over the shortest interval between two spikes of any sweep, spikes/ms; NaN where there is none.

    As published: one wrong pair of spikes sets it.

    Args:
        spikes_ms: of each sweep, ascending, ms.
    """
    intervals = _intervals(spikes_ms)
    return float(1.0 / intervals.min()) if len(intervals) else float("nan")


def robust_rate(spikes_ms: Iterable[np.ndarray]) -> float:
    """Return one over the median of the shortest intervals between spikes, spikes/ms.

    The shortest 5 % are taken, three at least, those below 1 ms apart; without any interval it is the usual rate.

    Args:
        spikes_ms: of each sweep, ascending, ms.
    """
    intervals = _intervals(spikes_ms)
    intervals = np.sort(intervals[intervals >= LEAST_MS])
    if not len(intervals):
        return USUAL_GAMMA
    return float(1.0 / np.median(intervals[: max(FEWEST, int(np.ceil(SHORTEST * len(intervals))))]))


def robust_rate_of_counts(counts: Sequence[np.ndarray], width_ms: int, gamma: float) -> float:
    """Return the rate of one spike more than the fullest bin has, spikes/ms, or gamma where that is lower.

    Args:
        counts: of each sweep, where intervals are not known.
        width_ms: of a bin.
        gamma: over all sweeps; NaN where unknown.
    """
    most = max((int(one.max()) for one in counts if len(one)), default=0)
    if most == 0:
        return USUAL_GAMMA if np.isnan(gamma) else min(gamma, USUAL_GAMMA)
    return float(np.fmin(gamma, (most + 1) / width_ms))


def _intervals(spikes_ms: Iterable[np.ndarray]) -> np.ndarray:
    found = list(itertools.chain.from_iterable(np.diff(one).tolist() for one in spikes_ms))
    return np.array([one for one in found if one > 0], dtype=np.float64)
