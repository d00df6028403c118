"""Whether counts tell which of their axes are trials, bins and units, or whether a guess of these is only a guess.

Three things tell: trials of unequal length end in silence (or NaN) at places of their own; neighbours are alike along
time; units differ, and their courses do, more than trials do.
"""

from __future__ import annotations

import numpy as np

from raysp.data.formats.axis_order import DIFFERENT, EXTREME, ORDERED, UNORDERED, grouped, likeness

CHANCE, LEAST = 1e-6, 3
"""No chance leaves the end of so many trials empty; bins of it at least."""
SHARE, FEWEST = 0.3, 4
"""Trials, as a share and a number at least, that end so, and places of such ends."""
CLEAR = 5.0
"""Standard deviations of chance from which on courses along time differ from each other."""


def by_ends(counts: np.ndarray) -> tuple[int, int, int] | None:
    """Return which axes are trials, bins and units where trials end in silence at places of their own; else None.

    Args:
        counts: of three axes, NaN where nothing was counted.
    """
    told = _missing_apart if np.isnan(counts).any() else _end_apart
    found = [(trials, bins, 3 - trials - bins) for trials in range(3) for bins in range(3)
             if trials != bins and told(counts, trials, bins)]  # fmt: skip
    return found[0] if len(found) == 1 else None


def _missing_apart(counts: np.ndarray, trials: int, bins: int) -> bool:
    """Tell whether what is missing are ends of trials, the same for all units."""
    missing = np.moveaxis(np.isnan(counts), (trials, bins), (0, 1))
    first = missing[:, :, 0]
    ends = (np.diff(first.astype(int), axis=1) >= 0).all() and len(np.unique(first.sum(axis=1))) > 1
    return bool(ends and (missing == first[:, :, None]).all())


def _end_apart(counts: np.ndarray, trials: int, bins: int) -> bool:
    together = np.moveaxis(counts, (trials, bins), (0, 1)).sum(axis=2) > 0
    length = together.shape[1]
    last = np.where(together.any(axis=1), length - together[:, ::-1].argmax(axis=1), 0)
    before = np.arange(length) < last[:, None]
    if not before.any():
        return False
    empty = max(float((before & ~together).sum() / before.sum()), 1.0 / before.sum())
    if empty >= 1:
        return False
    odd = (length - last > max(LEAST, np.log(CHANCE) / np.log(empty))) & (last > 0)
    return int(odd.sum()) >= max(FEWEST, SHARE * len(together)) and len(np.unique(last[odd])) >= FEWEST


def by_courses(counts: np.ndarray, trials: int | None = None) -> tuple[int, int, int] | None:
    """Return which axes are trials, bins and units where one alone is in an order, and another alone differs; or None.

    Args:
        counts: of three axes.
        trials: an axis that is known to be the trials'.
    """
    together = grouped(counts).astype(np.float64)
    rest = [axis for axis in range(3) if axis != trials]
    order = {axis: likeness(together, axis) for axis in rest}
    ordered = [axis for axis in rest if order[axis] >= UNORDERED]
    if len(ordered) != 1 or order[ordered[0]] < ORDERED:
        return None
    (bins,) = ordered
    if trials is not None:
        return trials, bins, next(axis for axis in rest if axis != bins)
    first, second = (axis for axis in rest if axis != bins)
    differs, course = _differences(together, bins)
    for units, others in ((first, second), (second, first)):
        by_rate = differs[units] >= EXTREME * max(differs[others], DIFFERENT)
        by_course = course[units] >= EXTREME * max(course[others], CLEAR)
        against = differs[others] >= EXTREME * max(differs[units], DIFFERENT) or course[others] >= EXTREME * max(
            course[units], CLEAR
        )
        if (by_rate or by_course) and not against:
            return others, bins, units
    return None


def _differences(counts: np.ndarray, bins: int) -> tuple[dict[int, float], dict[int, float]]:
    """Return how much means along each other axis vary, and how clearly their courses along time differ.

    The first are coefficients of variation, the second standard deviations of what chance makes, as an analysis of
    variance without repeats has it: what no two axes together explain is chance.
    """
    mean = counts.mean()
    others = [axis for axis in range(3) if axis != bins]
    means = {
        axes: counts.mean(axis=tuple(axis for axis in range(3) if axis not in axes), keepdims=True)
        for axes in ((bins,), (others[0],), (others[1],), (bins, others[0]), (bins, others[1]), tuple(others))
    }
    left = counts - sum(one for axes, one in means.items() if len(axes) == 2)
    left += sum(one for axes, one in means.items() if len(axes) == 1) - mean
    free = np.prod([size - 1 for size in counts.shape])
    chance = max(float((left**2).sum() / max(free, 1)), 1e-12)
    differs, course = {}, {}
    for axis in others:
        each = counts.size / counts.shape[axis]
        spread = each * ((means[(axis,)] - mean) ** 2).sum() / max(counts.shape[axis] - 1, 1)
        differs[axis] = float(np.sqrt(max(spread - chance, 0.0) / each) / max(mean, 1e-12))
        both = means[(bins, axis)] - means[(bins,)] - means[(axis,)] + mean
        pairs = max((counts.shape[axis] - 1) * (counts.shape[bins] - 1), 1)
        ratio = (both**2).sum() * counts.size / (counts.shape[axis] * counts.shape[bins]) / pairs / chance
        course[axis] = float((ratio - 1) * np.sqrt(pairs / 2))
    return differs, course
