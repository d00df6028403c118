"""Spikes in a MATLAB file's structs and cell arrays, as laboratories keep them: of the recording, or trial by trial.

Each is named as in MATLAB, "trial.spikes". What lies there tells how it is read:

- of an array of structs, one a trial: a cell array of each unit's spike times, or a matrix (units, bins) of counts;
- a cell array (units, 1) of spike times of the whole recording, or the field of an array of structs, one a unit;
- a cell array (units, trials) or (trials, units) of spike times in each trial; or (channels, units) of the recording;
- a vector of spike times, with `units` a vector that says whose each is, `trial` one of its trial's number;
- variables with a vector of spike times for each unit: "sig*" stands for sig001a, sig001b and so on, "ch*.times" for
  fields of structs; of a folder, "cell_*.times" for variables of a file for each unit; with `by_trial`, for each trial;
- a matrix with a row (or column) of spike times for each unit that ends in NaN.

Trials may differ in length: with `masked_ends`, and always of matrices, the bins after their ends are masked.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from raysp.config.ranges import Positive
from raysp.data.formats import matlab_folder, matlab_values, starred
from raysp.data.formats.matlab_values import Struct, Value, Values
from raysp.data.formats.nwb import LATEST_S, Units, own_numbers
from raysp.data.formats.precision import coarse
from raysp.data.formats.session import Session
from raysp.data.sources import (
    hidden_parts,
    joined,
    matlab_behavior,
    matlab_cells,
    no_times,
    own_bins,
    spike_columns,
    spike_layouts,
    trial_ends,
)
from raysp.data.sources.cut import Cut, check_names
from raysp.data.sources.matlab_columns import columns_of, names_beside, number, numbers_beside, vector
from raysp.data.sources.matlab_counts import of_counts
from raysp.data.sources.proposed import STARTS, STOPS, edges
from raysp.data.sources.session_windows import trials_of
from raysp.data.sources.trial_numbers import ID, numbers_of, unnumbered
from raysp.data.splits.header import Provenance
from raysp.data.splits.population import Answers, PopulationSplit
from raysp.errors import BadInput, expect, present
from raysp.io import files

VERSION = "matlab_spikes-7"
BEGIN = "start_time"
BETWEEN_S = 1.0
"""Trials with times of their own are laid one after the other, so far apart."""
FROM_ZERO = "units are numbered from 0, as MATLAB is not: unit 17 is its 18th"
SHORTEST = 0.02
"""No trial's spikes all lie in so short a part of the windows: their times are in another unit."""


@dataclass(frozen=True)
class Config(Cut):
    """What is read; how it is cut: see `raysp.data.sources.cut`. Names are those of variables and fields, "data.go".

    Attributes:
        spikes: spike times, or counts, as this source's description says.
        units: of one vector of spike times, the vector that says whose each is.
        channels: the vector of each one's channel, where units are numbered anew on each: unit 3 of channel 12 is
            12003.
        trial: the vector of the number of each one's trial, from 1, where times count from each trial's begin.
        trials: the array of structs with a trial each, or the struct of vectors with a value for each trial: columns
            for `align`, `keep` and `conditions`; or one such vector, which is the column of its own name; or a matrix
            with a row a trial, "events", whose columns are "events(:,1)" and so on.
        per_second: units of all times in a second: 1 for s, 1000 for ms, 30000 for samples of a recording at 30 kHz.
        trials_per_second: as `per_second`, of all times in `trials`; None for the same.
        start: column with the begin of each trial, where spikes lie trial by trial and their times are the recording's;
            without it times in a trial count from its own begin.
        stop: column with the end of each trial, on its spikes' clock. Of spikes that lie trial by trial, by default a
            column that is called so, and where they end.
        counts_bin_ms: of matrices of counts, the width of their bins; `bin_ms` is a multiple of it.
        by_trial: what a star in `spikes` fits, or a cell, is a trial of one unit, or its cells are of a trial's units
            each; without it, a unit.
        bins_first: matrices of counts are (bins, units).
        behavior: samples of behaviour, a matrix or a vector for each variable, "trial.hand": of each trial, or of the
            whole recording; the mean of each bin is decoded.
        behavior_hz: samples in a second; the first one is at the trial's begin (of a recording: at 0).
        behavior_time: instead, the field of each sample's time, on the spikes' clock.
        behavior_per_second: as `per_second`, of the times in `behavior_time`; None for the same.

    Raises:
        BadInput: settings that contradict each other or are out of range.
    """

    spikes: str = dataclasses.field(kw_only=True)
    units: str | None = None
    channels: str | None = None
    trial: str | None = None
    trials: str | None = None
    per_second: Positive = 1.0
    trials_per_second: Positive | None = None
    start: str | None = None
    stop: str | None = None
    by_trial: bool = False
    counts_bin_ms: Positive | None = None
    bins_first: bool = False
    behavior: str | tuple[str, ...] = ()
    behavior_hz: Positive | None = None
    behavior_time: str | None = None
    behavior_per_second: Positive | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_names(self, ("spikes", "units", "channels", "trial", "trials", "start", "stop", "behavior_time"))
        matlab_behavior.check(self)
        if self.by_trial and self.units:
            raise BadInput(f"{self.where}, by_trial expected cells or variables of a trial each, got units, too")
        if (self.channels or self.trial) and self.units is None:
            raise BadInput(f"{self.where} expected units, the vector that says whose each spike is, got none")
        columns = [name for name in ("align", "start", "stop", "keep", "conditions", "decode") if getattr(self, name)]
        columns += ["trials_per_second"] * (self.trials_per_second is not None)
        if columns and self.trials is None:
            raise BadInput(f"{self.where}, {columns[0]} expected trials, the structs it is a column of, got none")
        if self.counts_bin_ms is not None:
            ratio = self.bin_ms / self.counts_bin_ms
            expect(
                abs(ratio - round(ratio)) < 1e-6 and round(ratio) > 0,
                f"{self.where}, bin_ms expected a multiple of counts_bin_ms {self.counts_bin_ms:g}, got {self.bin_ms}",
            )
        elif self.window_ms is None:
            raise BadInput(f"{self.where}, window_ms expected begin and end of the windows (ms), got none")

    @property
    def trials_clock(self) -> float:
        """Units of times of trials in a second."""
        return self.trials_per_second or self.per_second


def inputs(config: Config) -> list[str]:
    """Return the file, or of a folder its files of MATLAB."""
    return matlab_folder.paths(config.path) or [config.path]


def build(config: Config, name: str) -> tuple[PopulationSplit, Answers]:
    """Make a split of the file, and its answers.

    Raises:
        BadInput: a variable or field is missing, damaged or of another kind, or no spike lies in a window.
    """
    where = os.path.basename(config.path.rstrip(os.sep))
    with matlab_folder.opened(config.path) as file:
        found, columns = file[config.spikes], columns_of(file, config)
        if config.counts_bin_ms is not None:
            whole, rows = of_counts(found, columns, config, f"{where}: {config.spikes}"), None
            widths, names = (config.bin_ms, config.counts_bin_ms), [*file.names, *columns]
            told = own_bins.check(names, lambda name: number(file, columns, name), widths, 0, config.accept, where)
            whole = dataclasses.replace(whole, notes=(*whole.notes, *told))
        else:
            session = _session(file, found, columns, config, where)
            session = _named(session, file)
            none = unnumbered(session.trials, {config.align, config.start, config.stop, *STARTS, *STOPS})
            notes = (*session.notes, *none, *_wide(columns, config))
            session = dataclasses.replace(session, notes=notes)
            if config.behavior:
                begin = session.trials.get(BEGIN)
                moved = None if config.start or not session.by_trial else begin
                session = dataclasses.replace(session, series=matlab_behavior.series(file, config, begin, moved))
            whole, rows = trials_of(session, config, config.align or (BEGIN if BEGIN in session.trials else None))
    read = tuple((os.path.basename(path), files.sha256(path)) for path in inputs(config))
    doubts = hidden_parts.doubts(whole, config, where)
    return hidden_parts.split_of(whole, rows, config, name, where, Provenance(read, VERSION, notes=doubts))


def _session(file: Values, found: Value, columns: dict[str, np.ndarray], config: Config, where: str) -> Session:
    said = f"{where}: {config.spikes}"
    if isinstance(found, Struct):
        raise BadInput(f"{said} expected spike times, got {matlab_values.kind(found)}; name one of its fields")
    columns_s = _in_seconds(columns, config)
    if config.align is not None:
        able = {name: one / config.trials_clock for name, one in columns.items() if one.dtype.kind in "iuf"}
        named_ = (BEGIN, config.start), ("stop_time", config.stop)
        columns_s |= {edge: able[name] for edge, name in edges(able).items() if (edge, None) in named_}
    if config.units is not None:
        of = _of_spikes(file, config.units, found, said)
        odd = () if config.channels is None else spike_layouts.unsorted(spike_layouts.odd(of), len(of))
        if config.channels is not None:
            of = spike_layouts.with_channel(of, _of_spikes(file, config.channels, found, said), said)
        flat, ids = present(vector(found)), np.unique(of)
        if config.trial is not None:
            each_trial = _split(flat, of, _of_spikes(file, config.trial, found, said), columns, config, said)
            numbers = numbers_of(columns, len(each_trial), (config.align, config.start, config.stop))[0]
            if (numbers == np.arange(len(numbers))).all():
                # That vector counts them from 1.
                columns = {**columns, ID: numbers + 1}
            return _laid_out(each_trial, columns, config, where, ids)
        each = [flat[of == unit] for unit in ids]
        units = _units([_times(one, config, said) for one in each], said, ids)
        return Session(units, columns_s, where, notes=(*odd, *joined.restarts(flat, of), *_steps(each, units, config)))
    if (rows := matlab_values.padded(found)) is not None:
        found = matlab_values.objects(rows)
    if found.dtype != object:
        told = f"{said} expected a cell array of spike times, or units beside it, got {matlab_values.kind(found)}"
        raise BadInput(f"{told}; of a matrix with a row a unit, save num2cell(x, 2); of counts, give counts_bin_ms")
    odd = no_times.check([one for cell in found.ravel() for one in matlab_cells.vectors(cell)], said)
    odd += matlab_cells.swapped(found)
    session = _of_cells(file, found, columns, columns_s, config, where)
    return dataclasses.replace(session, notes=(*odd, *session.notes))


def _of_cells(
    file: Values,
    found: np.ndarray,
    columns: dict[str, np.ndarray],
    columns_s: dict[str, np.ndarray],
    config: Config,
    where: str,
) -> Session:
    said = f"{where}: {config.spikes}"
    trials = len(next(iter(columns.values()), ())) or None
    if not config.by_trial and trials not in found.shape and matlab_cells.of_recording(found, config.per_second):
        cells, places, empty = matlab_cells.filled(found)
        units = _units([_times(one, config, said) for one in cells], said, places)
        return Session(units, columns_s, where, notes=(*empty, *_steps(cells, units, config)))
    by_trial = matlab_cells.by_trial(found, trials, said)
    of_one = config.trials is not None and config.spikes.startswith(f"{config.trials}.")
    if by_trial is None and (of_one or config.by_trial):
        by_trial = [[one] for one in found.ravel()]
    if by_trial is not None:
        if (
            config.by_trial
            and not columns
            and starred.STAR in config.spikes
            and (called := starred.numbered(config.spikes, file.matching(config.spikes)))
        ):
            columns = {ID: np.array(called)}
        return _laid_out(by_trial, columns, config, where)
    own = numbers_beside(file, config.spikes, found.size) if starred.STAR not in config.spikes else None
    units = _units([_times(one, config, said) for one in found.ravel()], said, own and own[0])
    if own is not None:
        notes: tuple[str, ...] = (f"units have the numbers in {own[1]}",)
    elif starred.STAR in config.spikes:
        names = tuple(name.partition(".")[0] for name in file.matching(config.spikes))
        units = dataclasses.replace(units, names=names)
        notes = (spike_columns.in_order(names),)
    else:
        notes = (FROM_ZERO,)
    return Session(units, columns_s, where, notes=(*notes, *_steps(found.ravel(), units, config)))


def _named(session: Session, file: Values) -> Session:
    """Return a session whose units, where nothing numbers them, have the names that lie beside them."""
    if FROM_ZERO not in session.notes or not isinstance(session.units, Units):
        return session
    if not (names := names_beside(file, len(session.units))):
        return session
    notes = tuple(spike_columns.in_order(names) if note == FROM_ZERO else note for note in session.notes)
    return dataclasses.replace(session, units=dataclasses.replace(session.units, names=names), notes=notes)


def _of_spikes(file: Values, name: str, times: Value, where: str) -> np.ndarray:
    """Return the whole number that a vector has for each of the times."""
    found = file[name]
    alike = not (isinstance(times, Struct) or isinstance(found, Struct)) and times.size == found.size
    if not alike or isinstance(found, Struct) or found.dtype.kind not in "iuf" or vector(times) is None:
        told = f"{file.path}: {name} expected a number for each of the times in {where} ({matlab_values.kind(times)})"
        raise BadInput(f"{told}, got {matlab_values.kind(found)}; of names, save [~, ~, number] = unique(names)")
    spike_columns.check_units(found.ravel(), f"{file.path}: {name}")
    return found.ravel().astype(np.int64)


def _split(
    times: np.ndarray, of: np.ndarray, trial: np.ndarray, columns: dict[str, np.ndarray], config: Config, where: str
) -> list[list[Value]]:
    """Return each trial's spike times, unit by unit, of all spikes' times, units and numbers of trials, from 1."""
    count = len(next(iter(columns.values()))) if columns else int(trial.max(initial=0))
    if len(trial) and not 1 <= trial.min() <= trial.max() <= count:
        told = f"{where} expected trials 1 to {count}, as {config.trials or 'MATLAB'} counts them"
        raise BadInput(f"{told}, got {trial.min()} to {trial.max()} in {config.trial}")
    units, place = np.unique(of, return_inverse=True)
    each = (trial - 1) * len(units) + place
    order, ends = np.argsort(each, kind="stable"), np.cumsum(np.bincount(each, minlength=count * len(units)))
    parts: list[Value] = [*np.split(times[order], ends[:-1])]
    return [parts[row * len(units) : (row + 1) * len(units)] for row in range(count)]


def _times(value: Value, config: Config, where: str) -> np.ndarray:
    if isinstance(value, Struct) or value.dtype.kind not in "iufb" or (value.size and max(value.shape) != value.size):
        told = f"{where} expected vectors of spike times, got {matlab_values.kind(value)}"
        raise BadInput(f"{told}; of matrices of counts give counts_bin_ms")
    times = value.ravel().astype(np.float64) / config.per_second
    # MATLAB's users pad matrices with NaN.
    times = np.sort(times[~np.isnan(times)])
    expect(not len(times) or np.abs(times).max() <= LATEST_S, f"{where} expected times, got infinite or absurd ones")
    return times


def _steps(each: Iterable[Value], units: Units, config: Config) -> tuple[str, ...]:
    stored = {one.dtype for one in each if isinstance(one, np.ndarray) and one.size}
    return tuple(note for one in stored for note in coarse(one, units.times, "spike", config.per_second, config.bin_ms))


def _units(each: Sequence[np.ndarray], where: str, ids: np.ndarray | None = None) -> Units:
    expect(sum(map(len, each)), f"{where} expected spike times, got none at all")
    numbers, notes = own_numbers(np.arange(len(each)) if ids is None else ids, "units")
    return Units(numbers, np.concatenate(each), np.cumsum([0, *map(len, each)]), notes=notes)


def _in_seconds(
    columns: dict[str, np.ndarray], config: Config, zero_s: np.ndarray | float = 0.0
) -> dict[str, np.ndarray]:
    named = ((config.align, config.align), (config.start, BEGIN), (config.stop, "stop_time"))
    times = {said: columns[name] for name, said in named if name is not None and said is not None}
    for name, values in times.items():
        expect(values.dtype.kind in "iuf", f"{config.path}: {name} of trials expected times, got {values.dtype}")
    return {
        **columns,
        **{name: values.astype(np.float64) / config.trials_clock + zero_s for name, values in times.items()},
    }


def _wide(columns: dict[str, np.ndarray], config: Config) -> tuple[str, ...]:
    """Return the notes that times of trials are stored in wide steps."""
    used = [name for name in (config.align, config.start, config.stop) if name is not None]
    of = ((name, columns[name], columns[name].astype(np.float64) / config.trials_clock) for name in used)
    return tuple(
        note
        for name, stored, times in of
        for note in coarse(stored.dtype, times, name, config.trials_clock, config.bin_ms)
    )


def _laid_out(
    by_trial: list[list[Value]],
    columns: dict[str, np.ndarray],
    config: Config,
    where: str,
    ids: np.ndarray | None = None,
) -> Session:
    """Return trials with times of their own one after the other on one clock."""
    said = f"{where}: {config.spikes}"
    from_zero = (FROM_ZERO,) if ids is None else ()
    each = [[_times(unit, config, said) for unit in trial] for trial in by_trial]
    if columns:
        told = f"{said} expected spikes of as many trials as {config.trials} has"
        expect(len(next(iter(columns.values()))) == len(each), f"{told}, got {len(each)}")
    trials = len(each)
    begin = np.zeros(trials) if config.start is None else columns[config.start].astype(np.float64) / config.trials_clock
    expect(np.isfinite(begin).any(), f"{said} expected times in {config.start}, got NaN in all {trials} trials")
    extent = trial_ends.Extent.of(each, begin)
    windows = _windows(columns, config, begin)
    last = np.nanmax(np.abs([extent.first, extent.last]), initial=0.0)
    length_s = np.ptp(config.window_ms or (0.0, 0.0)) / 1000.0
    if 0.0 < last < SHORTEST * length_s:
        told = f"{said} expected times in trials as long as the windows, {length_s * 1000:g} ms, got up to {last:g} s"
        raise BadInput(f"{told}; give per_second as the times are: 1 for s, 1000 for ms")
    reach = float(np.nanmax(np.abs(windows), initial=last))
    others = {name: one / config.trials_clock for name, one in columns.items() if one.dtype.kind in "iuf"}
    stop, notes = (others[config.stop] - begin, ()) if config.stop else trial_ends.taken(others, begin, extent)
    unknown = " stop: NAME names the column of trials' ends" if stop is None else ""
    notes += trial_ends.silent(extent, windows, unknown)
    tick_s = config.clock_ms / 1000.0
    zero = begin if config.start else np.arange(1, trials + 1) * np.ceil((2 * reach + BETWEEN_S) / tick_s) * tick_s
    # A begin that is not known moves no spike.
    moved = np.zeros(trials) if config.start else zero
    joined = [
        np.sort(np.concatenate([times + at for times, at in zip(unit, moved, strict=True)]))
        for unit in zip(*each, strict=True)
    ]
    units = _units(joined, said, ids)
    notes += _steps((one for trial in by_trial for one in trial), units, config) if config.start else ()
    observed = zero[:, None] + trial_ends.observed(extent, stop, reach)
    observed = observed[np.isfinite(observed).all(axis=1)]
    table = {**_in_seconds(columns, config, moved), BEGIN: zero}
    table["stop_time"] = zero + stop if stop is not None else np.full(trials, np.nan)
    count = len(units)
    offsets = np.arange(count + 1) * len(observed)
    units = dataclasses.replace(units, intervals=np.tile(observed, (count, 1)), interval_offsets=offsets)
    return Session(units, table, where, notes=(*from_zero, *notes), by_trial=True)


def _windows(columns: dict[str, np.ndarray], config: Config, begin: np.ndarray) -> np.ndarray:
    """Return where windows lie in their trials, (trials, 2) s since each one's begin."""
    event = columns[config.align].astype(np.float64) / config.trials_clock - begin if config.align else 0.0 * begin
    first_ms, last_ms = config.window_ms or (0.0, 0.0)
    return np.column_stack([event + first_ms / 1000.0, event + (last_ms + config.forward_ms) / 1000.0])
