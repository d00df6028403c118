"""Spike times to counts: the 1-ms clock, windows of trials, and counts of one window at a time.

The clock is the benchmark's: a spike at t seconds lies in millisecond trunc(round(1000 t, 6)), so that a time written
as 0.005 belongs to the millisecond that begins there. Nothing here is ever as long as a session times its units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from raysp.errors import BadInput

BLOCK = 1_000_000
LARGEST_COUNT = 2**24
"""Up to here float32 holds every whole number."""

NS_PER_MS = 1_000_000
NS_PER_US = 1_000


@dataclass(frozen=True)
class Spikes:
    """Spikes of some units on the 1-ms clock, unobserved ones left out.

    Attributes:
        ms: (spikes,) millisecond of each spike, all units one after the other, ascending within a unit.
        offsets: (units + 1,) unit u's spikes are ms[offsets[u]:offsets[u + 1]].
        observed: (milliseconds,) True where the units were observed.
    """

    ms: np.ndarray
    offsets: np.ndarray
    observed: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def of(self, unit: int) -> np.ndarray:
        """Return one unit's spikes, ms."""
        return self.ms[self.offsets[unit] : self.offsets[unit + 1]]


@dataclass(frozen=True)
class Windows:
    """One stretch of bins per trial.

    Attributes:
        first: (trials,) index of the first bin, bins since the clock's start.
        count: (trials,) number of bins.
    """

    first: np.ndarray
    count: np.ndarray

    def __len__(self) -> int:
        return len(self.first)


def _clock_ms(times_s: np.ndarray) -> np.ndarray:
    return np.trunc((times_s * 1000.0).round(6))


def observed_ms(intervals_s: np.ndarray, length: int) -> np.ndarray:
    """Mark the whole milliseconds inside the observed stretches.

    Args:
        intervals_s: (intervals, 2) begin and end, s.
        length: of the clock, ms.

    Returns:
        (length,) booleans.
    """
    mask = np.zeros(length, dtype=bool)
    bounds = (np.asarray(intervals_s, dtype=np.float64) * 1000.0).round(6)
    for begin, end in zip(np.ceil(bounds[:, 0]).astype(int), np.floor(bounds[:, 1]).astype(int), strict=True):
        mask[begin:end] = True
    return mask


def gather(trains_s: Sequence[np.ndarray], observed: np.ndarray) -> Spikes:
    """Put the spike trains (s, ascending) of some units on the clock, without spikes in unobserved milliseconds."""
    kept = []
    for times in trains_s:
        # Only what lies on the clock is made whole numbers: times far outside would wrap around into it.
        ms = _clock_ms(times)
        ms = ms[(ms >= 0) & (ms < len(observed))].astype(np.int32)
        kept.append(ms[observed[ms]])
    offsets = np.concatenate([[0], np.cumsum([len(ms) for ms in kept])]).astype(np.int64)
    return Spikes(np.concatenate(kept) if kept else np.zeros(0, np.int32), offsets, observed)


def nanoseconds(seconds: np.ndarray) -> np.ndarray:
    """Return times as whole nanoseconds, float64 with NaN kept; exact up to 104 days."""
    return np.round(np.asarray(seconds, dtype=np.float64) * 1e9)


def until_next(begin_ns: np.ndarray, end_ns: np.ndarray, next_start_ns: np.ndarray) -> np.ndarray:
    """Return the windows' ends, cut where the window or the trial after the next window's begins.

    Args:
        begin_ns: (trials,) begin of each window, ns.
        end_ns: (trials,) end of each window, ns.
        next_start_ns: (trials,) start of the trial that follows in the table, ns; NaN for none.
    """
    bound = np.append(np.fmin(next_start_ns, begin_ns)[1:], np.inf)
    return np.fmin(end_ns, bound)


def windows(begin_ns: np.ndarray, end_ns: np.ndarray, bin_ms: int) -> Windows:
    """Return the bins k with begin <= k * bin_ms < end, of each trial.

    As in the benchmark's tools the end is taken one microsecond early and then included.
    """
    step = bin_ms * NS_PER_MS
    first = -(-begin_ns.astype(np.int64) // step)
    last = (end_ns.astype(np.int64) - NS_PER_US) // step
    return Windows(first, np.maximum(last - first + 1, 0))


def in_windows(ascending: np.ndarray, begin: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the entries of an ascending list that lie in each window [begin, end); windows may overlap.

    Returns:
        Window of each entry, and the entry; ordered by window, then ascending.
    """
    low = np.searchsorted(ascending, begin)
    counts = np.maximum(np.searchsorted(ascending, end) - low, 0)
    window = np.repeat(np.arange(len(begin)), counts)
    before = np.cumsum(counts) - counts
    return window, ascending[np.arange(len(window)) + (low - before)[window]]


def count(ticks: np.ndarray, begin: np.ndarray, bins: int, step: int) -> np.ndarray:
    """Count one unit's spikes in windows, which may overlap.

    Args:
        ticks: (spikes,) ascending.
        begin: (trials,) first tick of each window.
        bins: of each window.
        step: ticks per bin.

    Returns:
        (trials, bins) spikes per bin, int64.
    """
    trial, tick = in_windows(ticks, begin, begin + bins * step)
    place = trial * bins + (tick - begin[trial]) // step
    return np.bincount(place, minlength=len(begin) * bins).reshape(len(begin), bins)


def counts(
    spikes: Spikes,
    first: np.ndarray,
    bins: int,
    bin_ms: int,
    dtype: type[np.float16 | np.float32 | np.float64] = np.float16,
) -> np.ndarray:
    """Count spikes in windows of equal length.

    A bin is NaN when its first millisecond was not observed; unobserved milliseconds elsewhere in it count as empty.

    Args:
        spikes: the units' spikes.
        first: (trials,) first bin of each window, in bins since the clock's start.
        bins: length of the windows.
        bin_ms: width of a bin, ms.
        dtype: of the result.

    Returns:
        (trials, bins, units) spikes per bin.
    """
    table = np.empty((len(first), bins, len(spikes)), dtype=dtype)
    for unit in range(len(spikes)):
        table[:, :, unit] = count(spikes.of(unit) // bin_ms, first, bins, 1)
    table[~seen(spikes.observed, first, bins, bin_ms)] = np.nan
    return table


def seen(observed: np.ndarray, first: np.ndarray, bins: int, bin_ms: int) -> np.ndarray:
    """Tell which bins began in an observed millisecond; those outside the clock did not.

    Returns:
        (trials, bins) booleans.
    """
    ms = (first[:, None] + np.arange(bins)) * bin_ms
    inside = (ms >= 0) & (ms < len(observed))
    return inside & observed[np.where(inside, ms, 0)]


def check_counts(counts: np.ndarray, where: str, *, whole: bool = True) -> None:
    """Raise BadInput unless counts are >= 0 (NaN marks unobserved bins) and, with `whole`, whole numbers up to 2^24."""
    # Block by block: checking must not need several times the memory of what is checked.
    for block in np.array_split(counts, max(1, counts.size // BLOCK)):
        known = block[~np.isnan(block)]
        lowest, highest = known.min(initial=0).item(), known.max(initial=0).item()
        if lowest < 0:
            raise BadInput(f"{where} expected counts >= 0, got {lowest}")
        if highest == np.inf:
            raise BadInput(f"{where} expected finite counts, got infinity")
        if whole and highest > LARGEST_COUNT:
            told = f"{where} expected counts up to {LARGEST_COUNT:,} (2^24), got {highest}"
            raise BadInput(f"{told}; is this an array of counts?")
        if whole and known.dtype.kind == "f" and (known % 1 != 0).any():
            raise BadInput(f"{where} expected whole spike counts, got fractions; were rates given for counts?")
