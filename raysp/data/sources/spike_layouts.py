"""Spikes in other layouts than a column of times and one of units, brought to these two."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from raysp.data.formats import matrix_columns, starred, whose
from raysp.data.formats.matrix_columns import INSIDE
from raysp.data.sources import no_times
from raysp.errors import BadInput
from raysp.io.words import listed

Table = dict[str, np.ndarray]
TIME, UNIT, TRIAL = "time", "unit", "trial"
BEFORE_TRIALS = re.compile(r"(trial|sweep|rep|repeat)s?[-_ /]?$", re.IGNORECASE)
"""What stands before the number of a trial in names of vectors."""
OF_NAMES = re.compile(r"((unit|cluster|neuron|cell)s?_?)?(name|label|id)s?|units|neurons|cells", re.IGNORECASE)
"""Names of a vector of units' names."""
UNSORTED = (0, 255)
CHANNEL_UNITS = 1000
"""A unit's number with its channel's before: channel 12, unit 3 is 12003."""
OF_CHANNELS = {"channel", "chan", "ch", "electrode", "elec", "tetrode", "tt", "shank", "probe", "group", "area",
               "region", "brain_area", "brain_region", "hemisphere", "array"}  # fmt: skip
OF_TRIALS = re.compile(r"trial(_?(id|no|num|number|index|nr))?|trialnum|sweep|rep(eat|etition)?", re.IGNORECASE)
"""Names of a column that says which trial a spike is of."""
FEWEST, SHARED = 2, 2.0
BETWEEN_S = 1.0
"""Trials with times of their own are laid one after the other, so far apart."""


@dataclass(frozen=True)
class Laid:
    """Trials one after the other: (spikes,) times, (trials,) begins, and how far windows reach, s."""

    times: np.ndarray
    begin: np.ndarray
    reach: float


def of_each_unit(table: Mapping[str, np.ndarray], pattern: str, path: str) -> tuple[Table, tuple[str, ...]]:
    """Return vectors that hold a unit's times each as a column of lists, and notes on them and what was not read.

    A unit whose vector is empty has an empty list.

    Args:
        table: names -> vectors; NaN after the last spike, as columns of one table have them.
        pattern: a name with a star, "units/unit_*/spike_times"; units have the numbers in the star's place. Of two
            stars one may stand for a trial's number, "trial_*/unit_*", which is a column then. Units that are only
            counted from 0 have the names that a vector of text says.
        path: of the file, for errors.

    Raises:
        BadInput: no name is meant, or one holds no numbers.
    """
    found, others = starred.fitting(pattern, table)
    if not found:
        raise BadInput(f"{path} expected vectors that {pattern} fits, got none of {', '.join(list(table)[:8])}")
    names = starred.natural(found)
    each = [_times(table[name], f"{path}: {name}") for name in names]
    notes = no_times.check(each, f"{path}: {pattern}")
    times = np.empty(len(each), dtype=object)
    times[:] = each
    if others:
        left = ", ".join(others[:5])
        notes += (f"{pattern} is taken for names with a number in the star's place; not read: {left}",)
    if (both := _trials_and_units(pattern, names)) is not None:
        return {TIME: times, UNIT: both[1], TRIAL: both[0]}, notes
    # Names that differ in more than one number, sig001a and sig001b, are those of their units.
    units = starred.numbered(pattern, names) or names
    if list(units) == list(range(len(units))):
        units = _names(table, len(units)) or units
    return {TIME: times, UNIT: np.array(units)}, notes


def _names(table: Mapping[str, np.ndarray], count: int) -> list[str]:
    """Return the names of so many units that a vector of a file says, in their order; none where none does."""
    able = [
        one
        for name, one in table.items()
        if OF_NAMES.fullmatch(name.rpartition("/")[2]) and one.dtype.kind == "U" and len(one) == count
        and len(np.unique(one)) == count and (np.char.strip(one) != "").all()
    ]  # fmt: skip
    return able[0].tolist() if len(able) == 1 else []


def _trials_and_units(pattern: str, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray] | None:
    """Return what stands in each name for its trial and for its unit, "trial_*/unit_*"; None of other patterns."""
    parts = pattern.split(starred.STAR)
    of_trials = [place for place, part in enumerate(parts[:2]) if BEFORE_TRIALS.search(part)]
    if len(parts) != 3 or len(of_trials) != 1:
        return None
    fills = [re.fullmatch("(.*)".join(map(re.escape, parts)), name) for name in names]
    if any(found is None for found in fills):
        return None
    columns = list(zip(*(found.groups() for found in fills if found is not None), strict=True))
    trial, unit = (np.array([int(one) for one in each] if all(map(str.isdigit, each)) else each)
                   for each in (columns[of_trials[0]], columns[1 - of_trials[0]]))  # fmt: skip
    return trial, unit


def of_lists(table: Mapping[str, np.ndarray], time: str) -> Table:
    """Return the columns of a table with a list of times in each row, (rows,), with a row a spike, (spikes,).

    An empty list has no type that would make the others' times more exact than they were stored.
    """
    lists = table[time]
    some, each = [one for one in lists if len(one)], [len(one) for one in lists]
    alike = {name: one for name, one in table.items() if one.dtype != object and len(one) == len(lists)}
    others = {name: np.repeat(one, each) for name, one in alike.items()}
    return {**others, time: np.concatenate(some or list(lists))}


def trials_of_rows(table: Mapping[str, np.ndarray], trial: str, names: Iterable[str], path: str) -> Table:
    """Return the table of trials of one with a row for each trial and unit; trials without a spike are in it, too.

    Args:
        table: its columns.
        trial: name of the column of trials.
        names: of other columns, with one value a trial.
        path: of the file, for errors.
    """
    numbers, row = np.unique(whose.numbered(table[trial]), return_inverse=True)
    others = {name: of_each_trial(table[name], row, len(numbers), f"{path}: {name}") for name in names if name in table}
    return {trial: numbers, **others}


def rows_of(which: np.ndarray, own: np.ndarray | None, path: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return where each spike's trial stands.

    Args:
        which: (spikes,) the number or name of each one's trial.
        own: (rows,) that of each row of a table of trials; None of none.
        path: of the table of trials, or of the spikes'.

    Returns:
        (trials,) numbers, ascending, or names, in the order of the table; (spikes,) the place of each one's among them;
        (trials,) rows of the table.

    Raises:
        BadInput: the table lacks a trial, or lists one twice; a spike has none.
    """
    numbers, place = np.unique(which if own is None else own, return_index=True)
    row = np.minimum(np.searchsorted(numbers, which), len(numbers) - 1)
    odd = numbers[row] != which
    if own is None and odd.any():
        raise BadInput(f"{path} expected the trial of each spike, got {odd.sum():,} empty cells")
    if own is not None and len(numbers) < len(own):
        twice = listed(numbers[np.bincount(np.searchsorted(numbers, own)) > 1])
        told = f"{path} expected one row for each trial, got more for {twice}"
        raise BadInput(f"{told}; do numbers begin anew in each block? number trials through in both tables")
    if odd.any():
        raise BadInput(
            f"{path} expected a row for each trial with spikes, got none for {listed(np.unique(which[odd]))}"
        )
    if numbers.dtype.kind == "U":
        # Sorted, t10 would be the trial after t1.
        order = np.argsort(place)
        numbers, row, place = numbers[order], np.argsort(order)[row], place[order]
    return numbers, row, place


def odd(unit: np.ndarray) -> Counter[int]:
    """Return how many spikes have each number that systems give to those of no unit.

    Args:
        unit: (spikes,) its number on its channel.
    """
    return Counter({one: int((unit == one).sum()) for one in UNSORTED if unit.dtype.kind in "iuf"})


def unsorted(often: Mapping[int, int], total: int) -> tuple[str, ...]:
    """Return the note that some units of channels have such numbers, of so many spikes in all; see `odd`."""
    if not any(often.values()):
        return ()
    counts = " and ".join(f"{count:,} of unit {one}" for one, count in often.items() if count)
    return (
        f"of {total:,} spikes {counts} of their channels are read as units: Blackrock, Plexon and TDT number so "
        "spikes that were not sorted, or noise; if these are such, leave them out of the file",
    )


def with_channel(unit: np.ndarray, channel: np.ndarray, path: str) -> np.ndarray:
    """Return who fired, (spikes,), of units that are numbered anew on each channel.

    Raises:
        BadInput: a unit's number is too large to be put behind its channel's, or one of both is missing.
    """
    unit, channel = whose.numbered(unit), whose.numbered(channel)
    if unit.dtype.kind in "iu" and channel.dtype.kind in "iu":
        if unit.min(initial=0) < 0 or channel.min(initial=0) < 0 or unit.max(initial=0) >= CHANNEL_UNITS:
            told = f"{path} expected units 0 to {CHANNEL_UNITS - 1} on each channel, and channels >= 0"
            raise BadInput(f"{told}, got up to {unit.max()}; are units numbered anew on each channel?")
        return channel.astype(np.int64) * CHANNEL_UNITS + unit.astype(np.int64)
    if "f" in (unit.dtype.kind, channel.dtype.kind):
        raise BadInput(f"{path} expected a whole number or a name of channel and unit for each spike, got {unit.dtype}")
    return np.char.add(np.char.add(channel.astype(str), "."), unit.astype(str))


def is_channel(name: str) -> bool:
    """Tell whether a column is called as those of channels are."""
    return _bare(name) in OF_CHANNELS


def channel_of(table: Mapping[str, np.ndarray], unit: str) -> str | None:
    """Return the column of channels on each of which units seem to be numbered anew; None where none is."""
    for name, one in table.items():
        if not is_channel(name) or name == unit or one.shape != table[unit].shape:
            continue
        if whose.numbered(one).dtype.kind not in "iuU":
            continue
        if whose.pairs(one, table[unit]) > len(np.unique(table[unit])):
            return name
    return None


def merged(table: Mapping[str, np.ndarray], unit: str) -> tuple[str, ...]:
    """Return the note that a column of channels, or beside the units of a matrix, tells more units apart than theirs.

    Args:
        table: the columns, as the file has them.
        unit: name of the column whose units are used.
    """
    channel = channel_of(table, unit)
    if channel is None and INSIDE in unit:
        beside = {name: one for name, one in table.items() if name.partition(INSIDE)[0] == unit.partition(INSIDE)[0]}
        found = matrix_columns.row_a_spike(beside)
        if found is not None and found[1].channel is not None:
            channel = next((name for name in (found[1].channel, found[1].unit) if name != unit), None)
    if channel is None:
        return ()
    units, both = len(np.unique(table[unit])), whose.pairs(table[channel], table[unit])
    told = f"{units} units are told apart by {unit}, {both} by {channel} and {unit}"
    return (f"{told}: are units numbered anew on each? Then set channel: {channel!r}",)


def laid_out(times: np.ndarray, row: np.ndarray, trials: int, reach_s: float, tick_s: float) -> Laid:
    """Return spikes whose times count from their trials' begins one trial after the other, on one clock.

    Args:
        times: (spikes,) s, since the begin of each one's trial, or since its event.
        row: (spikes,) which trial each is of.
        trials: how many there are.
        reach_s: how far windows reach from there, s.
        tick_s: of the clock.
    """
    reach = max(float(np.abs(times).max(initial=0.0)), reach_s)
    begin = np.arange(1, trials + 1) * np.ceil((2 * reach + BETWEEN_S) / tick_s) * tick_s
    return Laid(times + begin[row], begin, reach)


def of_each_trial(values: np.ndarray, row: np.ndarray, trials: int, where: str) -> np.ndarray:
    """Return the value of each trial, (trials,), of a column with a row a spike. Raises BadInput: it has several."""
    first = np.full(trials, -1)
    first[row[::-1]] = np.arange(len(row))[::-1]
    if (first < 0).any() or (values[first][row] != values).any():
        raise BadInput(f"{where} expected one value in all rows of a trial; give a table of trials that has it")
    return values[first]


def trial_of(table: Mapping[str, np.ndarray], time: str) -> str | None:
    """Return the column of trials from whose begins times count; None where they are of the recording."""
    times = table[time]
    for name, one in table.items():
        if not OF_TRIALS.fullmatch(_bare(name)) or times.dtype.kind not in "iuf":
            continue
        if whose.numbered(one).dtype.kind not in "iuU" or one.shape != times.shape:
            continue
        _, row = np.unique(one, return_inverse=True)
        order = np.argsort(row, kind="stable")
        begin = np.flatnonzero(np.append(True, np.diff(row[order]) > 0))
        first, last = (reduce.reduceat(times[order].astype(float), begin) for reduce in (np.minimum, np.maximum))
        # Trials of one recording share no time, and these would share most of it.
        if len(first) >= FEWEST and (last - first).sum() > SHARED * (last.max() - first.min()):
            return name
    return None


def chosen(names: Iterable[str], pattern: str) -> list[str]:
    """Return the names that a pattern means, and all others, which a table may need, where it means none."""
    listed = list(names)
    return starred.fitting(pattern, listed)[0] or listed


def _bare(name: str) -> str:
    return name.strip().lower().rpartition("/")[2]


def _times(values: np.ndarray, where: str) -> np.ndarray:
    if values.dtype.kind not in "iuf":
        raise BadInput(f"{where} expected the times of a unit's spikes, got {values.dtype}")
    # Their type tells how exact they are.
    return values[~np.isnan(values)]
