"""Cells of MATLAB with spike times: of a trial each, or of a unit each though they lie in a grid, channels by units."""

from __future__ import annotations

import numpy as np

from raysp.data.formats.matlab_values import Struct, Value
from raysp.data.formats.whose import LONGEST_TRIAL_S
from raysp.errors import BadInput, expect
from raysp.io.words import counted

FEW, MOSTLY, SLOWEST_HZ = 20, 0.5, 0.05
"""Spikes of a cell from which on it tells where they lie, the part of the recording in which those of a unit do, and
how often it fires at least."""

FEWEST, DIFFERENT, EXTREME = 4, 0.15, 2.0
"""Cells, and cells in each, from which on their spikes tell what they are; how much units differ, and as a multiple of
trials."""


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


def swapped(cells: np.ndarray) -> tuple[str, ...]:
    """Return the note that cells with a cell for each unit differ from each other as units do, not as trials."""
    if not all(isinstance(one, np.ndarray) and one.dtype == object for one in cells.ravel()):
        return ()
    inner = {one.size for one in cells.ravel()}
    if len(inner) != 1 or min(cells.size, *inner) < FEWEST:
        return ()
    spikes = np.array([[one.size for one in each.ravel()] for each in cells.ravel()], dtype=float)
    outer, within = (_variation(spikes.mean(axis=axis), spikes.mean() / spikes.shape[axis]) for axis in (1, 0))
    if outer < max(DIFFERENT, EXTREME * within):
        return ()
    told = f"the {cells.size} cells, taken for trials, differ as units do, and the {spikes.shape[1]} in each do not"
    return (f"{told}: is there a cell for each unit, with one for each trial in it? Save x{{trial}}{{unit}}",)


def _variation(means: np.ndarray, chance: float) -> float:
    """Return the coefficient of variation of means beyond that of Poisson counts, whose variance is `chance`."""
    return float(np.sqrt(max(means.var() - chance, 0.0)) / max(means.mean(), 1e-12))


def by_trial(found: np.ndarray, trials: int | None, where: str) -> list[list[Value]] | None:
    """Return each trial's spike times, unit by unit; None of cells that are the units of a whole recording.

    Args:
        found: cells.
        trials: how many there are, where that is known.
        where: the beginning of an error's sentence.

    Raises:
        BadInput: trials have no cells, or not as many, or nothing tells which axis is theirs.
    """
    nested = [isinstance(one, np.ndarray) and one.dtype == object for one in found.ravel()]
    if any(nested):
        if not all(nested):
            told = f"{where} expected a cell array of its units in each trial, got none in trial {nested.index(False)}"
            raise BadInput(f"{told}; leave such trials out, or give each a cell for each unit")
        each = [list(one.ravel()) for one in found.ravel()]
        counts = {len(one) for one in each}
        expect(len(counts) == 1, f"{where} expected as many units in each trial, got {min(counts)} to {max(counts)}")
        return each
    if found.ndim != 2 or 1 in found.shape:
        return None
    if trials not in found.shape or found.shape[0] == found.shape[1]:
        told = f"{where} expected a cell array (units, trials), got {found.shape}"
        if trials is None:
            told += "; give trials, the structs of as many trials, so that it is clear which axis is which"
        raise BadInput(f"{told}; save an array of structs, a trial each, with a cell for each unit" if trials else told)
    return [list(row) for row in (found if found.shape[0] == trials else found.T)]
