"""Which axes of counts are trials, bins and units where no setting says so, and whether that is known."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from raysp.data.formats import marks
from raysp.data.formats.axis_evidence import by_courses, by_ends
from raysp.data.formats.axis_order import ORDERED, UNORDERED, grouped, likely_axes, likeness, ordered_axes
from raysp.data.formats.plausibility import axes
from raysp.data.sources.population_config import ORDER

LONGER = 20
"""How many times as many bins as units a recording without trials has at least where only that tells which is which."""
UNTOLD = "NOT KNOWN: the counts do not tell the order of their axes"
ALIKE = "NOT KNOWN: neighbours are alike on two axes, of which the last is taken for time"
LOOK = "as they look: time is where neighbours are alike"
ENDS = "as they look: trials end in silence, each at a place of its own"


def guessed(counts: np.ndarray, others: Mapping[str, np.ndarray]) -> tuple[tuple[str, ...], str]:
    """Return what the axes of counts look like, in the array's order, and why; "NOT KNOWN" where they do not tell.

    Args:
        counts: of two or three axes.
        others: arrays of the file beside them.
    """
    counts = marks.unmarked(counts)
    return _without_trials(np.nan_to_num(counts)) if counts.ndim == 2 else _of_trials(counts, others)


def _without_trials(counts: np.ndarray) -> tuple[tuple[str, ...], str]:
    # Few recordings have fewer bins than units.
    bins = 0 if counts.shape[0] >= counts.shape[1] else 1
    found = ORDER[1:] if bins == 0 else ("units", "bins")
    together = grouped(counts[:, None])
    order = [likeness(together, 0), likeness(together, 2)]
    if order[bins] >= ORDERED and order[1 - bins] < UNORDERED:
        return found, LOOK
    if order[1 - bins] >= ORDERED and order[bins] < UNORDERED:
        return found[::-1], "NOT KNOWN: neighbours are alike on the shorter axis, which is taken for time"
    if counts.shape[bins] >= LONGER * counts.shape[1 - bins]:
        return found, "as there are far more bins than units"
    return found, f"{UNTOLD}; bins are taken to be more than units"


def _of_trials(counts: np.ndarray, others: Mapping[str, np.ndarray]) -> tuple[tuple[str, ...], str]:
    lengths = [one.size for one in others.values() if one.size > 1 and one.size == max(one.shape)]
    able = [axis for axis, size in enumerate(counts.shape) if size in lengths and counts.shape.count(size) == 1]
    known = able[0] if len(able) == 1 else None
    if (places := by_ends(counts)) is not None and known in (None, places[0]):
        return _named(places), ENDS
    counts = np.nan_to_num(counts)
    if (places := by_courses(counts, known)) is not None:
        told = LOOK
    else:
        places, told = likely_axes(counts, known), ALIKE if len(ordered_axes(counts)) > 1 else UNTOLD
    # Where an order is only a little likelier than the usual one, the usual one is meant.
    if _named(places) != ORDER and known is None and not any(axes(counts)):
        return ORDER, UNTOLD
    return _named(places), told


def _named(places: tuple[int, int, int]) -> tuple[str, ...]:
    return tuple(ORDER[places.index(axis)] for axis in range(3))
