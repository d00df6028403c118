"""Cells of MATLAB with spike times: of a trial each, or of a unit each though they lie in a grid, channels by units."""

from __future__ import annotations

import numpy as np

from raysp.data.formats.matlab_values import Struct, Value
from raysp.data.formats.whose import LONGEST_TRIAL_S
from raysp.io.words import counted

FEW, MOSTLY, SLOWEST_HZ = 20, 0.5, 0.05
"""Spikes of a cell from which on it tells where they lie, the part of the recording in which those of a unit do, and
how often it fires at least."""


def vectors(cell: Value) -> list[np.ndarray]:
    """Return the vectors of a cell, of a trial's units or the only one."""
    if isinstance(cell, Struct):
        return []
    inside = cell.ravel() if cell.dtype == object else [cell]
    return [one.ravel() for one in inside if isinstance(one, np.ndarray) and one.size == max(one.shape, default=0)]


def of_recording(cells: np.ndarray, per_second: float) -> bool:
    """Tell whether cells in a grid are units of a whole recording: times in most go on for longer than any trial.

    Args:
        cells: (channels, units) of them.
        per_second: units of their times in a second.
    """
    if cells.ndim != 2 or 1 in cells.shape or not all(isinstance(one, np.ndarray) for one in cells.ravel()):
        return False
    # MATLAB's empty vectors are 0 x 1, too.
    if any(one.dtype == object or (one.size and one.size != max(one.shape)) for one in cells.ravel()):
        return False
    each = [one[np.isfinite(one)] for one in map(np.ravel, cells.ravel()) if one.size > FEW]
    each = [one for one in each if one.size > FEW]
    if len(each) < 2:
        return False
    span = max(float(one.max()) for one in each) - min(float(one.min()) for one in each)
    usual = float(np.median([np.ptp(one) for one in each]))
    rate_hz = float(np.median([one.size / max(np.ptp(one), 1e-12) for one in each])) * per_second
    # Times of short trials in another unit would be those of a recording in which nothing fires.
    return span > LONGEST_TRIAL_S * per_second and usual > MOSTLY * span and rate_hz > SLOWEST_HZ


def filled(cells: np.ndarray) -> tuple[list[np.ndarray], np.ndarray, tuple[str, ...]]:
    """Return the cells of a grid that hold something, the number of each as MATLAB counts them, less 1, and notes."""
    whole = cells.ravel(order="F")
    numbers = np.array([place for place, one in enumerate(whole) if one.size], dtype=np.int64)
    rows, columns = cells.shape
    told = (
        f"{rows} x {columns} cells of spike times of a whole recording: {counted(numbers, 'unit')}, numbered from 0 "
        f"along columns (unit 17 is MATLAB's 18th cell); {len(whole) - len(numbers)} empty ones are no units"
    )
    return [whole[place] for place in numbers], numbers, (told,)
