"""Units and trials that say nothing, or what others say: told by the recording's own numbers, never left out."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from raysp.data.formats.plausibility import Doubt, settle
from raysp.data.sources.partition import Rows, Whole
from raysp.io.words import LISTED, listed

FEWEST_SPIKES, CHANCE_BITS = 10, 50.0
"""Spikes, and bits that a unit's counts hold where bins are independent, from which on equal counts are no chance."""

BY_CHANCE = 1e-3
"""Probability that all trials in which a unit fires are evaluation trials, below which the draw is not the reason."""

BUSY = 20
"""Spikes of all units in a typical trial from which on a trial without any is odd."""


def noted(whole: Whole, heldout: np.ndarray, rows: Rows, accept: Sequence[str], where: str) -> Whole:
    """Return the recording with notes on what is odd in it; see `doubts` and `plausibility.settle`."""
    found = settle([*doubts(whole, heldout, rows)], accept, where)
    return dataclasses.replace(whole, notes=whole.notes + found)


def doubts(whole: Whole, heldout: np.ndarray, rows: Rows) -> Iterator[Doubt]:
    """Doubt units with equal counts, or one count throughout, and units and trials without spikes; all are notes.

    Args:
        whole: all trials and units.
        heldout: units to be predicted.
        rows: training trials, and evaluation trials.
    """
    totals = np.stack([np.nansum(trial, axis=0) for trial in whole.counts])
    hidden = np.isin(np.arange(totals.shape[1]), heldout)
    yield from _twins(whole, totals, hidden)
    yield from _constant(whole, totals)
    yield from _silent(whole.units, totals, hidden)
    yield from _untrained(whole.units, totals, rows)
    yield from _empty(whole.ids, totals)


def _twins(whole: Whole, totals: np.ndarray, hidden: np.ndarray) -> Iterator[Doubt]:
    groups = [group for group in _alike(whole.counts, totals) if _bits(whole.counts[:, :, group[0]]) >= CHANCE_BITS]
    if not groups:
        return
    told = ", ".join(f"{listed(whole.units[group])}{_place(hidden[group])}" for group in groups[:LISTED])
    more = f" and {len(groups) - LISTED} more pairs" if len(groups) > LISTED else ""
    same = "hold the same spikes (equal counts in every bin): one of them tells a model what the other does"
    yield Doubt("twins", f"units {told}{more} {same}", False)


def _alike(counts: np.ndarray, totals: np.ndarray) -> list[list[int]]:
    """Return the groups of units whose counts are equal; whole columns are read of those alone that agree in totals."""
    rough: dict[bytes, list[int]] = {}
    for unit in np.flatnonzero(totals.sum(axis=0) >= FEWEST_SPIKES).tolist():
        rough.setdefault(totals[:, unit].tobytes(), []).append(unit)
    found: dict[bytes, list[int]] = {}
    for unit in (unit for group in rough.values() if len(group) > 1 for unit in group):
        found.setdefault(counts[:, :, unit].tobytes(), []).append(unit)
    return [group for group in found.values() if len(group) > 1]


def _bits(counts: np.ndarray) -> float:
    _, number = np.unique(counts[~np.isnan(counts)], return_counts=True)
    return float(-(number * np.log2(number / number.sum())).sum())


def _place(hidden: np.ndarray) -> str:
    if hidden.all() or not hidden.any():
        return ""
    return " (one is hidden, one is shown)" if len(hidden) == 2 else " (some are hidden, some are shown)"


def _constant(whole: Whole, totals: np.ndarray) -> Iterator[Doubt]:
    found = [unit for unit in np.flatnonzero((totals > 0).all(axis=0)) if _one_count(whole.counts[:, :, unit])]
    if found:
        every = "every unit has" if len(found) == totals.shape[1] else _have(len(found), listed(whole.units[found]))
        told = f"{every} one and the same count in every bin of every trial"
        yield Doubt("constant", f"{told}, which no neuron does: nothing can be told from it; are these counts?", False)


def _one_count(counts: np.ndarray) -> bool:
    known = counts[~np.isnan(counts)]
    return len(known) >= FEWEST_SPIKES and bool((known == known[0]).all())


def _silent(units: np.ndarray, totals: np.ndarray, hidden: np.ndarray) -> Iterator[Doubt]:
    never = ~totals.any(axis=0)
    if not never.any():
        return
    places = {"shown": never & ~hidden, "hidden": never & hidden}
    told = " and ".join(f"{listed(units[chosen])} ({place})" for place, chosen in places.items() if chosen.any())
    then = "there is nothing to learn or to predict; min_rate_hz leaves such units out"
    yield Doubt("silent", f"{_have(never.sum(), told)} no spike in any trial: {then}", False)


def _have(count: int, told: str) -> str:
    return f"unit {told} has" if count == 1 else f"units {told} have"


def _untrained(units: np.ndarray, totals: np.ndarray, rows: Rows) -> Iterator[Doubt]:
    train, evaluation = (totals[part] for part in rows)
    share = len(evaluation) / max(len(train) + len(evaluation), 1)
    silent = ~train.any(axis=0) & (share ** (evaluation > 0).sum(axis=0) < BY_CHANCE)
    if silent.any():
        told = f"{_have(silent.sum(), listed(units[silent]))} no spike in any training trial"
        count = evaluation[:, silent].sum()
        yield Doubt("silent", f"{told}, but {count:.0f} in evaluation trials: no model can learn that", False)


def _empty(ids: np.ndarray, totals: np.ndarray) -> Iterator[Doubt]:
    spikes = totals.sum(axis=1)
    silent = spikes == 0
    if silent.any() and not silent.all() and (typical := np.median(spikes[~silent])) >= BUSY:
        told = f"{silent.sum()} of {len(ids)} trials hold no spike of any unit, others about {typical:.0f}"
        yield Doubt("silent", f"{told}: was the recording running in trials {listed(ids[silent])}?", False)
