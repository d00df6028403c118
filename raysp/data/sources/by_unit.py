"""Spikes in a table's order put unit by unit, without a copy of all of them."""

from __future__ import annotations

import itertools

import numpy as np

BLOCK = 1_000_000
"""Spikes that are put in their places at a time: a table may have very many."""


def distinct(of_unit: np.ndarray) -> np.ndarray:
    """Return the units, ascending, block by block."""
    blocks = range(0, max(len(of_unit), 1), BLOCK)
    return np.unique(np.concatenate([np.unique(of_unit[first : first + BLOCK]) for first in blocks]))


def placed(times: np.ndarray, of_unit: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return spike times unit by unit, ascending, without a copy of more than a block of them.

    Args:
        times: (spikes,) s, in any order.
        of_unit: (spikes,) whose each is.
        known: (units,) ascending; spikes of others are left out.

    Returns:
        The times, (units + 1,) offsets of each unit's, and the units that were left out.
    """
    total, others = np.zeros(len(known), dtype=np.int64), []
    blocks = [slice(first, first + BLOCK) for first in range(0, len(times), BLOCK)]
    for block in blocks:
        row, there = _rows(of_unit[block], known)
        total += np.bincount(row[there], minlength=len(known))
        others.append(np.unique(of_unit[block][~there]))
    offsets = np.concatenate([[0], np.cumsum(total)])
    found, filled = np.empty(offsets[-1]), offsets[:-1].copy()
    for block in blocks:
        row, there = _rows(of_unit[block], known)
        row, some = row[there], times[block][there]
        order = np.argsort(row, kind="stable")
        first = np.searchsorted(row[order], np.arange(len(known) + 1))
        found[filled[row[order]] + np.arange(len(row)) - first[row[order]]] = some[order]
        filled += np.diff(first)
    for begin, end in itertools.pairwise(offsets.tolist()):
        if (np.diff(own := found[begin:end]) < 0).any():
            own.sort()
    return found, offsets, np.unique(np.concatenate(others)) if others else known[:0]


def _rows(of_unit: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    row = np.minimum(np.searchsorted(known, of_unit), len(known) - 1)
    return row, known[row] == of_unit
