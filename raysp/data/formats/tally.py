"""Counts summed up unit by unit, some trials at a time: of large recordings, a copy of all counts is too much."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

BLOCK = 1 << 19
"""Counts that are worked on at a time."""


def blocks(counts: np.ndarray) -> Iterator[slice]:
    """Yield the trials of counts (trials, bins, units), so many at a time that `BLOCK` holds, at least one."""
    step = max(1, BLOCK // max(counts[:1].size, 1))
    yield from (slice(first, first + step) for first in range(0, len(counts), step))


def tally(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (units,) bins in which each unit was observed, and (units,) spikes in them.

    Args:
        counts: (trials, bins, units), NaN where unobserved.
    """
    seen, spikes = np.zeros(counts.shape[2], dtype=np.int64), np.zeros(counts.shape[2])
    for some in blocks(counts):
        known = ~np.isnan(counts[some])
        seen += known.sum(axis=(0, 1))
        spikes += np.sum(counts[some], axis=(0, 1), where=known, dtype=np.float64)
    return seen, spikes


def taken(counts: np.ndarray, trials: np.ndarray, bins: slice, units: np.ndarray) -> np.ndarray:
    """Return counts of some trials, bins and units in that order, without a copy of any others.

    Args:
        counts: (trials, bins, units).
        trials, units: indices.
        bins: without a step.
    """
    first, last, _ = bins.indices(counts.shape[1])
    found = np.empty((len(trials), max(last - first, 0), len(units)), dtype=counts.dtype)
    for some in blocks(found):
        found[some] = counts[trials[some], first:last][..., units]
    return found
