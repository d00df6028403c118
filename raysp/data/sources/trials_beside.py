"""The table of trials beside a file of spikes: told by its name, by its columns, or by what stands in them."""

from __future__ import annotations

import itertools
import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from raysp.data.formats import pynapple_npz, sorted_folder, table_file
from raysp.data.sources import rows_of_events, sampled_table, spike_columns
from raysp.data.sources.clock_of_trials import sampling_rate
from raysp.data.sources.clocks import CLOCKS, RATES_HZ, SAMPLES, USUAL_HZ, Times, rate_hz
from raysp.data.sources.proposed import EVENTS, STARTS, named
from raysp.errors import BadInput, StoreError
from raysp.io import files

Table = dict[str, np.ndarray]
TABLES = (".csv", ".tsv", ".txt", ".parquet", ".pq", ".pqt", ".feather", ".arrow", ".ipc")
TRIALS_BYTES = 1 << 26
"""A larger table is none of trials: reading it to see would take its memory and time."""
WORDS = ("trial", "event", "interval", "epoch")
LOOKED_FOR = (
    f"a name with {', '.join(WORDS[:-1])} or {WORDS[-1]}, a column start or begin, or times that rise through it"
)
FEWEST, SHARED = 8, 3
"""Trials, and letters that two names begin with, from which on a table is told by what stands in it."""
REPEATS, SOONER = 3, 0.7
"""Rows of a kind that follow each other, from which on the time between them tells, and the part of it after which
something else happened within a trial."""
INSIDE, SPAN = 0.9, 0.3
"""Shares of trials' times that lie in the recording, and of the recording that they lie in."""
APART = 100
"""Whole numbers of a clock that lie on average between trials in any order, at least."""
MOST_EVEN, MOST_VARIABLES, UNEVEN = 1000, 12, 3.0
"""More rows at one step are samples; those of so many variables, at most, are proposed to be decoded, and may have
steps so many times as long or short as usual."""


@dataclass(frozen=True)
class Beside:
    """The path and the columns of the table of trials beside a file, if any, and lines on tables that are none.

    `sampled` are the path of a table of samples of behaviour, and its column of times.
    """

    found: tuple[str, Table] | None
    others: tuple[str, ...] = ()
    sampled: tuple[str, np.ndarray] | None = None


def beside(path: str, times: Times, leave: Collection[str] = ()) -> Beside:
    """Return the table of trials in a file's folder, or above it in a session of ALF.

    Args:
        path: of the file of spikes.
        times: of its spikes, in the file's unit.
        leave: paths of other files of spikes.
    """
    others: list[str] = []
    samples = None
    for folder in sorted_folder.above(os.path.dirname(path)):
        tables = list(_tables(folder, path, leave))
        samples = samples or next(
            ((files.absolute(os.path.join(folder, name)), one) for name, table in tables
             if (one := _of_samples(table, times)) is not None), None,
        )  # fmt: skip
        if (name := _named_trials(tables) or _like_trials(tables, path, times)) is not None:
            return Beside((files.absolute(os.path.join(folder, name)), dict(tables)[name]), sampled=samples)
        others += [f"{name}: {', '.join(table)}" for name, table in tables if table]
    return Beside(None, tuple(others), samples)


def _named_trials(tables: Sequence[tuple[str, Table]]) -> str | None:
    """Return the file that is called so, or has a column of begins."""
    for name, table in tables:
        told = any(word in name.lower() for word in WORDS) and not _is_of_spikes(table)
        if (named(list(table), *STARTS) is not None or told) and any(map(is_times, table.values())):
            return name
    return None


def _like_trials(tables: Sequence[tuple[str, Table]], path: str, times: Times) -> str | None:
    """Return the file whose times rise through the recording, of the only table or of one that is called alike."""
    for name, table in tables:
        alone = len(tables) == 1 or _alike(name, path) >= SHARED
        if alone and len(table) > 1 and is_of_trials(table, times):
            return name
    return None


def _of_samples(table: Table, times: Times) -> np.ndarray | None:
    """Return the column of times of a table of samples, evenly taken through the recording; None of another table."""
    usual = [name for name in table if name.strip().lower() in sampled_table.TIMES]
    others = [name for name, one in table.items() if name not in usual and one.dtype.kind == "f"]
    if len(usual) != 1 or not 0 < len(others) <= MOST_VARIABLES or table[usual[0]].dtype.kind not in "iuf":
        return None
    own = table[usual[0]]
    if len(own) <= MOST_EVEN or not np.isfinite(own).all() or not _rises(own) or not _lies_in(own, times):
        return None
    steps = np.diff(own.astype(float)) / np.median(np.diff(own.astype(float)))
    # Of events, which come at any time, a third of the steps are longer or shorter.
    return own if ((steps > 1 / UNEVEN) & (steps < UNEVEN)).mean() > INSIDE else None


def read(path: str) -> Table:
    """Return the columns of a table of trials. Raises BadInput where it is none."""
    return sorted_folder.columns(path) if path.lower().endswith(table_file.VECTOR) else table_file.read(path)


def is_times(one: np.ndarray) -> bool:
    """Tell whether a column holds a time for each trial: fractions, or whole numbers that rise or lie far apart.

    Numbers of trials in another order are as near to each other as they are many.
    """
    if one.dtype.kind == "f":
        return len(one) > 3
    if one.dtype.kind not in "iu" or len(one) <= 3:
        return False
    steps = np.diff(np.sort(one.astype(float)))
    return bool((np.diff(one.astype(float)) > 1).mean() > INSIDE or (steps.min() > 0 and steps.mean() >= APART))


def is_events(one: np.ndarray) -> bool:
    """Tell whether a vector that nothing calls trials' holds a time for each: samples are more, and do not rise."""
    return is_times(one) and (len(one) <= MOST_EVEN or bool((np.diff(one.astype(float)) > 0).mean() > INSIDE))


def event(table: Table) -> str | None:
    """Return the column of times of a table of trials, one that rises if any does; None where it has none."""
    able = [name for name, one in table.items() if is_times(one)]
    return next((name for name in able if _rises(table[name])), next(iter(able), None))


def _tables(folder: str, path: str, leave: Collection[str]) -> Iterator[tuple[str, Table]]:
    """Yield the tables of a folder, those called after trials in front, and of these what is called as the file is."""
    try:
        there = sorted(files.listing(folder or "."))
    except StoreError:
        # Few servers list their folders.
        return
    for name in sorted(there, key=lambda one: ("trial" not in one.lower(), -_alike(one, path))):
        other = os.path.join(folder, name)
        intervals = name.lower().endswith(".npz") and pynapple_npz.type_of(other) == "IntervalSet"
        alf = name.endswith(table_file.VECTOR) and "trials." in name and "intervals" in name
        if other == path or other in leave or not (intervals or alf or name.lower().endswith(TABLES)):
            continue
        try:
            if files.stamp(other)["size"] <= TRIALS_BYTES:
                yield name, read(other)
        except (BadInput, StoreError):
            continue


def _alike(name: str, path: str) -> int:
    """Return how many letters two files' names begin with in common."""
    same = (one == other for one, other in zip(name, os.path.basename(path), strict=False))
    return sum(1 for _ in itertools.takewhile(bool, same))


def is_of_trials(table: Table, times: Times) -> bool:
    """Tell whether a table has a row a trial: times that rise through the recording, and far fewer than spikes."""
    rows = len(next(iter(table.values())))
    if not FEWEST <= rows <= times.count / 4 or _is_of_spikes(table):
        return False
    return any(is_times(one) and _rises(one) and not is_sampled(one) and _lies_in(one, times) for one in table.values())


def _is_of_spikes(table: Table) -> bool:
    bare = {name.strip().lower() for name in table}
    return bool(bare & spike_columns.UNITS and bare & spike_columns.SPIKES)


def _rises(one: np.ndarray) -> bool:
    known = one[np.isfinite(one)].astype(float)
    return len(known) > 1 and bool((np.diff(known) > 0).all())


def is_sampled(one: np.ndarray) -> bool:
    """Tell whether times come at one step all along, and are too many to be trials'."""
    steps = np.diff(one.astype(float))
    return len(one) > MOST_EVEN and bool((np.abs(steps - np.median(steps)) < 0.05 * np.median(steps)).mean() > INSIDE)


def _lies_in(one: np.ndarray, times: Times) -> bool:
    """Tell whether times rise through a recording, in the unit of its own or in another one."""
    return any(_inside(one, times, spikes / trials) for spikes in CLOCKS for trials in CLOCKS)


def clock_by_trials(table: Table, times: Times, units: int) -> tuple[float, str] | None:
    """Return how many units of spike times are a second where trials on another clock tell that, and why; else None.

    Args:
        table: of trials.
        times: of all spikes of the recording.
        units: how many.
    """
    starts = [one for name, one in table.items() if is_times(one) and (_rises(one) or named([name], *STARTS))]
    if not starts or _inside(starts[0], times, 1.0):
        return None
    able = {one: rate_hz(times, units, one) for one in CLOCKS if not (one == 1.0 and times.whole)}
    fitting = {
        spikes: rate for spikes, rate in able.items()
        if RATES_HZ[0] <= rate <= RATES_HZ[1]
        and any(_inside(starts[0], times, spikes / trials) for trials in CLOCKS if trials != spikes)
    }  # fmt: skip
    if not fitting:
        return None
    best = min(fitting, key=lambda one: abs(np.log(fitting[one] / USUAL_HZ)))
    told = f"trials then lie in the recording, and units fire {fitting[best]:.3g} a second on average"
    # Of another rate nearby they would lie there, too.
    unknown = " (NOT KNOWN: the file does not say its sampling rate)" if best == SAMPLES else ""
    return best, f"times look like {CLOCKS[best]}: {told}{unknown}"


def _inside(one: np.ndarray, times: Times, scale: float) -> bool:
    """Tell whether times lie in most of a recording, on a clock so many times faster."""
    known = one[np.isfinite(one)].astype(float) * scale
    inside = (known >= times.first - 0.05 * times.span) & (known <= times.last + 0.05 * times.span)
    return bool(inside.mean() > INSIDE and np.ptp(known) > SPAN * times.span)


def apart(table: Table, times: Times) -> float | None:
    """Return the usual time between rows of a table of trials on the clock of the spikes; None on another one."""
    name = event(table)
    if name is None or not _inside(table[name], times, 1.0):
        return None
    return float(np.nanmedian(np.diff(np.sort(table[name].astype(float)))))


def followed(table: Table, times: Times) -> tuple[float, str] | None:
    """Return the sampling rate of spikes that follow trials in s or ms at no other rate, and why; else None.

    Args:
        table: of trials.
        times: of all spikes of the recording, in samples.
    """
    name = event(table)
    if times.each is None or not times.whole or name is None or _inside(table[name], times, 1.0):
        return None
    each = (sampling_rate(times.each, table[name].astype(float) / one) for one in (1.0, 1000.0))
    return next(filter(None, each), None)


def kind_of_rows(table: Table) -> tuple[str, str] | None:
    """Return the column and the value in it that say which rows are trials, of a table with a row for each event.

    Such a table has one column of times, and one called after events, whose texts name several kinds, each of many
    rows. Of these the kind is taken that events are proposed by, or that begins trials. Kinds of trials, go and nogo,
    are none of events.
    """
    times = [one.astype(float) for one in table.values() if is_times(one)]
    if len(times) != 1:
        return None
    for name, one in table.items():
        if (
            one.dtype.kind != "U"
            or not rows_of_events.OF_EVENTS.search(name)
            or not rows_of_events.are_events(name, one)
        ):
            continue
        kinds, counts = np.unique(one, return_counts=True)
        words = {frozenset(rows_of_events.EVENT.findall(kind.lower()) or [kind]) for kind in kinds.tolist()}
        able = [kind for kind, count in zip(kinds.tolist(), counts.tolist(), strict=True) if count >= FEWEST]
        if not 1 < len(kinds) <= rows_of_events.MOST or len(words) < 2 or not able:
            continue
        ranked = [kind for word in (*EVENTS, *STARTS, "trial") for kind in able if word in kind.lower()]
        if ranked and not _are_kinds_of_trials(one, ranked[0], times[0]):
            return name, ranked[0]
    return None


def _are_kinds_of_trials(kinds: np.ndarray, kind: str, times: np.ndarray) -> bool:
    """Tell whether rows of one kind are as far from a next row of another as of their own: none is within a trial.

    Where no two rows of a kind follow each other, all kinds are as far from the next row.
    """
    order = np.argsort(times, kind="stable")
    steps, before = np.diff(times[order]), kinds[order][:-1]
    of_kind = kinds[order] == kind
    own, others = (steps[of_kind[:-1] & (of_kind[1:] == same)] for same in (True, False))
    if len(own) >= REPEATS:
        return len(others) > 0 and bool(np.median(others) > SOONER * np.median(own))
    after = [float(np.median(steps[before == one])) for one in np.unique(before)]
    return len(after) > 1 and min(after) > SOONER * max(after)
