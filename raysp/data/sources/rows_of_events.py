"""Columns of a table that say what happened rather than who fired, by their names and by the texts in them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping

import numpy as np

from raysp.errors import BadInput
from raysp.io.words import listed

OF_EVENTS = re.compile(r"event|ttl|marker|message|trigger", re.IGNORECASE)
EVENT = re.compile(r"ttl|trial|reward|stim|odou?r|cue|lick|onset|offset|event|timeout", re.IGNORECASE)
SPIKE = re.compile(r"spike|spk|unit|neuron|cell", re.IGNORECASE)
"""Names of columns of events, of events, and of spikes."""
COUNTS = re.compile(r"(spike_?)?counts?|n_?spikes|num_?spikes|spikes", re.IGNORECASE)
RECORDINGS = re.compile(
    r"session(_?(id|name|no))?|recording(_?(id|name))?|animal(_?id)?|subject(_?id)?|mouse(_?id)?|rat(_?id)?|day|date",
    re.IGNORECASE,
)
"""Names of columns that say how many spikes a row has, and which recording it is of."""
FEWEST, EVEN = 3, 0.8
"""Units from which on it is no chance that all have the same times, and steps between these that are one."""
MOST_RECORDINGS = 100
WIDE = "save a column of counts for each unit: table.pivot(index={time!r}, columns={unit!r}, values={count!r})"
"""What to do with a row for each bin and unit."""
MOST = 10
"""Kinds of rows that a column tells apart."""
AS_EVENTS = (
    "looks like events rather than units: give the file of the spikes, and a table with a row a trial as trials; if "
    "these are units, --source spike_tables --set unit=NAME --set time=NAME reads them"
)


def are_events(name: str, values: np.ndarray) -> bool:
    """Tell whether a column is of what happened, by its name or by most of its texts."""
    texts = np.unique(values).tolist() if values.dtype.kind == "U" else []
    bare = name.strip().lower().rpartition("/")[2]
    return bool(OF_EVENTS.search(bare)) or sum(EVENT.search(one) is not None for one in texts) > len(texts) / 2


def mixed(table: Mapping[str, np.ndarray]) -> str | None:
    """Return a line on a column by which some rows are spikes and some events; None where none says so."""
    for name, one in table.items():
        kinds = np.unique(one).tolist() if one.dtype.kind == "U" else []
        events = [kind for kind in kinds if EVENT.search(kind) and not SPIKE.search(kind)]
        if events and len(kinds) <= MOST and any(map(SPIKE.search, kinds)):
            told = f"{name} says which rows are spikes and which are {' or '.join(events[:3])}: save the rows of spikes"
            return f"{told} as a table of their own, and those of trials as another one beside it"
    return None


def asked(names: Iterable[str]) -> list[str]:
    """Return the columns that say whether each row is one spike of one recording."""
    bare = {name: name.strip().rpartition("/")[2] for name in names}
    return [name for name, one in bare.items() if COUNTS.fullmatch(one) or RECORDINGS.fullmatch(one)]


def check(table: Mapping[str, np.ndarray], time: str, unit: str, path: str) -> None:
    """Refuse rows that are counts of bins, or of several recordings whose times overlap.

    Args:
        table: columns of a row each.
        time, unit: names of the columns of times and of units.
        path: of the table.

    Raises:
        BadInput: they are.
    """
    times = table[time]
    if times.dtype == object:
        return
    others = {name: table[name] for name in asked(table) if name not in (time, unit) and len(table[name]) == len(times)}
    for name, one in others.items():
        if COUNTS.fullmatch(name.strip().rpartition("/")[2]):
            whole = one.dtype.kind in "iuf" and not (np.isnan(one) | (one % 1 != 0) | (one < 0)).any()
            rises = (np.diff(one) > 0).all()
            # What is the same in all rows of a unit is how many spikes it has.
            if whole and (one != 1).any() and not rises and not _of_units(one, table[unit]):
                told = f"{path} expected a row for each spike, got {name}, which says how many there are in each"
                raise BadInput(f"{told}: {WIDE.format(time=time, unit=unit, count=name)}")
        elif times.dtype.kind in "iuf" and (told_apart := _overlapping(one, times)).size:
            told = f"{path} expected spikes of one recording, got {name} {listed(told_apart)}, whose times overlap"
            raise BadInput(f"{told}: save a table for each")


def check_alike(times: np.ndarray, offsets: np.ndarray, path: str) -> None:
    """Refuse spikes of which all units have as many, at the same even times: a row a bin and unit. Raises BadInput.

    Args:
        times: (spikes,) of unit after unit.
        offsets: (units + 1,) where each one's begin.
        path: of their file.
    """
    each = np.diff(offsets)
    if len(each) < FEWEST or each[0] < FEWEST or (each != each[0]).any():
        return
    first, *others = (np.sort(times[begin:end]) for begin, end in itertools.pairwise(offsets[: FEWEST + 1]))
    steps = np.round(np.diff(first), 6)
    # Bins follow each other by one step, in all trials.
    even = np.isclose(steps, np.median(steps), rtol=1e-3).mean() > EVEN
    if even and all(np.array_equal(first, other) for other in others):
        told = (
            f"{path} expected a row for each spike, got the same {each[0]} times for all {len(each)} units, as of bins"
        )
        raise BadInput(f"{told}: {WIDE.format(time='time', unit='unit', count='count')}")


def _of_units(values: np.ndarray, units: np.ndarray) -> bool:
    names, first, place = np.unique(units, return_index=True, return_inverse=True)
    return len(names) > 1 and bool((values == values[first][place]).all())


def _overlapping(recordings: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return names of two recordings whose times overlap; of none if none do."""
    names, place = np.unique(recordings, return_inverse=True)
    if not 1 < len(names) <= MOST_RECORDINGS:
        return names[:0]
    first, last = np.full(len(names), np.inf), np.full(len(names), -np.inf)
    np.minimum.at(first, place, times.astype(float))
    np.maximum.at(last, place, times.astype(float))
    order = np.argsort(first, kind="stable")
    back = np.flatnonzero(first[order][1:] < np.maximum.accumulate(last[order])[:-1])
    return names[order[back[0] : back[0] + 2]] if back.size else names[:0]
