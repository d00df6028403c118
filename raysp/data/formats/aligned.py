"""Spikes and signals in windows around events: exact on a clock as fine as is asked for, windows begin at the event.

A time belongs to tick floor(round(t / tick, 6)): with ticks of 1 ms that is the Neural Latents Benchmark's rule, and a
spike on a bin's edge belongs to the bin that begins there. Unlike the benchmark's windows these are not moved to
multiples of the bin width since the session's start.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.interpolate import make_interp_spline

from raysp.data.formats.nwb_series import Series

DIGITS = 15
"""Decimal digits that every float64 keeps."""


def to_ticks(times_s: np.ndarray, clock_ms: float) -> np.ndarray:
    """Return the tick in which each time (s) lies, int64; ticks are `clock_ms` long."""
    return np.floor(in_ticks(times_s, clock_ms)).astype(np.int64)


def in_ticks(times_s: np.ndarray, clock_ms: float) -> np.ndarray:
    """Return times (s) in ticks of `clock_ms`, fractions kept: rounded by what binary fractions did to them alone."""
    # Rounding takes back what binary fractions did to times such as 0.005; it moves nothing by more than a millionth of
    # a tick. Of numbers beyond a hundred million ticks, seconds since 1970 say, fewer digits are exact.
    ticks = np.asarray(times_s, dtype=np.float64) * (1000.0 / clock_ms)
    known = np.abs(ticks[np.isfinite(ticks)])
    digits = DIGITS - math.ceil(math.log10(max(float(known.max(initial=1.0)), 1.0)))
    return np.round(ticks, min(6, max(digits, 0)))


def observed(intervals_s: np.ndarray, begin: np.ndarray, bins: int, step: int, clock_ms: float) -> np.ndarray:
    """Tell which bins lie wholly inside the stretches in which a unit was observed.

    Args:
        intervals_s: (intervals, 2) begin and end, s, in any order; they may touch or overlap.
        begin: (trials,) first tick of each window.
        bins: of each window.
        step: ticks per bin.
        clock_ms: length of a tick, ms.

    Returns:
        (trials, bins) booleans.
    """
    if len(intervals_s) == 0:
        return np.zeros((len(begin), bins), dtype=bool)
    bounds = in_ticks(intervals_s, clock_ms)
    bounds = bounds[np.argsort(bounds[:, 0], kind="stable")]
    last = np.maximum.accumulate(np.floor(bounds[:, 1]))
    first = np.maximum(np.ceil(bounds[:, 0]), np.concatenate([[-np.inf], last[:-1]]))
    length = np.maximum(last - first, 0)
    covered = np.concatenate([[0], np.cumsum(length)])
    edges = begin[:, None] + step * np.arange(bins + 1)
    place = np.searchsorted(first, edges, side="right") - 1
    inside = np.clip(edges - first[place], 0, length[place])
    until = np.where(place < 0, 0, covered[place] + inside)
    return np.diff(until, axis=1) == step


def bin_means(series: Series, begin_s: np.ndarray, bins: int, bin_ms: float) -> np.ndarray:
    """Return a signal's mean over each bin, the signal taken as straight lines between its samples.

    That is exact for signals sampled faster than the bins and for slower ones alike. A bin is NaN where the signal is
    missing: outside its samples, and in gaps longer than two sampling intervals and one bin.

    Args:
        series: the signal; NaN samples count as missing in all channels.
        begin_s: (trials,) begin of each window, s.
        bins: of each window.
        bin_ms: width of a bin, ms.

    Returns:
        (trials, bins, channels) in the series' unit.
    """
    there = np.isfinite(series.values).all(axis=1)
    times, values = series.times[there], series.values[there].astype(np.float64)
    edges = begin_s[:, None] + np.arange(bins + 1) * (bin_ms / 1000.0)
    if len(times) < 2:
        return np.full((len(begin_s), bins, values.shape[1]), np.nan)
    sample = float(np.median(np.diff(series.times)))
    clipped = np.clip(edges, times[0], times[-1])
    integral = make_interp_spline(times, values, k=1).antiderivative()(clipped)
    width = np.diff(clipped, axis=1)
    # The last sample stands for the interval that follows it, so a bin may reach half its width beyond.
    missing = width < 0.5 * bin_ms / 1000.0
    missing |= _in_gaps(times, max(2.0 * sample, bin_ms / 1000.0), edges)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.diff(integral, axis=1) / width[..., None]
    means[missing] = np.nan
    return means


def _in_gaps(times: np.ndarray, longest_s: float, edges: np.ndarray) -> np.ndarray:
    after = np.flatnonzero(np.diff(times) > longest_s * (1 + 1e-6))
    starts, ends = times[after], times[after + 1]
    low = np.searchsorted(ends, edges[:, :-1] + 1e-9, side="left")
    high = np.searchsorted(starts, edges[:, 1:] - 1e-9, side="right")
    return high > low
