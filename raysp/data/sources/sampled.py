"""Some windows of a long recording instead of all: a look takes memory that does not grow with the recording."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

FEWEST, COUNT_BYTES = 100, 4


@dataclass
class _Limit:
    counts: int
    share: float = 1.0


_limit: contextvars.ContextVar[_Limit | None] = contextvars.ContextVar("limit", default=None)


@contextlib.contextmanager
def at_most(counts: int) -> Iterator[None]:
    """Let recordings be cut into windows of so many counts in all, at most, in this block."""
    token = _limit.set(_Limit(counts))
    try:
        yield
    finally:
        _limit.reset(token)


def fewer(windows: int, each: int) -> int:
    """Return how many of so many windows are cut, of so many counts each."""
    limit = _limit.get()
    # Fewer would tell nothing of what drifts.
    return windows if limit is None else min(windows, max(limit.counts // max(each, 1), FEWEST))


def scaled(count: int | None) -> int | None:
    """Return how many of the windows that are cut stand for so many of all; None for None."""
    limit = _limit.get()
    return count if count is None or limit is None else max(min(count, 1), round(count * limit.share))


def some(used: np.ndarray, each: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return which windows are cut, and a note where these are not all that could be.

    Args:
        used: (windows,) which could be.
        each: counts of a window.
    """
    places = np.flatnonzero(used)
    if (count := fewer(len(places), each)) == len(places):
        return used, ()
    if (limit := _limit.get()) is not None:
        limit.share = count / len(places)
    chosen = np.zeros(len(used), dtype=bool)
    chosen[places[np.linspace(0, len(places) - 1, count).round().astype(int)]] = True
    told = f"looked at {count:,} of {len(places):,} windows, evenly spread: a run takes all of them"
    return chosen, (f"{told}, {len(places) * each * COUNT_BYTES / 2**30:.2g} GiB of counts",)
