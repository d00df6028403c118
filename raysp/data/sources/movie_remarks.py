"""What is odd about a movie and its spikes, and is said wherever they are prepared, run and reported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from raysp.io.words import counted, listed

LARGE, MORE = 10.0, 30.0
"""Pixels beyond this are hardly shades between 0 and 1; mean squares of repeats beyond so many times those of units are
no chance, and no recording is like that."""


FEW = 10
"""With so few spikes repeats may be equal by chance."""


def remarks(movies: Sequence[np.ndarray], spikes: np.ndarray) -> Iterator[str]:
    """Yield sentences.

    Args:
        movies: (frames, y, x) each.
        spikes: (repeats, frames, units) counts while the first of them was repeated.
    """
    for number, one in enumerate(movies):
        if (one == one[0]).all():
            yield f"movie {number} never changes"
        if (largest := float(abs(one).max())) > LARGE:
            yield f"movie {number} has pixels up to {largest:.4g}; models expect shades from about 0 to 1, or uint8"
    if len(silent := np.flatnonzero(~spikes.any(axis=(0, 1)))):
        yield f"{counted(len(silent), 'unit')} without a spike while the movie was repeated: {listed(silent)}"
    if len(empty := np.flatnonzero(~spikes.any(axis=(1, 2)))):
        yield f"{counted(len(empty), 'repeat')} without a spike of any unit: {listed(empty)}"
    if same := _equal(spikes):
        told = f"{counted(same, 'repeat')} equal to another one, spike by spike: were they recorded, or copied?"
        yield f"{told} Parts that judge are then trained on"
    if _repeats_differ_more(spikes):
        yield "repeats differ more in their spikes than units do; are the axes (repeats, frames, units)?"


def _equal(spikes: np.ndarray) -> int:
    """Return how many repeats, of those with more than a few spikes, are equal to an earlier one."""
    there = [one.tobytes() for one in spikes if one.sum(dtype=np.int64) > FEW]
    return len(there) - len(set(there))


def _repeats_differ_more(spikes: np.ndarray) -> bool:
    """Tell whether spikes vary more over repeats than over units, as where the two were taken for each other."""
    counts = spikes.sum(axis=1, dtype=np.int64)
    repeats, units = counts.shape
    if min(repeats, units) < 4:
        return False
    between_repeats, between_units = counts.mean(axis=1).var(ddof=1) * units, counts.mean(axis=0).var(ddof=1) * repeats
    return bool(between_repeats > MORE * between_units)
