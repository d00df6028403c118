"""The spike distance of Doran et al. 2024 (ICML): how far each bin of a window is from the nearest spike.

A window starts at bin s, its t = 0, and its array covers bins s - past to s - past + length - 1. Only spikes from t = 0
on count, also in the past bins. The distance is held at a clamp, and is 0.25 in a spike's own bin, the expected offset
between a bin's centre and a spike that lies anywhere in it. Networks are trained on its natural log.

Two tables, the next and the last spike of every bin, are made once; after that a batch of windows of all units is one
gather, on whatever device the tables are.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch

from raysp.config.compiled import njit
from raysp.errors import BadInput

PAST, LENGTH, CLAMP = 32, 128, 198
"""Bins before t = 0, bins in all, and the largest distance, bins: those of Doran et al. at bins of 1.008 ms."""

AT_SPIKE = 0.25

FAR = 2**30
"""Stands for "no spike" in the tables: no recording has as many bins, and sums of it and a bin fit int32."""


def check(past: int, length: int, lookahead: int, clamp: int, where: str) -> None:
    """Check a window's sizes, all in bins.

    Args:
        past: bins of the array before t = 0.
        length: bins of the array.
        lookahead: bins that are known to follow the array.
        clamp: the largest distance.
        where: the beginning of the error's sentence.

    Raises:
        BadInput: no bin from t = 0 on is left; the past bins reach back to where a spike counts as none; or a spike
            nearer than the clamp could lie beyond the look-ahead.
    """
    if not 0 <= past < length:
        raise BadInput(f"{where} expected 0 <= past < length, got past {past} and length {length} bins")
    if clamp < 1 or clamp <= past:
        raise BadInput(f"{where}, clamp expected at least 1 bin, and more than the {past} past bins, got {clamp}")
    if clamp > lookahead:
        raise BadInput(
            f"{where}, clamp expected at most the look-ahead of {lookahead} bins, got {clamp}: distances would depend "
            "on spikes that are not looked at; make the look-ahead longer or the clamp smaller"
        )


def neighbours(spikes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the next and the last spike of each bin.

    Args:
        spikes: (bins, units) integer counts per bin; 1 or more is a spike.

    Returns:
        (bins, units) int32 each: the first spike's bin at or after each bin, `FAR` where there is none; and the last
        spike's bin at or before it, -`FAR` where there is none.

    Raises:
        BadInput: not a table of integers >= 0, or too long for int32.
    """
    spikes = np.asarray(spikes)
    if spikes.ndim != 2 or spikes.dtype.kind not in "bui":
        raise BadInput(f"spikes expected integer counts (bins, units), got {spikes.dtype} of shape {spikes.shape}")
    if spikes.dtype.kind == "i" and spikes.size and spikes.min() < 0:
        raise BadInput(f"spikes expected counts >= 0, got {spikes.min()}")
    if len(spikes) >= FAR:
        raise BadInput(f"spikes expected fewer than {FAR} bins, got {len(spikes)}; cut the recording in parts")
    following, preceding = np.empty(spikes.shape, np.int32), np.empty(spikes.shape, np.int32)
    _sweep(np.ascontiguousarray(spikes > 0), following, preceding)
    return following, preceding


def distances(
    next_table: torch.Tensor, prev_table: torch.Tensor, starts: torch.Tensor, *,
    past: int = PAST, length: int = LENGTH, clamp: int = CLAMP, at_spike: float = AT_SPIKE,
) -> torch.Tensor:  # fmt: skip
    """Return the distances of windows, all units at once.

    The tables know every spike of the recording; with windows that pass `check` the result is what the look-ahead alone
    would give, since it makes the clamp exact.

    Args:
        next_table: (bins, units) int32 of `neighbours`.
        prev_table: likewise.
        starts: (windows,) integers, each window's t = 0, from 0 to bins - (length - past). Not checked: on a GPU that
            would wait for the device.
        past: bins of the array before t = 0; they may lie before the recording's first.
        length: bins of the array.
        clamp: the largest distance, bins.
        at_spike: the distance in a spike's own bin.

    Returns:
        (units, windows, length) float32, contiguous.

    Raises:
        BadInput: shapes that do not fit.
    """
    check(past, length, clamp, clamp, "spike distances")
    if next_table.ndim != 2 or next_table.shape != prev_table.shape or starts.ndim != 1:
        raise BadInput(
            "spike distances expected two tables of one shape (bins, units) and starts (windows,), got "
            f"{tuple(next_table.shape)}, {tuple(prev_table.shape)} and {tuple(starts.shape)}"
        )
    starts = starts.to(device=next_table.device, dtype=torch.int64)[:, None]
    offset = torch.arange(-past, length - past, device=next_table.device)
    # Before t = 0 only spikes from t = 0 on count: those bins read the tables where the window starts.
    row = starts + offset.clamp(min=0)
    bins, first = (starts + offset).int()[..., None], starts.int()[..., None]
    found = next_table[row] - bins
    last = prev_table[row]
    found = torch.where(last >= first, torch.minimum(found, (bins - last).abs()), found)
    found = found.clamp(max=clamp).permute(2, 0, 1).to(torch.float32, memory_format=torch.contiguous_format)
    return found.masked_fill_(found == 0, at_spike)


def log_distances(
    next_table: torch.Tensor, prev_table: torch.Tensor, starts: torch.Tensor, *,
    past: int = PAST, length: int = LENGTH, clamp: int = CLAMP, at_spike: float = AT_SPIKE,
) -> torch.Tensor:  # fmt: skip
    """Return the natural log of `distances`, what networks are trained on: ln 0.25 to ln clamp."""
    found = distances(next_table, prev_table, starts, past=past, length=length, clamp=clamp, at_spike=at_spike)
    return found.log_()


def true_distances(spikes: np.ndarray, starts: np.ndarray, *, past: int, length: int, clamp: int) -> np.ndarray:
    """Return the distances of windows, of which the last may reach beyond the recording: there are no spikes there.

    Args:
        spikes: (bins, cells) integer counts per bin.
        starts: (windows,) each window's t = 0, a bin of the recording.
        past: bins of the array before t = 0.
        length: bins of the array.
        clamp: the largest distance, bins.

    Returns:
        (cells, windows, length) float32.

    Raises:
        BadInput: see `neighbours` and `check`.
    """
    after, before = map(torch.as_tensor, neighbours(np.pad(spikes, ((0, length), (0, 0)))))
    found = distances(after, before, torch.as_tensor(starts), past=past, length=length, clamp=clamp)
    return found.numpy()


def distance_histogram(spikes: np.ndarray, parts: Iterable[tuple[int, int]], clamp: int = CLAMP) -> np.ndarray:
    """Return how many bins lie how far from a spike of the same part, before or after.

    Args:
        spikes: (bins, units) integer counts per bin.
        parts: first bin, and bin after the last, of each part; no part sees the spikes of another.
        clamp: the largest distance, bins.

    Returns:
        (units, clamp + 1) int64: bins at distance 0, 1, ..., and at the clamp or beyond.

    Raises:
        BadInput: no part, or one that is empty or not within the recording; see also `neighbours`.
    """
    spikes, parts = np.asarray(spikes), tuple(parts)
    if clamp < 1:
        raise BadInput(f"clamp expected at least 1 bin, got {clamp}")
    if not parts or any(not 0 <= start < stop <= len(spikes) for start, stop in parts):
        raise BadInput(f"parts expected bins (start, stop) with 0 <= start < stop <= {len(spikes)}, got {parts}")
    counts = np.zeros((spikes.shape[-1], clamp + 1), np.int64)
    for start, stop in parts:
        _count(*neighbours(spikes[start:stop]), counts)
    return counts


def mean_log_distance(
    spikes: np.ndarray, parts: Iterable[tuple[int, int]], clamp: int = CLAMP, at_spike: float = AT_SPIKE
) -> np.ndarray:
    """Return each unit's mean log distance over whole parts, where a network's output is centred at first.

    Here, unlike in a window, the spikes on both sides count, as in Doran et al. 2024.

    Args:
        spikes: (bins, units) integer counts per bin.
        parts: first bin, and bin after the last, of each part, e.g. those for training.
        clamp: the largest distance, bins.
        at_spike: the distance in a spike's own bin.

    Returns:
        (units,) float64, natural log of bins.

    Raises:
        BadInput: see `distance_histogram`.
    """
    counts = distance_histogram(spikes, parts, clamp)
    return counts @ np.log(np.r_[at_spike, 1.0 : clamp + 1]) / counts.sum(axis=1)


@njit()
def _sweep(spikes: np.ndarray, following: np.ndarray, preceding: np.ndarray) -> None:
    bins, units = spikes.shape
    for i in range(bins):
        for unit in range(units):
            before = preceding[i - 1, unit] if i > 0 else np.int32(-FAR)
            preceding[i, unit] = np.int32(i) if spikes[i, unit] else before
    for i in range(bins - 1, -1, -1):
        for unit in range(units):
            after = following[i + 1, unit] if i < bins - 1 else np.int32(FAR)
            following[i, unit] = np.int32(i) if spikes[i, unit] else after


@njit()
def _count(following: np.ndarray, preceding: np.ndarray, counts: np.ndarray) -> None:
    bins, units = following.shape
    clamp = counts.shape[1] - 1
    for i in range(bins):
        for unit in range(units):
            counts[unit, min(following[i, unit] - i, i - preceding[i, unit], clamp)] += 1
