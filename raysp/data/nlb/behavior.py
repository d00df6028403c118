"""Behaviour at 1 kHz to bins, in the trials' windows only: interpolated, low-pass filtered, decimated.

The arithmetic is that of the benchmark's tools, which do it for the whole session: gaps are bridged linearly, the
signal passes a zero-phase FIR low-pass of order 500 (`scipy.signal.decimate`), every so-many-th sample is kept, and
bins whose first millisecond had no sample become NaN again. The filter reaches 250 ms to each side, so a stretch that
much longer than the window gives the same numbers.
"""

from __future__ import annotations

import numpy as np
import scipy

from raysp.data.formats import binning
from raysp.data.formats.nwb_series import Series
from raysp.errors import BadInput

ORDER = 500
MARGIN_MS = 260


def resample(
    series: Series, begin_ns: np.ndarray, bins: int, bin_ms: int, length_ms: int, lead_ms: int = 0
) -> np.ndarray:
    """Return the signal in one window per trial.

    Args:
        series: samples on the 1-ms clock; gaps allowed.
        begin_ns: (trials,) begin of each window, ns; NaN for trials without one.
        bins: length of the windows.
        bin_ms: width of a bin, ms; divides 260.
        length_ms: of the session's clock.
        lead_ms: length of the clock before the session, where the signal is held at its first value.

    Returns:
        (trials, bins, channels) in the series' unit; NaN where there is no sample.

    Raises:
        BadInput: a sample is off the 1-ms clock or outside the session.
    """
    ms = _on_clock(series, length_ms)
    absent = np.isnan(begin_ns)
    first = binning.windows(np.where(absent, 0.0, begin_ns), np.where(absent, 0.0, begin_ns), bin_ms).first
    result = np.empty((len(first), bins, series.values.shape[1]))
    taps = scipy.signal.firwin(ORDER + 1, 1.0 / bin_ms, window="hamming")
    # The benchmark's tools order channels by name.
    for index, channel in enumerate(np.argsort(series.channels, kind="stable")):
        values = series.values[:, channel].astype(np.float64)
        there = ~np.isnan(values)
        known = (ms, values) if there.all() else (ms[there], values[there])
        result[:, :, index] = _one(*known, first, bins, bin_ms, (-lead_ms, length_ms), taps)
    result[absent] = np.nan
    return result


def _one(
    ms: np.ndarray,
    values: np.ndarray,
    first: np.ndarray,
    bins: int,
    bin_ms: int,
    clock: tuple[int, int],
    taps: np.ndarray,
) -> np.ndarray:
    if len(ms) == 0:
        return np.full((len(first), bins), np.nan)
    wanted = (first * bin_ms - MARGIN_MS)[:, None] + np.arange(bins * bin_ms + 2 * MARGIN_MS)
    stretch = np.interp(wanted, ms, values)
    stretch[(wanted < clock[0]) | (wanted >= clock[1])] = 0.0
    skipped = MARGIN_MS // bin_ms
    decimated = scipy.signal.resample_poly(stretch, 1, bin_ms, axis=1, window=taps)[:, skipped : skipped + bins]
    starts = wanted[:, MARGIN_MS : MARGIN_MS + bins * bin_ms : bin_ms]
    place = np.minimum(np.searchsorted(ms, starts), len(ms) - 1)
    return np.where(ms[place] == starts, decimated, np.nan)


def _on_clock(series: Series, length_ms: int) -> np.ndarray:
    ms = np.rint(series.times * 1000.0)
    off = np.round(series.times, 6) != ms / 1000.0
    if off.any():
        row = int(off.argmax())
        raise BadInput(f"{series.name}: expected samples on the 1-ms clock, got one at {series.times[row]} s")
    if len(ms) and (ms[0] < 0 or ms[-1] >= length_ms):
        raise BadInput(
            f"{series.name}: expected samples inside the observed {length_ms / 1000} s, "
            f"got {series.times[0]} to {series.times[-1]} s"
        )
    return ms
