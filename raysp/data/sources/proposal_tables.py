"""A proposal for a table of spikes: its columns, the unit of its times, and a table of trials beside it."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from raysp.config.settings import Plain
from raysp.data.formats import (
    starred,
    table_batches,
    table_file,
)
from raysp.data.sources import (
    bins_of_trials,
    large_tables,
    spike_columns,
    spike_layouts,
    spike_tables,
    trials_beside,
    unit_patterns,
)
from raysp.data.sources.clocks import CLOCKS, SAMPLES, Times, clock, is_rate, is_whole, sampled
from raysp.data.sources.count_layout import PATTERN
from raysp.data.sources.large_tables import Columns
from raysp.data.sources.proposal_arrays import bin_ms
from raysp.data.sources.proposal_own_clocks import of_its_trials, of_own_clocks, of_trials_and_units
from raysp.data.sources.proposed import (
    BIN_MS,
    OF_UNITS,
    USUAL_WIDTH,
    Proposal,
    condition,
    described,
    ends,
    named,
    told_around,
    window,
    windows,
)
from raysp.data.sources.rows_of_events import AS_EVENTS, are_events, mixed
from raysp.data.sources.trials_beside import LOOKED_FOR, Beside, beside, clock_by_trials, event, is_events, is_times
from raysp.errors import BadInput, present
from raysp.io import files
from raysp.io.words import counted, listed

if TYPE_CHECKING:
    import polars

Table = dict[str, np.ndarray]
LATER = 1.02
"""Trials that go on for so many times the length of the recording are in another unit."""
FEWEST, WIDE = 3, 10
"""Columns that are called alike, from which on each is a unit's counts; columns of a table without units from which on
that is asked."""

OF_BINS = re.compile(r"(time_?)?bins?_?|t_?|time_?|ms_?")
OF_TIME = re.compile(r"time[ _(\[]")
"""What stands before the numbers of bins, and before a unit of time."""
ONE_UNIT = "of one unit, add a column unit of ones"
BESIDE = "beside it:"
ANEW = "units are numbered anew on each"
NO_SPIKES = "there is a place for spikes, but no spike in it"
NO_COLUMNS = "no column of times and one of units was found: name them time and unit"
AS_ARRAY = "Save those columns as an array (bins, units): np.savez('counts.npz', counts=table[columns].to_numpy())"


def proposal(path: str) -> Proposal:
    """Return what a table holds and how it could be read. Raises BadInput where it is no table of numbers."""
    if table_batches.is_large(path, table_file.LARGE_BYTES):
        return _large(path)
    table = table_file.read(path, lists=True)
    contents = [line(name, one) for name, one in table.items()]
    time, unit = _time(table), _unit(table)
    if time is None or unit is None:
        if (of_units := of_each_unit(path, table, contents)) is not None:
            return of_units
        events = [name for name, one in table.items() if one.dtype.kind in "iuU" and are_events(name, one)]
        texts = spike_columns.not_numbers(table) or [NO_COLUMNS]
        told = texts[0] if time is None or not events else f"{events[0]} {AS_EVENTS}"
        if (counts := _of_counts(table)) is not None:
            return dataclasses.replace(counts, contents=(*contents, *counts.contents))
        lists = [name for name, one in table.items() if one.dtype.kind == "U" and len(one) and one[0].startswith("[")]
        if any(spike_columns.has_thousands(one) for one in table.values()):
            told = "numbers have separators of thousands, 1.234,5: write them without"
        elif lists:
            told = spike_columns.of_text(lists[0], table[lists[0]][0], path)
        elif len(each := [name for name, one in table.items() if one.dtype == object]) > 1:
            told = spike_columns.of_lists(each, [name for name in table if name not in each])
        elif len(table) > WIDE:
            told = f"of {len(table)} columns none is the unit of each spike: is each column a unit's counts? {AS_ARRAY}"
        return Proposal("", contents=(*contents, told))
    if not len(table[time]):
        return Proposal("", contents=(*contents, NO_SPIKES))
    if (told_apart := mixed(table)) is not None:
        return Proposal("", contents=(*contents, told_apart))
    times = np.concatenate(table[time]) if table[time].dtype == object else table[time].astype(float)
    settings: dict[str, Plain] = {"time": time, "unit": unit}
    why = {"time": "the time of each spike", "unit": "whose it is"}
    units = len(np.unique(table[unit]))
    of_spikes = spike_layouts.of_lists(table, time) if table[time].dtype == object else table
    if (trial := spike_layouts.trial_of(of_spikes, time)) is not None:
        if trial == unit:
            return Proposal("", contents=(*contents, f"no column says whose spikes are; {ONE_UNIT}"))
        return of_own_clocks(of_spikes, {**settings, "trial": trial}, why, units, contents)
    if (of_trials := of_its_trials(of_spikes, (time, unit), why, units, contents)) is not None:
        return of_trials
    if table[time].dtype != object and (channel := spike_layouts.channel_of(table, unit)) is not None:
        settings["channel"], why["channel"] = channel, ANEW
        units = len(np.unique(spike_layouts.with_channel(table[unit], table[channel], path)))
    known = Times.of_units(table[time]) if table[time].dtype == object else Times.of_spikes(times, table[unit])
    found = cut(path, known, units, settings, why, contents)
    if "align" not in found.settings and (unused := bins_of_trials.likely(table)):
        told = f"NOT KNOWN: {unused[0]} says which trial each spike is of, but not when that begins: trials=FILE"
        return dataclasses.replace(found, why={**found.why, "window_ms": told})
    return found


def of_each_unit(path: str, table: Table, contents: Sequence[str], single: Table | None = None) -> Proposal | None:
    """Return a proposal for vectors, or columns, of a unit's times each; None where there are none.

    With `single`, the numbers without an axis of a file of vectors, trials are looked for among its vectors, too.
    """
    if (found := unit_patterns.likely(table)) is None:
        return None
    pattern = found.pattern
    if (of_trials := of_trials_and_units(table, pattern, path, contents)) is not None:
        return of_trials
    own = set(starred.fitting(pattern, table)[0])
    spikes, _ = spike_layouts.of_each_unit(table, pattern, path)
    settings: dict[str, Plain] = {"time": pattern}
    order = "" if unit_patterns.rises(table[min(own)]) else ", in no order"
    why = {"time": f"{len(own)} vectors of {'times' if order else 'rising times'}, a unit each{order}"}
    times = Times.of_units(spikes[spike_layouts.TIME])
    kept = [one for one in contents if not one.startswith("no array of counts")]
    given, left = None, list(found.others)
    if single is not None:
        # An array that has an index of its units' ends is there whole, too.
        rest = {name: one for name, one in table.items() if name not in own and f"{name}_{starred.STAR}" != pattern}
        # What has a value for each unit is of no trials.
        rest = {name: one for name, one in rest.items() if len(one) != len(own) or OF_UNITS.search(name) is None}
        events = {name: one for name, one in rest.items() if is_events(one)}
        rows = max(map(len, events.values()), key=[len(one) for one in events.values()].count, default=0)
        trials = {name: one for name, one in rest.items() if len(one) == rows}
        rate = sampled({**{name: one for name, one in table.items() if len(one) == 1}, **single}, times, len(own))
        given = (rate, Beside((files.absolute(path), trials)) if events else beside(path, times))
        left = [name for name in found.others if name not in trials]
    if left:
        why["time"] += f"; {counted(left, 'more vector')} of rising times not read: {listed(left)}"
    return cut(path, times, len(own), settings, why, kept, given)


def _large(path: str) -> Proposal:
    """Return a proposal for a table that is too large to be held: its columns by its first rows, times by all."""
    table = {name: _vectors(one) for name, one in table_batches.beginning(path).items()}
    rows = max(map(len, table.values()), default=0)
    settings: dict[str, Plain]
    contents = [f"the first {rows:,} rows:", *(f"  {line(name, one)}" for name, one in table.items())]
    time, unit = _time(table), _unit(table)
    if time is None or unit is None:
        if (counts := _of_counts(table)) is not None:
            return dataclasses.replace(counts, contents=tuple(contents))
        return Proposal("", contents=(*contents, NO_COLUMNS))
    if (trial := spike_layouts.trial_of(table, time)) is not None:
        held = f"spikes with a column {trial} are read whole, which takes {table_batches.HELD} times the file's size"
        settings = {"time": time, "unit": unit, "trial": trial}
        return of_own_clocks(table, settings, {}, len(np.unique(table[unit])), (*contents, held))
    listed = table[time].dtype == object
    channel = None if listed else spike_layouts.channel_of(table, unit)
    times, units = large_tables.extent(Columns(path, time, unit, 1.0, channel))
    if not times.count:
        return Proposal("", contents=(*contents, NO_SPIKES))
    contents.append(f"in all {times.count:,} spikes of {units} units")
    settings = {"time": time, "unit": unit}
    why = {"time": "the time of each spike", "unit": "whose it is"}
    if channel is not None:
        settings["channel"], why["channel"] = channel, ANEW
    return cut(path, times, units, settings, why, contents)


def _vectors(one: polars.Series) -> np.ndarray:
    return table_file.of_frame(one.to_frame(), lists=True)[one.name]


def _of_counts(table: Table) -> Proposal | None:
    """Return a proposal for a table with a column of counts for each unit, and maybe one of times; else None."""
    alike: dict[str, list[str]] = {}
    for name, one in table.items():
        if is_whole(one):
            alike.setdefault(re.sub(r"\d+", PATTERN, name), []).append(name)
    pattern = max(alike, key=lambda one: len(alike[one]), default="")
    if len(names := alike.get(pattern, [])) < FEWEST or pattern.count(PATTERN) != 1:
        return None
    if OF_BINS.fullmatch(pattern.partition(PATTERN)[0].strip().lower()) and _unit(table) is not None:
        told = f"{pattern} are bins of a row for each trial and unit: save them as an array (trials, bins, units)"
        return Proposal("", contents=(told,))
    counts = np.column_stack([table[name] for name in names])
    others = {name: one for name, one in table.items() if name not in names}
    timed = [one for name, one in others.items() if bare(name) in spike_columns.SPIKES or OF_TIME.match(bare(name))]
    steps = [np.diff(one) for one in (*timed, *filter(_is_even, others.values())) if one.dtype.kind in "fi"]
    usual = float(np.median(steps[0])) if steps and len(steps[0]) else 0.0
    ms = round(usual * 1000 if usual < 1 else usual, 6)
    width, reason = (ms, "the step of the column of times") if ms > 0 else bin_ms(others, counts)
    settings: dict[str, Plain] = {"counts": pattern, "bin_ms": width, "window_ms": [0, round(100 * width, 4)]}
    why = {
        "counts": f"{len(names)} columns of whole numbers, a unit each",
        "bin_ms": reason,
        "window_ms": "there are no trials: cut into windows so long",
    }
    able = [name for name in bins_of_trials.likely(others) if bins_of_trials.is_cut(others[name], len(counts))]
    if able:
        del settings["window_ms"], why["window_ms"]
        settings["trial"], why["trial"] = able[0], "the trial of each bin"
    return Proposal("population", settings, why)


def _own_rate(path: str) -> tuple[float, str] | None:
    """Return the samples of a second that params.py, which phy writes beside its vectors, says; it is not run."""
    params = os.path.join(os.path.dirname(path), "params.py")
    if not files.exists(params):
        return None
    found = re.search(r"^\s*sample_rate\s*=\s*([^\s#;]+)", files.read_text(params), re.MULTILINE)
    try:
        rate = float(found[1]) if found else 0.0
    except ValueError:
        return None
    # MATLAB writes what is not whole as 3.000027e+04.
    return (rate, f"samples, sample_rate = {rate:g} in params.py") if is_rate(rate) else None


def cut(
    path: str,
    times: Times,
    units: int,
    settings: dict[str, Plain],
    why: dict[str, str],
    contents: list[str],
    own: tuple[tuple[float, str] | None, Beside] | None = None,
) -> Proposal:
    """Return a proposal with the unit of times and the trials put in.

    `own` are what the file itself says of both; without them other files beside it are asked.
    """
    rate, trials = own or (_own_rate(path) if times.whole else None, beside(path, times))
    apart = None if trials.found is None else trials_beside.apart(trials.found[1], times)
    per_second, reason = rate or clock(times, units, apart=apart)
    if rate is None and trials.found is not None:
        of_trials = trials_beside.followed(trials.found[1], times) or clock_by_trials(trials.found[1], times, units)
        per_second, reason = of_trials or (per_second, reason)
    settings["per_second"], why["per_second"] = per_second, reason
    around: dict[str, tuple[int, int]] = {}
    if trials.found is None:
        settings |= {"window_ms": [0, 1000], "bin_ms": BIN_MS}
        why["window_ms"] = "no table of trials was found beside it: cut into windows so long"
        contents = [*contents, *_untaken(trials)]
    else:
        span_s = (times.first / per_second, times.last / per_second)
        around = _of_trials(*trials.found, span_s, per_second, settings, why, contents)
    if trials.sampled is not None:
        path, samples = trials.sampled
        settings["behavior"], why["behavior"] = path, f"{len(samples):,} samples, decoded from the rates"
        own_clock = _trials_clock(samples, (times.first / per_second, times.last / per_second), per_second)
        if own_clock != per_second:
            settings["behavior_per_second"] = own_clock
            why["behavior_per_second"] = f"its times look like {CLOCKS[own_clock]}"
    why["bin_ms"] = USUAL_WIDTH
    return Proposal("spike_tables", settings, why, tuple(contents), around, times)


def with_trials(found: Proposal, path: str, given: Mapping[str, Plain]) -> Proposal:
    """Return a proposal whose trials are those of a table that a person names, its columns and what they tell.

    Args:
        found: the proposal for the spikes.
        path: of the table of trials.
        given: settings that a person gives.
    """
    try:
        table = trials_beside.read(path)
    except BadInput:
        # What is wrong with it is said where it is read.
        return found
    if found.times is None or trials_beside.event(table) is None:
        return found
    of_trials = ("trials", "align", "window_ms", "conditions", "trials_per_second", "keep")
    settings = {name: value for name, value in found.settings.items() if name not in of_trials}
    why = {name: reason for name, reason in found.why.items() if name not in of_trials}
    contents = [one for one in found.contents if not one.startswith(BESIDE)]
    per_second = float(str(given.get("per_second", settings["per_second"])))
    spikes_s = (found.times.first / per_second, found.times.last / per_second)
    around = _of_trials(path, table, spikes_s, per_second, settings, why, contents)
    return dataclasses.replace(found, settings=settings, why=why, contents=tuple(contents), windows=around)


def _untaken(trials: Beside) -> list[str]:
    """Return the line on tables that are not taken for trials, and what they would be known by."""
    if not trials.others:
        return []
    return [
        f"{BESIDE} {'; '.join(trials.others[:3])}; none looks like a table of trials ({LOOKED_FOR}): "
        "--set trials=FILE takes one"
    ]


def _of_trials(
    path: str,
    table: Table,
    spikes_s: tuple[float, float],
    per_second: float,
    settings: dict[str, Plain],
    why: dict[str, str],
    contents: list[str],
) -> dict[str, tuple[int, int]]:
    """Put in what a table of trials says; returns the windows around times in it."""
    contents += [f"trials in {os.path.basename(path)}:", *(f"  {line(name, one)}" for name, one in table.items())]
    if (kind := trials_beside.kind_of_rows(table)) is not None:
        settings["keep"], why["keep"] = dict([kind]), "a row for each event: those of this kind are trials"
        table = {name: one[table[kind[0]] == kind[1]] for name, one in table.items()}
    numbers = [name for name, one in table.items() if one.dtype.kind in "iuf"]
    start_name, stop_name = (named(numbers, *spike_tables.EDGES[edge]) for edge in ("start_time", "stop_time"))
    first = start_name or present(event(table))
    trials_per_second = _trials_clock(table[first].astype(float), spikes_s, per_second)
    times = {name for name, one in table.items() if one.dtype.kind == "f" or is_times(one)}
    seconds = {name: one / trials_per_second if name in times else one for name, one in table.items()}
    start, stop = (None if name is None else seconds[name] / (1 if name in times else trials_per_second)
                   for name in (first, stop_name))  # fmt: skip
    others = {name: one for name, one in seconds.items() if name not in (first, stop_name)}
    stop = ends(others, start) if stop is None and start is not None else stop
    align, (begin, end), reason = window(others, start, stop)
    settings |= {"trials": path, "align": align or first, "window_ms": [begin, end], "bin_ms": BIN_MS}
    held = told_around((begin, end), event=bool(align))
    why |= {"trials": f"{len(table[first])} rows", "align": reason, "window_ms": held}
    last_s = float(np.nanmax(table[first])) / trials_per_second
    if trials_per_second != per_second and "NOT KNOWN" in why["per_second"] and last_s > LATER * spikes_s[1]:
        why["per_second"] += f"; spikes then end at {spikes_s[1]:.0f} s, and trials go on to {last_s:.0f} s: SET IT"
    if trials_per_second != per_second:
        settings["trials_per_second"] = trials_per_second
        unknown = " (NOT KNOWN: nothing says their sampling rate)" if trials_per_second == SAMPLES else ""
        why["trials_per_second"] = f"its times look like {CLOCKS[trials_per_second]}{unknown}"
    if names := condition({name: table[name] for name in others}, len(table[first])):
        settings["conditions"] = list(names)
        why["conditions"] = "few values, each in several trials: such trials share a PSTH; [] for none"
    return windows({name: one for name, one in seconds.items() if name in times}, seconds[first], stop)


def _trials_clock(starts: np.ndarray, spikes_s: tuple[float, float], per_second: float) -> float:
    """Return the unit of trials' times: the spikes' own if trials then lie among the spikes, else one where they do."""
    first, last = spikes_s
    for one in (per_second, *CLOCKS):
        inside = (starts / one >= first - 10) & (starts / one <= last + 10)
        if inside.mean() > 0.5 and np.ptp(starts / one) > 0.2 * (last - first):
            return one
    return per_second


def _time(table: Table) -> str | None:
    able = {name: one for name, one in table.items() if one.dtype.kind in "iufO" and not spike_layouts.is_channel(name)}
    usual = [name for name in able if bare(name) in spike_columns.SPIKES]
    lists = [name for name, one in able.items() if one.dtype.kind == "O"]
    floats = [name for name, one in able.items() if one.dtype.kind in "fO"]
    others = [name for name in able if bare(name) not in spike_columns.UNITS]
    return next((one[0] for one in (usual, lists, floats, others) if len(one) == 1), usual[0] if usual else None)


def _unit(table: Table) -> str | None:
    usual = [name for name in table if bare(name) in spike_columns.UNITS]
    able = {name: one for name, one in table.items() if one.dtype.kind in "iuU"}
    if any(one.dtype == object for one in table.values()):
        # A row a unit.
        others = [name for name, one in able.items() if len(np.unique(one)) == len(one)]
        return usual[0] if usual else next((name for name in others if bare(name) == "id" or len(others) == 1), None)
    others = [name for name, one in able.items() if len(np.unique(one)) < max(len(one) / 4, 2)]
    others = [name for name in others if not are_events(name, table[name])]
    return usual[0] if usual else others[0] if len(others) == 1 else None


def _is_even(one: np.ndarray) -> bool:
    """Tell whether a column rises by one step all along, as the times of bins do, and is no number of rows."""
    steps = np.diff(one) if one.dtype.kind == "f" and len(one) > FEWEST else np.zeros(1)
    return bool(steps.min() > 0 and np.ptp(steps) < 1e-3 * steps.mean())


def bare(name: str) -> str:
    """Return a column's name without folders before it, in small letters."""
    return name.strip().lower().rpartition("/")[2]


def line(name: str, one: np.ndarray) -> str:
    """Return a line on a column."""
    if one.dtype == object:
        return f"{name}: {len(one)} lists, {sum(map(len, one)):,} numbers in all"
    known = one[~np.isnan(one)] if one.dtype.kind == "f" else one[one != ""] if one.dtype.kind == "U" else one
    different, missing = len(np.unique(known)), len(one) - len(known)
    told = described(name, one) + (f", {missing} missing" if missing and one.dtype.kind == "U" else "")
    return told + (f", {different} different" if different < len(known) else "")
