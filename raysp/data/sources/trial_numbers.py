"""What a recording calls its trials: the column of their table that numbers them, or else their rows, from 0."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

import numpy as np

from raysp.data.formats.nwb import own_numbers

ID = "id"
"""The column of NWB's tables that numbers their rows: from 0 where nobody gave others."""
NAMED = re.compile(r"trials?([ _.-]?(ids?|no|nr|num|nums|numbers?|index|idx))?|ids?", re.IGNORECASE)
"""Names of a column that numbers trials."""
FEWEST = 4
"""Of so many rows and more, whole numbers that go up by one in each are a count, whatever the column is called."""


def numbers_of(
    trials: Mapping[str, np.ndarray], count: int, others: Collection[str | None] = ()
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the recording's own number of each trial, (trials,) int64, and notes on where they are from.

    They are the column `id`, unless that only counts rows; else the first that is called as numbers of trials are;
    else one of whole numbers that go up by one. Columns whose numbers are not whole, or come twice, name no trial.

    Args:
        trials: column -> (trials,) values.
        count: how many trials there are.
        others: columns that mean something else, such as times.
    """
    rows, notes = np.arange(count), tuple[str, ...]()
    if ID in trials:
        found, notes = own_numbers(trials[ID], "trials")
        if not notes and (found != rows).any():
            return found, ()
    rest = {name: one for name, one in trials.items() if name != ID and name not in others and one.shape == (count,)}
    for name, column in rest.items():
        if is_named(name) and column.dtype.kind in "iuf":
            found, doubt = own_numbers(column, "trials")
            if not doubt:
                return found, ()
            notes = notes or tuple(one.replace("trials' id", f"trials' {name}") for one in doubt)
    if ID in trials and not notes:
        return rows, ()
    for name, column in rest.items():
        if count >= FEWEST and column.dtype.kind in "iuf" and (np.diff(column.astype(np.float64)) == 1).all():
            found, doubt = own_numbers(column, "trials")
            if not doubt and (found != rows).any():
                return found, (f"trials have the numbers of the column {name}, which counts them",)
    return rows, notes


def unnumbered(trials: Mapping[str, np.ndarray], others: Collection[str | None] = ()) -> tuple[str, ...]:
    """Return the note on trials that no column numbers; arguments as of `numbers_of`."""
    count = len(next(iter(trials.values()), ()))
    found, notes = numbers_of(trials, count, others)
    told = notes or any(map(is_named, trials)) or (found != np.arange(count)).any()
    return () if told or not count else ("nothing numbers trials: they are numbered from 0",)


def is_named(name: str) -> bool:
    """Tell whether a column is called as numbers of trials are."""
    return NAMED.fullmatch(name.strip().rpartition("/")[2]) is not None
