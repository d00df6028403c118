"""Which columns of whole numbers say whose each spike is: a unit, or a channel and a unit numbered anew on each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

LONGEST_TRIAL_S, MOSTLY = 30.0, 0.5
"""Longer spans of times are a recording's; a share of begins at which times go back."""
OF_UNITS = re.compile(r"[^(\[]*(unit|clu|neuron|cell)[^(\[]*", re.IGNORECASE)
"""Names of columns of units; those of a matrix' columns, "units(:,1)", say nothing."""
NUMBERS_ANEW = re.compile(
    r"(^|[^a-z])(ch|tt)[^a-z]*$|chan|elec|tetrode|shank|probe|array|bank|port|site|area|region|trial|sweep|rep|session|day"
    r"|block|file|rec",
    re.IGNORECASE,
)
"""Names of what units may be numbered anew on, or in."""


@dataclass(frozen=True)
class Whose:
    """Names of columns with a row a spike.

    Attributes:
        unit: whose each spike is.
        channel: where units are numbered anew on each channel, or trial; None where units alone tell.
    """

    unit: str
    channel: str | None = None


def whose(columns: Mapping[str, np.ndarray]) -> Whose:
    """Return what says whose each spike is.

    Of several columns one is enough that tells all others, as units do that are numbered through, whose channel stands
    beside them. Else one that is called as units are is, where no other is called as what they are numbered anew on: a
    spike's quality or template is no unit's. Else no column alone tells units apart: names tell which is the channel,
    or of the first two it is the one that has more values.

    Args:
        columns: name -> (spikes,) whole numbers or names, at least one column.
    """
    different = {name: len(np.unique(one)) for name, one in columns.items()}
    able = [name for name, count in different.items() if count > 1]
    if not able:
        return Whose(next(iter(columns)))
    together = pairs(*(columns[name] for name in able))
    alone = [name for name in able if different[name] == together]
    if alone:
        return Whose(alone[0])
    units = [name for name in able if OF_UNITS.fullmatch(name)]
    if units and not any(NUMBERS_ANEW.search(name) for name in able if name not in units):
        return Whose(units[0])
    anew = [name for name in able if NUMBERS_ANEW.search(name) and name not in units]
    if len(units) == len(anew) == 1:
        return Whose(units[0], anew[0])
    channel, unit = sorted(able[:2], key=lambda name: -different[name])
    return Whose(unit, channel)


def numbered(values: np.ndarray) -> np.ndarray:
    """Return whole numbers that are stored as fractions, as MATLAB and tables with gaps have them, as int64."""
    if values.dtype.kind != "f" or not (np.isfinite(values) & (values % 1 == 0) & (np.abs(values) < 2**53)).all():
        return values
    return values.astype(np.int64)


def pairs(*columns: np.ndarray) -> int:
    """Return how many different rows some columns, (spikes,) each, have together."""
    found = np.zeros(len(columns[0]), dtype=np.int64)
    for one in columns:
        values, place = np.unique(one, return_inverse=True)
        found = np.unique(found * len(values) + place.ravel(), return_inverse=True)[1].ravel()
    return int(found.max(initial=-1)) + 1


def in_trials(times: np.ndarray, row: np.ndarray, span_s: float) -> bool:
    """Tell whether times begin anew in each trial, rather than on each channel.

    Both begin anew where a file has one after the other; what tells is that recordings last longer than trials.

    Args:
        times: (spikes,) in the order of the file.
        row: (spikes,) number of the trial, or channel, of each.
        span_s: from the first to the last time.
    """
    ends = np.flatnonzero(np.diff(row) != 0)
    one_by_one = len(ends) == len(np.unique(row)) - 1 > 0
    return one_by_one and span_s < LONGEST_TRIAL_S and bool((times[ends + 1] < times[ends]).mean() > MOSTLY)
