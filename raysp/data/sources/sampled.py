"""Some windows of a long recording instead of all: a look takes memory that does not grow with the recording."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator

import numpy as np

FEWEST, COUNT_BYTES = 100, 4

_most: contextvars.ContextVar[int | None] = contextvars.ContextVar("most", default=None)


@contextlib.contextmanager
def at_most(counts: int) -> Iterator[None]:
    """Let recordings be cut into windows of so many counts in all, at most, in this block."""
    token = _most.set(counts)
    try:
        yield
    finally:
        _most.reset(token)


def fewer(windows: int, each: int) -> int:
    """Return how many of so many windows are cut, of so many counts each."""
    most = _most.get()
    # Fewer would tell nothing of what drifts.
    return windows if most is None else min(windows, max(most // max(each, 1), FEWEST))


def some(used: np.ndarray, each: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return which windows are cut, and a note where these are not all that could be.

    Args:
        used: (windows,) which could be.
        each: counts of a window.
    """
    places = np.flatnonzero(used)
    if (count := fewer(len(places), each)) == len(places):
        return used, ()
    chosen = np.zeros(len(used), dtype=bool)
    chosen[places[np.linspace(0, len(places) - 1, count).round().astype(int)]] = True
    told = f"looked at {count:,} of {len(places):,} windows, evenly spread: a run takes all of them"
    return chosen, (f"{told}, {len(places) * each * COUNT_BYTES / 2**30:.2g} GiB of counts",)
