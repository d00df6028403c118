"""Axes of arrays of counts by themselves: on which neighbours are alike, as in time, and which differ, as units do."""

from __future__ import annotations

import numpy as np

ORDERED, UNORDERED = 5.0, 3.0
"""Standard deviations by which neighbours on an axis are more alike than in a random order: at least `ORDERED` on one
of time (measured: 6 to 50), less than `UNORDERED` on one of units (measured: at most 2.4, or 7 where a generator
sorts them)."""

ALIKE_ALONE = 12.0
"""The same of what is left of courses that differ from trial to trial, where neighbours on both axes are alike: at
least so much on one of time (measured: 10 to 27), of repeats of a movie at most 8.4."""

DIFFERENT, EXTREME = 0.1, 2.0
"""Coefficient of variation, beyond chance, of the totals along an axis of units: at least `DIFFERENT` (measured: 0.15
to 0.9), and `EXTREME` times that of another axis."""

CAP = 200
"""Positions of an axis, or groups of neighbours, of which all pairs are compared; trials whose bins are compared."""


def grouped(counts: np.ndarray) -> np.ndarray:
    """Return counts of three axes, those longer than `CAP` in groups of neighbours, added up."""
    for axis, size in enumerate(counts.shape):
        if size > CAP:
            counts = np.add.reduceat(counts, np.arange(0, size, -(-size // CAP)), axis=axis)
    return counts


def is_time(counts: np.ndarray, *, orderless: bool) -> bool:
    """Tell whether the first axis of counts, on which neighbours are alike, is time rather than trials that drift.

    What a time course and a drift make of each axis by itself is taken away: what is left of a course that differs
    from trial to trial is alike along time alone. `orderless`: neighbours on the second axis are not alike.
    """
    by_itself = counts.mean(axis=1, keepdims=True) + counts.mean(axis=0, keepdims=True)
    rest = counts - by_itself + counts.mean(axis=(0, 1), keepdims=True)
    first, second = likeness(rest, 0), likeness(rest, 1)
    if orderless:
        return not (first < UNORDERED and second >= ORDERED)
    return first >= ALIKE_ALONE and second < UNORDERED


def likely_axes(counts: np.ndarray, trials: int | None = None) -> tuple[int, int, int]:
    """Return which axes of an array of counts are most likely trials, bins and units.

    Args:
        counts: of three axes in any order.
        trials: an axis that is known to be the trials'.
    """
    together = grouped(counts)
    rest = [axis for axis in range(3) if axis != trials]
    order = {axis: likeness(together, axis) for axis in rest}
    ordered = [axis for axis in rest if order[axis] >= ORDERED]
    if likely_units := [axis for axis in rest if order[axis] < UNORDERED and variation(counts, axis) >= DIFFERENT]:
        # Where units change about as much from trial to trial, too, trials lie before bins, as in most files.
        ordered = [axis for axis in ordered if axis not in likely_units]
        ordered = [axis for axis in ordered if 2 * order[axis] >= max(order[one] for one in ordered)]
        if len(ordered) == 2 and is_time(np.moveaxis(together, ordered, (0, 1)), orderless=False):
            ordered = ordered[:1]
        ordered = ordered[-1:]
    time = max(ordered, key=order.__getitem__) if ordered else max(rest, key=counts.shape.__getitem__)
    rest.remove(time)
    units = max([axis for axis in likely_units if axis in rest] or rest, key=lambda axis: variation(together, axis))
    return trials if trials is not None else next(one for one in rest if one != units), time, units


def ordered_axes(counts: np.ndarray) -> list[int]:
    """Return the axes of counts on which neighbours are alike, as on one of time; of trials where units drift."""
    return [axis for axis, size in enumerate(counts.shape) if likeness(np.add.reduceat(
            counts, np.arange(0, size, -(-size // CAP)), axis=axis), axis) >= ORDERED]  # fmt: skip


def variation(counts: np.ndarray, axis: int) -> float:
    """Return the coefficient of variation of an axis' totals beyond that of Poisson counts; 0 if chance makes it."""
    totals = counts.sum(axis=tuple(other for other in range(3) if other != axis), dtype=np.float64)
    mean, spread = totals.mean(), totals.var()
    if len(totals) < 2 or mean == 0 or spread < mean * (1 + 5 * np.sqrt(2 / (len(totals) - 1))):
        return 0.0
    return float(np.sqrt(spread - mean) / mean)


def likeness(counts: np.ndarray, axis: int) -> float:
    """Return by how many standard deviations neighbours on an axis are more alike than they are in a random order."""
    slices = np.moveaxis(counts, axis, 0).reshape(counts.shape[axis], -1).astype(np.float32)
    slices = slices - slices.mean(axis=0)
    count, alike = len(slices), slices @ slices.T
    if count < 4:
        return 0.0
    apart = np.subtract.outer(np.arange(count), np.arange(count))
    # Refractory units do not fire in two short bins in a row, so bins further apart are looked at, too.
    nearness = [apart == 1] + ([(apart >= 2) & (apart <= count // 8)] if count >= 16 else [])
    return max(_beyond_chance(alike, *np.nonzero(near)) for near in nearness)


def _beyond_chance(alike: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> float:
    rng = np.random.default_rng(0)
    shuffled = [rng.permutation(len(alike)) for _ in range(100)]
    chance = np.array([alike[order[rows], order[columns]].mean() for order in shuffled])
    return float((alike[rows, columns].mean() - chance.mean()) / max(chance.std(), 1e-12))
