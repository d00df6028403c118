"""Counts that lie bin after bin, with a vector that says which trial each bin is of, cut into trials."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np

from raysp.data.sources.spike_layouts import OF_TRIALS
from raysp.errors import BadInput, expect


@dataclass(frozen=True)
class Bins:
    """Which bins of a file each trial has.

    Attributes:
        trials: (trials,) numbers or names, in the order of the file.
        rows: (trials,) slices of the file's bins.
        count: bins of the file.
        left: bins of no trial.
    """

    trials: np.ndarray
    rows: tuple[slice, ...]
    count: int
    left: int

    def cut(self, array: np.ndarray, name: str) -> np.ndarray:
        """Return (bins, ...) as (trials, bins, ...), NaN after the ends of shorter trials.

        Raises:
            BadInput: the array has another number of bins.
        """
        told = f"{name} expected a row for each of {self.count} bins, got {array.shape}"
        expect(array.ndim > 0 and len(array) == self.count, told)
        array = array[:, None] if array.ndim == 1 else array
        longest = max(one.stop - one.start for one in self.rows)
        equal = all(one.stop - one.start == longest for one in self.rows)
        if equal:
            return np.stack([array[one] for one in self.rows])
        found = np.full((len(self.rows), longest, *array.shape[1:]), np.nan, dtype=np.float64)
        for trial, one in enumerate(self.rows):
            found[trial, : one.stop - one.start] = array[one]
        return found

    def each(self, column: np.ndarray, name: str) -> np.ndarray:
        """Return a column's value in each trial. Raises BadInput where it changes within one."""
        values = [column[one] for one in self.rows]
        for trial, inside in zip(self.trials.tolist(), values, strict=True):
            if len(np.unique(inside)) > 1:
                raise BadInput(f"{name} expected one value in each trial, got several in trial {trial}")
        return np.array([inside[0] for inside in values])


def of(which: np.ndarray, name: str) -> Bins:
    """Return the bins of each trial.

    Args:
        which: (bins,) number or name of each one's trial; NaN, empty or below 0 for a bin of none.
        name: of that vector, for errors.

    Raises:
        BadInput: there is no trial, or one comes again after another.
    """
    which = which.ravel()
    expect(which.dtype.kind in "iufU", f"{name} expected the number or name of each bin's trial, got {which.dtype}")
    there = which != "" if which.dtype.kind == "U" else which >= 0
    edges = np.flatnonzero(np.append(True, which[1:] != which[:-1]))
    stretches = [slice(int(at), int(end)) for at, end in zip(edges, [*edges[1:], len(which)], strict=True) if there[at]]
    expect(bool(stretches), f"{name} expected trials of bins, got none")
    trials = which[[one.start for one in stretches]]
    if len(np.unique(trials)) < len(trials):
        values, often = np.unique(trials, return_counts=True)
        twice = values[often.argmax()]
        told = f"{name} expected the bins of each trial in one stretch, got trial {twice} in {often.max()}"
        raise BadInput(f"{told}; sort the rows by trial, or put NaN where bins lie between trials")
    return Bins(trials, tuple(stretches), len(which), int(len(which) - there.sum()))


def likely(names: Iterable[str]) -> list[str]:
    """Return the names of vectors that may say which trial a bin is of."""
    return [name for name in names if OF_TRIALS.fullmatch(re.split(r"[./]", name.strip())[-1])]


def is_cut(which: np.ndarray, bins: int) -> bool:
    """Tell whether a vector divides so many bins into trials."""
    if which.shape != (bins,) or which.dtype.kind not in "iufU":
        return False
    try:
        found = of(which, "")
    except BadInput:
        return False
    return 1 < len(found.trials) <= bins / 2


def unused(names: Collection[str], trials: dict[str, np.ndarray], bins: int) -> tuple[str, ...]:
    """Return a note on a vector that says which trial each bin is of, where windows are cut without it."""
    return tuple(
        f"{name} says which trial each bin is of, and is not used: windows go on from one trial to the next; trial: "
        f"{name}, without window_ms, cuts them there"
        for name in names
        if name in trials and is_cut(trials[name], bins)
    )
