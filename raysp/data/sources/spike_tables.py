"""A table of spikes, a row each, and a table of trials: CSV or Parquet, as spike sorters and scripts write them.

An NPZ file of pynapple is such a table, a TsGroup of spikes and units, an IntervalSet of trials; of another NPZ or HDF5
file the vectors are columns, by their names.
A table of Parquet may have a row a unit, with a list of its times. A vector of times of NumPy has the vector of units
beside it: `spike_times.npy` and `spike_clusters.npy` of phy, `spikes.times.npy` and `spikes.clusters.npy` of ALF.

Without a table of trials the recording is cut into windows that follow each other.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from raysp.config import settings
from raysp.data.formats import (
    chosen_rows,
    clock_text,
    cut_off,
    pynapple_npz,
    sorted_folder,
    table_batches,
    table_file,
    vector_file,
    whose,
)
from raysp.data.formats.nwb import Units
from raysp.data.formats.precision import coarse
from raysp.data.formats.session import Session
from raysp.data.formats.starred import STAR
from raysp.data.formats.table_file import VECTOR
from raysp.data.sources import (
    bins_of_trials,
    by_unit,
    hidden_parts,
    joined,
    large_tables,
    rows_of_events,
    sampled_table,
    spike_layouts,
    trial_ends,
)
from raysp.data.sources.large_tables import Columns
from raysp.data.sources.proposed import STARTS, STOPS, edges
from raysp.data.sources.session_windows import trials_of
from raysp.data.sources.spike_columns import (
    SPIKES,
    UNITS,
    Reader,
    Table,
    check_units,
    dropped,
    ids,
    named,
    odd,
    seconds,
    silent,
)
from raysp.data.sources.spike_layouts import Laid
from raysp.data.sources.spike_tables_config import Config, beside, inputs, named_in
from raysp.data.splits.header import Provenance
from raysp.data.splits.population import Answers, PopulationSplit
from raysp.errors import BadInput
from raysp.io import files
from raysp.io.words import listed

VERSION = "spike_tables-7"
READS = (".csv", ".tsv", ".parquet", ".pq", ".pqt", ".npy", ".json")
UNUSED = (
    "{name} says which trial each spike is of, and is not used: windows lie over what is between trials, too; give "
    "trials, a table of their begins, and align"
)
EDGES = {"start_time": STARTS, "stop_time": STOPS}
"""Columns of a table of trials that say when one began and ended -> names they go by."""


def build(config: Config, name: str) -> tuple[PopulationSplit, Answers]:
    """Make a split of the tables, and its answers.

    Raises:
        BadInput: a table or a column is missing or damaged, or no spike lies in a window; nothing was written.
    """
    cut = tuple(note for path in named_in(config) for note in cut_off.notes(path))
    found = read_session(config)
    found = dataclasses.replace(found, notes=(*found.notes, *vector_file.notes(config.path), *cut))
    read = tuple((os.path.basename(path), files.sha256(path)) for path in inputs(config))
    return _split(config, found, name, read)


def build_tables(
    tables: Mapping[str, Table], others: Mapping[str, object], name: str
) -> tuple[PopulationSplit, Answers]:
    """Make a split of tables in memory, and its answers.

    Args:
        tables: setting of `Config` that names a table ("path", "trials", "units") -> its columns.
        others: the other settings.
        name: of the split.

    Raises:
        BadInput: as `build` does.
    """
    called = {setting: "spikes" if setting == "path" else setting for setting in tables}
    config = settings.build(Config, {**others, **called}, f"recording {name}")
    by_name = {called[setting]: table for setting, table in tables.items()}
    return _split(config, read_session(config, lambda path, **_: dict(by_name[path])), name, ())


def build_read(
    config: Config, name: str, read: Reader, paths: Sequence[str], version: str, per_second: float
) -> tuple[PopulationSplit, Answers]:
    """Make a split of tables that another source reads, and its answers.

    Args:
        config: how they are cut.
        name: of the split.
        read: returns the columns of a table, that of the spikes among them.
        paths: of all files that are read.
        version: of the other source.
        per_second: units of the spikes' times in a second.

    Raises:
        BadInput: as `build` does.
    """
    config = dataclasses.replace(config, per_second=per_second)
    recordings = tuple((os.path.basename(path), files.sha256(path)) for path in paths)
    found, doubted = _split(config, read_session(config, read), name, recordings)
    return dataclasses.replace(found, provenance=dataclasses.replace(found.provenance, builder=version)), doubted


def _split(
    config: Config, found: Session, name: str, read: tuple[tuple[str, str], ...]
) -> tuple[PopulationSplit, Answers]:
    whole, rows = trials_of(found, config, config.align or ("start_time" if config.trial else None))
    doubts = hidden_parts.doubts(whole, config, found.where)
    return hidden_parts.split_of(whole, rows, config, name, found.where, Provenance(read, VERSION, notes=doubts))


def read_session(config: Config, read: Reader = table_file.read) -> Session:
    """Read the tables, by a function that returns one's columns. Raises as `build` does.

    Of a large table of spikes nothing is held, and spikes are counted as they are read.
    """
    found = _spikes_and_trials(config, read)
    return found if config.behavior is None else dataclasses.replace(found, series=sampled_table.series(config, read))


def _spikes_and_trials(config: Config, read: Reader) -> Session:
    if read is table_file.read and table_batches.is_large(config.path, table_file.LARGE_BYTES):
        if not (config.trial or STAR in (config.time or "")):
            return _streamed(config, read)
        table_batches.check_held(config.path)
    if config.units is None and read is table_file.read and pynapple_npz.is_group(config.path):
        # It lists units that never fired, too.
        config = dataclasses.replace(config, units=config.path)
    table, said = _spikes(config, read)
    time = named(table, None if said is not None else config.time, "time", SPIKES, config.path)
    own = None if said is not None else config.unit and config.unit.removesuffix(VECTOR)
    unit = named(table, own, "unit", UNITS, config.path)
    if len(table[time]) != len(table[unit]):
        told = f"{config.path} expected a unit for each of {len(table[time])} times in {time}"
        raise BadInput(f"{told}, got {len(table[unit])} in {unit}; name others: time=NAME, unit=NAME")
    if unit == config.trial:
        told = f"{config.path} expected units and trials in two columns"
        raise BadInput(f"{told}; of one unit, add a column unit of ones")
    if len(table[time]) == 0:
        raise BadInput(f"{config.path} expected a row for each spike, got none")
    if said is None:
        rows_of_events.check(table, time, unit, config.path)
    twice = () if said is not None or config.channel is not None else spike_layouts.merged(table, unit)
    if config.channel is not None:
        channel = named(table, config.channel, "channel", set(), config.path)
        twice = spike_layouts.unsorted(spike_layouts.odd(table[unit]), len(table[unit]))
        table[unit] = spike_layouts.with_channel(table[unit], table.pop(channel), config.path)
    if said is None and config.trial is None and config.trials is None:
        unused = [name for name in bins_of_trials.likely(table) if name not in (time, unit)]
        twice += tuple(UNUSED.format(name=name) for name in unused if len(np.unique(table[name])) > 1)
    known = by_unit.distinct(table[unit])
    rows: Table = {}
    if table[time].dtype == object:
        if config.trial is not None:
            trial = named(table, config.trial, "trial", set(), config.path)
            own_columns = (*config.conditions, *config.keep, *config.decode)
            rows = spike_layouts.trials_of_rows(table, trial, own_columns, config.path)
            for name in _ends(table, config):
                # What differs between the rows of a trial is not its end.
                with contextlib.suppress(BadInput):
                    rows |= spike_layouts.trials_of_rows(table, trial, (name,), config.path)
        table = spike_layouts.of_lists(table, time)
    times = seconds(table[time], time, config.per_second, config.path)
    said_of_steps = coarse(table[time].dtype, times, "spike", config.per_second, config.bin_ms)
    # Of tens of millions of spikes each copy is a large part of the memory.
    of_unit = table.pop(unit)
    if config.trial is not None:
        laid, trials, observed, ends = _of_trials(table, times, config, read, rows)
        units, notes = _units(laid.times, of_unit, known, config, read)
        offsets = np.arange(len(units) + 1) * len(observed)
        units = dataclasses.replace(units, intervals=np.tile(observed, (len(units), 1)), interval_offsets=offsets)
        notes = (*twice, *said_of_steps, *ends, *notes)
        return Session(units, trials, os.path.basename(config.path), notes=notes, by_trial=True)
    table.clear()
    twice += joined.restarts(times, of_unit)
    units, notes = _units(times, of_unit, known, config, read)
    trials, wide = ({}, ()) if config.trials is None else _trials(config, config.trials, read)
    notes = (*(said or ()), *twice, *said_of_steps, *wide, *notes)
    return Session(units, trials, os.path.basename(config.path), notes=notes)


def _of_trials(
    table: Table, times: np.ndarray, config: Config, read: Reader, rows: Table
) -> tuple[Laid, Table, np.ndarray, tuple[str, ...]]:
    """Return spikes of trials with times of their own, laid one after the other, and the table of these trials.

    `rows` are the trials of a table with a row for each trial and unit. What follows are (trials, 2) when each was
    observed, s, and notes on that.
    """
    which = whose.numbered(table[named(table, config.trial, "trial", set(), config.path)])
    listed_ = rows if config.trials is None else read(config.trials)
    own = whose.numbered(listed_[named(listed_, config.trial, "trial", set(), str(config.trials))]) if listed_ else None
    numbers, row, place = spike_layouts.rows_of(which, own, f"{config.trials or config.path}")
    event = np.zeros(len(numbers))
    if config.align is not None:
        align = listed_[named(listed_, config.align, "align", set(), str(config.trials))]
        event = seconds(align, config.align, config.trials_per_second or config.per_second, str(config.trials))[place]
    reaches = (*(config.window_ms or ()), (config.window_ms or (0.0, 0.0))[1] + config.forward_ms)
    reach = float(np.abs(event).max(initial=0.0)) + max(map(abs, reaches)) / 1000.0
    laid = spike_layouts.laid_out(times, row, len(numbers), reach, config.clock_ms / 1000.0)
    trials = {name: values[place] for name, values in listed_.items() if own is not None and len(values) == len(own)}
    for name in (*config.conditions, *config.keep, *config.decode):
        if name not in trials:
            values = table[named(table, name, "conditions", set(), config.path)]
            trials[name] = spike_layouts.of_each_trial(values, row, len(numbers), f"{config.path}: {name}")
    ends = _ends(table, config)
    for name in ends:
        if name not in trials:
            with contextlib.suppress(BadInput):
                trials[name] = spike_layouts.of_each_trial(table[name], row, len(numbers), config.path)
    ids = {"id": numbers} if numbers.dtype.kind in "iu" else {}
    # Begins and ends in the table may be of another clock.
    kept = {name: values for name, values in trials.items() if name not in ("start_time", "stop_time", "id", *ends)}
    times_ = {config.align: laid.begin + event} if config.align is not None else {}
    extent = trial_ends.Extent.of_rows(times, row, len(numbers))
    per_second = config.trials_per_second or config.per_second
    others = {name: clock_text.in_seconds(one, per_second) for name, one in trials.items() if one.dtype.kind in "iuf"}
    start = next((others[name] for name in STARTS if name in others), np.zeros(len(numbers)))
    stop, notes = trial_ends.taken(others, start, extent)
    windows = event[:, None] + np.array([reaches[0], reaches[-1]]) / 1000.0
    unknown = " Give trials with a column stop_time" if stop is None else ""
    observed = laid.begin[:, None] + trial_ends.observed(extent, stop, laid.reach)
    stops = {} if stop is None else {"stop_time": laid.begin + stop}
    whole = {**kept, **ids, "start_time": laid.begin, **stops, **times_}
    return laid, whole, observed, (*notes, *trial_ends.silent(extent, windows, unknown))


def _streamed(config: Config, read: Reader) -> Session:
    head = table_batches.beginning(config.path)
    time, unit, *_ = _chosen(head, config)
    rows_of_events.check(
        {name: table_file.column(head[name]) for name in _chosen(head, config)}, time, unit, config.path
    )
    used = None
    columns = Columns(config.path, time, unit, config.per_second, config.channel)
    if config.units is not None:
        used = _listed_units(columns.some(head), config, config.units, read)
    elif table_file.is_lists(head[time]):
        used = large_tables.listed(columns)
    units = large_tables.summed(columns, used, config.units)
    trials, told = ({}, ()) if config.trials is None else _trials(config, config.trials, read)
    first = {name: table_file.column(head[name]) for name in (unit, *_channels(head, config))}
    twice = spike_layouts.merged(first, unit)
    notes = (*twice, *told, *large_tables.steps(columns, head, units, config.bin_ms))
    return Session(units, trials, os.path.basename(config.path), notes=notes)


def _spikes(config: Config, read: Reader) -> tuple[Table, tuple[str, ...] | None]:
    """Return a column of times and one of units, and notes where these were made of vectors of a unit each, or None."""
    if STAR in (pattern := config.time or ""):
        found = read(config.path, only=lambda names: spike_layouts.chosen(names, pattern))
        return spike_layouts.of_each_unit(found, pattern, config.path)
    vector = config.path.lower().endswith(VECTOR)
    table = read(config.path, lists=True, only=None if vector else lambda names: _chosen(names, config))
    if (path := beside(config)) is not None:
        table |= read(path)
        lengths = {name: len(one) for name, one in table.items()}
        if len(set(lengths.values())) > 1:
            raise BadInput(f"{config.path} expected a unit for each of its spikes beside it, got lengths {lengths}")
    return table, None


def _ends(names: Iterable[str], config: Config) -> list[str]:
    """Return the columns that may say when trials end whose spikes lie beside them."""
    return [name for name in names if config.trial and config.trials is None and trial_ends.is_named(name)]


def _others(names: Iterable[str], config: Config) -> list[str]:
    """Return the other columns that are read."""
    of_trials = (*config.conditions, *config.keep, *config.decode) if config.trial else ()
    found = (
        *(bins_of_trials.likely(names) if config.trial is None and config.trials is None else ()),
        config.channel,
        config.trial,
        *_channels(names, config),
        *rows_of_events.asked(names),
        *_ends(names, config),
        *(name for name in of_trials if name in names),
    )
    return list(dict.fromkeys(name for name in found if name))


def _channels(names: Iterable[str], config: Config) -> list[str]:
    """Return the columns of channels where none is set: on each units may be numbered anew."""
    return [] if config.channel else [name for name in names if spike_layouts.is_channel(name)]


def _chosen(names: Iterable[str], config: Config) -> list[str]:
    """Return the columns of times and of units. Raises BadInput where none is, or several are."""
    table = list(names)
    time = named(table, config.time, "time", SPIKES, config.path)
    return [time, named(table, config.unit, "unit", UNITS, config.path), *_others(table, config)]


def _units(
    times: np.ndarray, of_unit: np.ndarray, there: np.ndarray, config: Config, read: Reader
) -> tuple[Units, tuple[str, ...]]:
    if len(times) == 0:
        raise BadInput(f"{config.path} expected a row for each spike, got none")
    check_units(of_unit, config.path)
    known, notes = there, tuple[str, ...]()
    if config.units is not None:
        known = _listed_units(there, config, config.units, read)
        notes = silent(known, there, config.units)
    placed, offsets, others = by_unit.placed(times, of_unit, known)
    rows_of_events.check_alike(placed, offsets, config.path)
    if (left := len(times) - len(placed)) == len(times):
        raise BadInput(f"{config.path}: none of its {len(times)} spikes is of a unit that {config.units} lists")
    numbers, said, names = ids(known)
    return Units(numbers, placed, offsets, names=names), (*notes, *dropped(left, len(times), others), *said)


def _listed_units(there: np.ndarray, config: Config, path: str, read: Reader) -> np.ndarray:
    """Return the units that are used, ascending, by the table of units; `there` are some of the spikes' units."""
    table = read(path)
    if not len(next(iter(table.values()), ())):
        raise BadInput(f"{path} expected a row for each unit, got none")
    own = config.unit if config.unit and config.unit in table else None
    column = table[named(table, own, "unit", {*UNITS, "id"}, path)]
    if (column.dtype.kind in "iuf") != (there.dtype.kind in "iuf"):
        told = f"{path} expected units as {config.path} names them ({listed(np.unique(there))})"
        raise BadInput(f"{told}, got {listed(np.unique(column))}")
    named_ = {name: table[named(table, name, "keep_units", set(), path)] for name in config.keep_units}
    return np.unique(column[chosen_rows.kept(named_, config.keep_units, len(column), "unit", path)])


def _trials(config: Config, path: str, read: Reader) -> tuple[Table, tuple[str, ...]]:
    """Return the table of trials, times in s, and notes on them."""
    table = sorted_folder.columns(path) if path.lower().endswith(VECTOR) else read(path)
    # Vectors of one file may be of spikes, too.
    length = len(table[named(table, config.align, "align", set(), path)])
    table = {name: values for name, values in table.items() if len(values) == length}
    per_second = config.trials_per_second or config.per_second
    for name in (str(config.align), *config.conditions, *config.keep, *config.decode):
        named(table, name, "align", set(), path)
    if (align := table[str(config.align)]).dtype.kind not in "iuf":
        told = f"{path}: column {config.align!r} expected times as numbers, such as 1234.5, or {clock_text.EXAMPLE}"
        raise BadInput(f"{told}, got {odd(align)}")
    own = edges([name for name, values in table.items() if values.dtype.kind in "iuf"])
    times = {str(config.align), *(name for names in EDGES.values() for name in names), *own.values()}
    found = {
        name: clock_text.in_seconds(values, per_second) if name in times and values.dtype.kind in "iuf" else values
        for name, values in table.items()
    }
    found = {**{edge: found[name] for edge, name in own.items()}, **found}
    if len(next(iter(found.values()))) == 0:
        raise BadInput(f"{path} expected a row for each trial, got none")
    used = (str(config.align), *(EDGES if config.masked_ends else ()))
    stored = {**table, **{edge: table[name] for edge, name in own.items()}}
    wide = (coarse(stored[name].dtype, found[name], name, per_second, config.bin_ms) for name in used if name in found)
    return found, tuple(note for notes in wide for note in notes)
