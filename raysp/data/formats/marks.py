"""Values of behaviour that look like marks of what is missing: -1, -999 or the least of a type, far from all others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from raysp.data.formats.plausibility import Doubt

FEWEST, FAR, INNER = 5, 10.0, (1.0, 99.0)
"""Samples with one value, from which on it is a mark if it lies so many times as far from the others as these, between
their percentiles, lie apart. A sensor at its end stops within the range of others, or just beside it."""


def noted(values: np.ndarray, names: Sequence[str]) -> tuple[str, ...]:
    """Return a note on each variable with a value that looks like a mark.

    Args:
        values: (..., variables), NaN where unknown.
        names: of the variables; empty for none.
    """
    each = values.reshape(-1, values.shape[-1]).T
    called = names if len(names) == len(each) else list(map(str, range(len(each))))
    return tuple(note for name, one in zip(called, each, strict=True) for note in _of(one, name))


def of_counts(counts: np.ndarray) -> tuple[Doubt, ...]:
    """Return the doubt that the largest number of a small type stands in counts, far from all others.

    Args:
        counts: as they were stored.
    """
    if (mark := _mark(counts)) is None:
        return ()
    rest = counts[counts != mark]
    count = counts.size - rest.size
    told = f"{count:,} counts are {mark}, the largest that {counts.dtype} holds, and others at most {rest.max()}"
    return (Doubt("rate", f"{told}, as if that marked what is missing: write NaN there, or they count as spikes"),)


def unmarked(counts: np.ndarray) -> np.ndarray:
    """Return counts with NaN where the largest number of a small type seems to mark what is missing."""
    return counts if (mark := _mark(counts)) is None else np.where(counts == mark, np.nan, counts.astype(np.float32))


def _mark(counts: np.ndarray) -> int | None:
    if counts.dtype.kind not in "iu" or counts.dtype.itemsize > 2 or not counts.size:
        return None
    mark = int(np.iinfo(counts.dtype).max)
    rest = counts[counts != mark]
    odd = counts.size - rest.size >= FEWEST and rest.size and FAR * max(int(rest.max()), 1) <= mark
    return mark if odd else None


def _of(values: np.ndarray, name: str) -> Iterator[str]:
    known = values[np.isfinite(values)]
    if len(known) < 2 * FEWEST:
        return
    for mark in (known.min(), known.max()):
        others = known[known != mark]
        count = len(known) - len(others)
        if count < FEWEST or not len(others):
            continue
        low, high = np.percentile(others, INNER)
        away = low - mark if mark < low else mark - high
        if high > low and away > FAR * (high - low):
            told = f"{name} of behaviour is {mark:g} in {count} samples, and mostly {low:.4g} to {high:.4g} in others"
            yield f"{told}: does that mark what is missing? Write NaN there"
