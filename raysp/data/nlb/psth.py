"""Peri-stimulus time histograms of the benchmark: mean smoothed counts by condition.

The benchmark's tools smooth the whole session at 1 ms, sum into bins and average trials. All three steps are linear,
so here the aligned spikes of a condition's trials are first put into one histogram at 1 ms, which is then smoothed and
binned by one banded matrix. Trials whose window holds unobserved milliseconds are done one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from raysp.data.formats import binning
from raysp.data.formats.binning import Spikes

SHORTEST = 0.8


@dataclass(frozen=True)
class Aligned:
    """Trials of all conditions, aligned; bins are counted from the bin at or after each trial's align time.

    Attributes:
        condition: (trials,) index of the trial's condition.
        row: (trials,) row of the trial in the table.
        base: (trials,) bin at or after the align time, bins since the clock's start.
        begin: (trials,) first bin of the trial that counts, relative to `base`.
        end: (trials,) bin after the last that counts, relative to `base`.
        kept: (conditions, 2) first bin and bin after the last of each condition's histogram, relative to `base`.
    """

    condition: np.ndarray
    row: np.ndarray
    base: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    kept: np.ndarray


def align(
    members: list[np.ndarray],
    times_ns: tuple[np.ndarray, np.ndarray, np.ndarray],
    next_start_ns: np.ndarray,
    bin_ms: int,
    bins: int,
    *,
    from_end: bool,
) -> Aligned:
    """Choose the trials and bins of each condition's histogram.

    Trials much shorter than their condition's mean are left out; the shortest of the others sets the length.

    Args:
        members: rows of each condition's trials, none empty.
        times_ns: begin, end and align time of each trial of the table, ns.
        next_start_ns: (trials,) start of the trial that follows, ns.
        bin_ms: width of a bin, ms.
        bins: longest histogram; longer ones lose their beginning or end.
        from_end: bins are kept at the end rather than at the beginning.
    """
    parts, kept = [], []
    for index, rows in enumerate(members):
        begin_ns, end_ns, align_ns = (times[rows] for times in times_ns)
        window = binning.windows(begin_ns, binning.until_next(begin_ns, end_ns, next_start_ns[rows]), bin_ms)
        good = (window.count >= SHORTEST * window.count[window.count > 0].mean()) & (window.count > 0)
        base = -(-align_ns.astype(np.int64) // (bin_ms * binning.NS_PER_MS))[good]
        begin = window.first[good] - base
        end = begin + window.count[good]
        length = min(window.count[good].min(), bins)
        low, high = (end.max() - length, end.max()) if from_end else (begin.min(), begin.min() + length)
        kept.append((low, high))
        parts.append((np.full(len(base), index), rows[good], base, np.maximum(begin, low), np.minimum(end, high)))
    condition, row, base, begin, end = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Aligned(condition, row, base, begin, end, np.array(kept))


def psth(spikes: Spikes, trials: Aligned, bin_ms: int, bins: int, sigma_ms: int, *, from_end: bool) -> np.ndarray:
    """Return each condition's mean smoothed counts.

    Args:
        spikes: the units' spikes.
        trials: from `align`.
        bin_ms: width of a bin, ms.
        bins: of the result.
        sigma_ms: standard deviation of the Gaussian kernel, ms; it is cut at three of them.
        from_end: histograms end at the last bin, NaN in front; else they begin at the first, NaN behind.

    Returns:
        (conditions, bins, units) expected spikes per bin; NaN where no trial has data.
    """
    taps = scipy.signal.windows.gaussian(int(6 * sigma_ms), sigma_ms, sym=True)
    kernel = _Kernel(taps / taps.sum(), int(trials.kept[:, 0].min()), int(trials.kept[:, 1].max()), bin_ms)
    whole, edges = _whole(spikes.observed, trials, bin_ms)
    total, counted = _of_whole_trials(spikes, trials, kernel, whole, edges)
    for one in np.flatnonzero(~whole):
        smoothed = kernel.smooth_one(spikes, int(trials.base[one]), int(trials.begin[one]), int(trials.end[one]))
        there = ~np.isnan(smoothed[:, 0])
        total[trials.condition[one], there] += smoothed[there]
        counted[trials.condition[one]] += there
    with np.errstate(invalid="ignore"):
        mean = total / np.where(counted, counted, np.nan)[:, :, None]
    return _placed(mean, trials.kept - kernel.first, bins, from_end=from_end)


class _Kernel:
    """Smoothing at 1 ms and binning in one: rows are bins first to last, columns milliseconds around them."""

    def __init__(self, taps: np.ndarray, first: int, last: int, bin_ms: int) -> None:
        self.taps, self.first, self.bins, self.bin_ms = taps, first, last - first, bin_ms
        # "same" convolution of an even kernel: output t takes input from t - size // 2 to t + (size - 1) // 2.
        self.before, self.after = len(taps) // 2, (len(taps) - 1) // 2
        self.begin_ms = first * bin_ms - self.before
        self.end_ms = last * bin_ms + self.after
        below = np.concatenate([[0.0], np.cumsum(taps)])
        bin_start = (first + np.arange(self.bins)) * bin_ms
        ms = np.arange(self.begin_ms, self.end_ms)
        place = bin_start[:, None] + self.after - ms[None, :]
        size = len(taps)
        self.matrix = below[np.clip(place + bin_ms, 0, size)] - below[np.clip(place, 0, size)]

    def smooth_one(self, spikes: Spikes, base: int, begin: int, end: int) -> np.ndarray:
        """Return one trial's smoothed counts, (bins, units), each observed stretch by itself."""
        low, high = (base + begin) * self.bin_ms, (base + end) * self.bin_ms
        span = np.arange(low - self.before, high + self.after)
        inside = (span >= 0) & (span < len(spikes.observed))
        observed = inside & spikes.observed[np.where(inside, span, 0)]
        counts = binning.counts(spikes, np.array([span[0]]), len(span), 1, dtype=np.float64)[0]
        smooth = np.full((high - low, len(spikes)), np.nan)
        for stretch in _runs(observed):
            alone = np.zeros_like(counts)
            alone[stretch] = counts[stretch]
            full = scipy.signal.fftconvolve(alone, self.taps[:, None], axes=0)[self.before + self.after :][: high - low]
            here = np.zeros(len(span), dtype=bool)
            here[stretch] = True
            here = here[self.before : self.before + high - low]
            smooth[here] = full[here]
        binned = np.nan_to_num(smooth).reshape(end - begin, self.bin_ms, -1).sum(axis=1)
        binned[np.isnan(smooth[:: self.bin_ms, 0])] = np.nan
        result = np.full((self.bins, len(spikes)), np.nan)
        result[begin - self.first : end - self.first] = binned
        return result


def _runs(mask: np.ndarray) -> list[slice]:
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    return [slice(begin, end) for begin, end in edges.reshape(-1, 2)]


def _whole(observed: np.ndarray, trials: Aligned, bin_ms: int) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Tell which trials lie in one observed stretch, and where (ms) that stretch begins and ends."""
    runs = _runs(observed)
    starts = np.array([run.start for run in runs])
    ends = np.array([run.stop for run in runs])
    begin_ms, end_ms = (trials.base + trials.begin) * bin_ms, (trials.base + trials.end) * bin_ms
    run = np.maximum(np.searchsorted(starts, begin_ms, side="right") - 1, 0)
    return (begin_ms >= starts[run]) & (end_ms <= ends[run]), (starts[run], ends[run])


def _of_whole_trials(
    spikes: Spikes, trials: Aligned, kernel: _Kernel, whole: np.ndarray, edges: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return (conditions, bins, units) sums over trials, and (conditions, bins) numbers of trials summed."""
    conditions = len(trials.kept)
    total = np.zeros((conditions, kernel.bins, len(spikes)))
    counted = np.zeros((conditions, kernel.bins), dtype=np.int64)
    if not whole.any():
        return total, counted
    kinds = np.column_stack([trials.condition, trials.begin, trials.end])[whole]
    kinds, kind, size = np.unique(kinds, axis=0, return_inverse=True, return_counts=True)
    column = np.arange(kernel.bins) + kernel.first
    valid = (column >= kinds[:, 1:2]) & (column < kinds[:, 2:3])
    np.add.at(counted, kinds[:, 0], valid * size[:, None])
    zero = trials.base[whole] * kernel.bin_ms + kernel.begin_ms
    span = kernel.end_ms - kernel.begin_ms
    begin = np.maximum(zero, edges[0][whole])
    end = np.minimum(zero + span, edges[1][whole])
    offset = kind.reshape(-1) * span - zero
    for unit in range(len(spikes)):
        trial, ms = binning.in_windows(spikes.of(unit), begin, end)
        histogram = np.bincount(ms + offset[trial], minlength=len(kinds) * span).reshape(len(kinds), span)
        np.add.at(total[:, :, unit], kinds[:, 0], (histogram @ kernel.matrix.T) * valid)
    return total, counted


def _placed(mean: np.ndarray, kept: np.ndarray, bins: int, *, from_end: bool) -> np.ndarray:
    result = np.full((len(mean), bins, mean.shape[2]), np.nan)
    for condition, (low, high) in enumerate(kept):
        place = slice(bins - (high - low), bins) if from_end else slice(0, high - low)
        result[condition, place] = mean[condition, low:high]
    return result
