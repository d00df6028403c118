"""A proposal for a MATLAB file: its arrays of counts, or spikes in its structs and cell arrays."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence

import numpy as np

from raysp.config.settings import Plain
from raysp.data.formats import matlab_folder, matlab_values, starred, whose
from raysp.data.formats.matlab_values import Struct, Value, Values
from raysp.data.sources import matlab_cells, proposal_arrays, proposal_matlab_behavior, trial_ends
from raysp.data.sources.clocks import Times, clock, is_whole, sampled
from raysp.data.sources.proposal_arrays import USUAL, bin_ms
from raysp.data.sources.proposal_matlab_names import of_names, trials_of_one_unit, untold
from raysp.data.sources.proposal_matlab_trials import Guess, on_clock
from raysp.data.sources.proposal_matlab_whole import continuous, flat, is_times, rise, scalars
from raysp.data.sources.proposed import (
    BIN_MS,
    OF_UNITS,
    USUAL_WIDTH,
    Proposal,
    condition,
    described,
    named,
    told_around,
    window,
    windows,
)
from raysp.errors import BadInput
from raysp.io.words import listed

DEPTH = 3
"""Structs in structs that are looked into: NEV.Data.Spikes.TimeStamp."""
BEFORE = 0.05
"""A part of a trial that spikes begin before its zero at least, where that is an event."""
FEWEST_TRIALS, SHORT_S = 10, 10.0
"""Cells whose spikes all lie within so many seconds are trials of one unit rather than units of a recording."""
ONE_UNIT = "NOT KNOWN: a cell for each trial of one unit, as no recording is so short? Of units set by_trial: false"
TRIAL_BY_TRIAL = "spike times, trial by trial"
"""Why spikes are read so that have times in each trial."""


def proposal(path: str) -> Proposal:
    """Return what a MATLAB file holds and how it could be read. Raises BadInput where it is damaged."""
    with matlab_folder.opened(path) as file:
        found, contents = _variables(file)
        if tables := matlab_folder.tables(path):
            contents.append(
                f"{listed(np.array(tables))}: not read beside files of MATLAB; trials are a file.mat of vectors"
            )
        spikes = [one for name, value in found.items() for one in _spikes(name, value, found)]
        spikes += of_names(found)
        if spikes:
            # What has a structure is spikes rather than a vector of anything.
            best = min(spikes, key=lambda one: ("units" in one.settings, "(" not in str(one.settings["spikes"])))
            if matlab_folder.paths(path) and starred.STAR not in str(best.settings["spikes"]):
                return Proposal("", contents=(*contents, "each file is a recording of its own: give one of them"))
            more = proposal_matlab_behavior.beside(found, best.settings)
            if not more.settings and not best.why["spikes"].startswith(TRIAL_BY_TRIAL) and "trial" not in best.settings:
                more = proposal_matlab_behavior.of_recording(found, best.settings)
            contents += more.lines
            why = ({} if "counts_bin_ms" in best.settings else {"bin_ms": USUAL_WIDTH}) | best.why | more.why
            return Proposal("matlab_spikes", best.settings | more.settings, why, tuple(contents), best.windows)
        arrays = {name: one for name, one in found.items() if isinstance(one, np.ndarray) and one.dtype != object}
        of_arrays = proposal_arrays.proposal(
            {name: lambda name: (arrays[name].shape, arrays[name]) for name in arrays}, path
        )
        contents += untold(found) or ([] if of_arrays.source else of_arrays.contents[len(arrays) :])
        return Proposal(of_arrays.source, of_arrays.settings, of_arrays.why, tuple(contents))


def _variables(file: Values) -> tuple[dict[str, Value], list[str]]:
    """Return what is in a file by name, fields of single structs too, and a line on each."""
    found: dict[str, Value] = {}
    contents = []
    for name in file.names:
        try:
            value = file[name]
        except BadInput as error:
            if len(file.names) == 1 and "damaged" in str(error):
                raise
            contents.append(f"{name}: {str(error).removeprefix(f'{file.path}: ')}")
            continue
        found[name] = value
        contents.append(_line(name, value))
        _fields(file, name, found, contents)
    return found, contents


def _line(name: str, value: Value) -> str:
    if isinstance(value, Struct) or value.dtype == object:
        return f"{name}: {matlab_values.kind(value)}"
    return described(name, value)


def _fields(file: Values, name: str, found: dict[str, Value], contents: list[str]) -> None:
    """Put in the fields of a single struct, and those of structs in it."""
    value, depth = found[name], name.count(".")
    for field in value.names if isinstance(value, Struct) and value.count == 1 and depth < DEPTH else ():
        inner = f"{name}.{field}"
        with contextlib.suppress(BadInput):
            found[inner] = file[inner]
            contents.append(f"{'  ' * (depth + 1)}{_line(inner, found[inner])}")
            _fields(file, inner, found, contents)


def _spikes(name: str, value: Value, found: Mapping[str, Value]) -> list[Guess]:
    """Return how spikes could lie in a variable."""
    if isinstance(value, Struct):
        return (
            [one for field in value.names for one in _in_struct(name, value, field, found)] if value.count > 1 else []
        )
    if value.dtype == object and value.size > 1:
        return _in_cells(name, value, found)
    if value.dtype.kind in "fiu" and value.size == max(value.shape, default=0) and value.size > 20:
        return _in_vector(name, value, found)
    if (rows := matlab_values.padded(value)) is not None and rise(rows):
        return [continuous(name, rows, found)]
    return _in_columns(name, value, found)


def _in_columns(name: str, value: np.ndarray, found: Mapping[str, Value]) -> list[Guess]:
    """Return how spikes lie in a matrix with a row a spike, of which one column says whose it is and one when."""
    if value.ndim != 2 or value.dtype.kind not in "fiu" or not 2 <= value.shape[1] <= 4 or len(value) <= 20:
        return []
    columns = {f"{name}(:,{place + 1})": flat(one) for place, one in enumerate(value.T)}
    able = {key: one for key, one in columns.items() if _is_units(one)}
    times = [key for key, one in columns.items() if key not in able and len(np.unique(one)) > len(one) / 4]
    if not able or not times:
        return []
    rising = [key for key in times if (np.diff(columns[key]) >= 0).all()]
    return [
        _of_rows((rising or times)[0], columns, able, found, "a matrix with a row a spike: this column is the times")
    ]


def _of_rows(
    when: str,
    columns: Mapping[str, np.ndarray],
    able: Mapping[str, np.ndarray],
    found: Mapping[str, Value],
    reason: str,
) -> Guess:
    """Return how spikes lie in columns with a row a spike: their times, and `able`, which say whose they are."""
    who, times = whose.whose(able), columns[when]
    units = whose.pairs(able[who.unit], able[who.channel or who.unit])
    settings, why, around = continuous(when.partition("(")[0], [times], found, units)
    if who.channel is not None:
        per_second, span = float(str(settings["per_second"])), float(np.ptp(times))
        if whose.in_trials(times, able[who.channel], span / per_second):
            # Each unit of each trial fires as units do.
            known = Times(len(times), 0.0, span, is_whole(times))
            clocks = sampled(scalars(found), known, units, span) or clock(known, units, span)
            return _in_rows_of_trials(when, who.unit, who.channel, times, clocks)
        settings["channels"], why["channels"] = who.channel, "units are numbered anew on each"
    settings |= {"spikes": when, "units": who.unit}
    why |= {"spikes": reason, "units": "whose each spike is"}
    return Guess(settings, why, around)


def _in_rows_of_trials(when: str, unit: str, trial: str, times: np.ndarray, of_times: tuple[float, str]) -> Guess:
    per_second, reason = of_times
    first, last = (np.percentile(times, share) * 1000 / per_second / BIN_MS for share in (0.1, 99.9))
    begin, end = BIN_MS * int(np.floor(first)) if first < -1 else 0, BIN_MS * int(np.ceil(last))
    settings: dict[str, Plain] = {"spikes": when, "units": unit, "trial": trial, "per_second": per_second}
    why = {
        "spikes": "the time of each spike in its trial",
        "units": "whose each spike is",
        "trial": "NOT KNOWN: times begin anew in each; of a channel's numbers, give channels instead",
        "per_second": reason,
        "window_ms": "ms around each trial's zero, as far as spikes lie",
    }
    return Guess({**settings, "window_ms": [begin, end], "bin_ms": BIN_MS}, why)


def _in_struct(name: str, value: Struct, field: str, found: Mapping[str, Value]) -> list[Guess]:
    each = value.field(field)
    columns = _columns(value)
    if all(isinstance(one, np.ndarray) and one.dtype == object and is_times(one) for one in each):
        times = [np.concatenate([flat(cell) for cell in one.ravel()]) for one in each]  # type: ignore[union-attr]
        return [_of_trials(f"{name}.{field}", name, columns, times, each[0].size, found)]  # type: ignore[union-attr]
    if (guess := _of_matrices(f"{name}.{field}", each, columns)) is not None:
        settings, why, _ = guess
        settings["trials"] = name
        others = [other for other in value.names if other != field and _of_matrices(other, value.field(other), {})]
        alike = [f"{name}.{other}" for other in others if USUAL.search(other)]
        if alike:
            why["spikes"] += f"; not read, which may be counts, too: {listed(np.array(alike))}"
        return [_with_conditions(settings, why, columns, value.count)]
    vectors = [one for one in each if isinstance(one, np.ndarray) and one.dtype.kind in "fiu" and one.size > 1]
    if vectors and all(one.size == max(one.shape) for one in vectors) and rise(list(map(flat, vectors))):
        empty = sum(isinstance(one, np.ndarray) and one.size == 0 for one in each)
        if len(vectors) + empty == len(each):
            return [continuous(f"{name}.{field}", list(map(flat, vectors)), found)]
    return []


def _of_matrices(name: str, each: Sequence[Value], columns: Mapping[str, np.ndarray]) -> Guess | None:
    """Return how matrices of counts, a trial each, could be read; None of anything else."""
    matrices = [one for one in each if isinstance(one, np.ndarray) and one.ndim == 2 and min(one.shape) > 1]
    if not matrices or len(matrices) < len(each) or not all(is_whole(one) for one in matrices):
        return None
    firsts, seconds = ({one.shape[axis] for one in matrices} for axis in (0, 1))
    bins_first = len(firsts) > len(seconds) or matrices[0].shape[0] > matrices[0].shape[1]
    turned = [one if bins_first else one.T for one in matrices]
    width, reason = bin_ms({key: one[:1] for key, one in columns.items()}, np.concatenate(turned))
    settings: dict[str, Plain] = {"spikes": name, "counts_bin_ms": width, "bin_ms": width}
    why = {"spikes": "a matrix of counts for each trial", "counts_bin_ms": reason}
    if width < BIN_MS and (BIN_MS / width).is_integer():
        settings["bin_ms"], why["bin_ms"] = BIN_MS, "a usual width; it must be a multiple of counts_bin_ms"
    if bins_first:
        settings["bins_first"], why["bins_first"] = True, "the first axis differs from trial to trial, or is longer"
    return Guess(settings, why)


def _in_cells(name: str, value: np.ndarray, found: Mapping[str, Value]) -> list[Guess]:
    if (guess := _of_matrices(name, list(value.ravel()), scalars(found))) is not None:
        return [guess]
    if not is_times(value):
        return _nested(name, value, found)
    cells = [flat(one) for one in value.ravel()]
    filled = [one for one in cells if len(one)]
    joined = np.concatenate([np.zeros(0), *filled])
    if 1 not in value.shape and matlab_cells.of_recording(value, clock(Times.of(joined), len(filled))[0]):
        return [continuous(name, filled, found)]
    if 1 in value.shape:
        if len(filled) >= FEWEST_TRIALS and np.ptp(joined) / clock(Times.of(joined), len(filled))[0] < SHORT_S:
            return [trials_of_one_unit(name, cells, ONE_UNIT)]
        return [continuous(name, cells, found)]
    for other, table in found.items():
        if isinstance(table, Struct) and table.count > 1 and table.count in value.shape:
            trials = value if value.shape[0] == table.count else value.T
            times = [np.concatenate([flat(one) for one in row]) for row in trials]
            return [_of_trials(name, other, _columns(table), times, trials.shape[1], found)]
    beside = {
        other: one
        for other, one in found.items()
        if isinstance(one, np.ndarray) and one.size in value.shape and one.size == max(one.shape, default=0)
        if one.dtype != object or OF_UNITS.search(other) is None
    }
    if not beside:
        return _beside_matrix(name, value, found)
    # Vectors of units, their depths or channels, may lie beside those of trials, of which there are mostly more.
    other = max(beside, key=lambda one: (OF_UNITS.search(one) is None, beside[one].size))
    trials = value if value.shape[0] == beside[other].size else value.T
    times = [np.concatenate([flat(cell) for cell in row]) for row in trials]
    settings, why, around = _of_trials(
        name, other, {other.rpartition(".")[2]: beside[other].ravel()}, times, trials.shape[1], found
    )
    if len({one.size for one in beside.values()}) > 1:
        why["trials"] = f"NOT KNOWN: is {other} of trials, and what is {trials.shape[1]} long of units?"
    return [Guess(settings, why, around)]


def _beside_matrix(name: str, value: np.ndarray, found: Mapping[str, Value]) -> list[Guess]:
    """Return how cells of units and trials lie beside a matrix with a row a trial."""
    for other, one in found.items():
        table = {key: column for key, column in matlab_values.columns(other, one).items() if len(column) in value.shape}
        rows = len(next(iter(table.values()), ()))
        if rows and value.shape.count(rows) == 1:
            trials = value if value.shape[0] == rows else value.T
            times = [np.concatenate([flat(cell) for cell in row]) for row in trials]
            # Numbers of trials and codes of conditions are no times.
            fractions = {key: column for key, column in table.items() if not is_whole(column)}
            whole = {key: column.astype(int) for key, column in table.items() if key not in fractions}
            return [_of_trials(name, other, fractions | whole, times, trials.shape[1], found)]
    return []


def _nested(name: str, value: np.ndarray, found: Mapping[str, Value]) -> list[Guess]:
    """Return how cells with a cell for each unit lie, a trial each; nothing where they hold something else."""
    cells = [one for one in value.ravel() if isinstance(one, np.ndarray) and one.dtype == object]
    if len(cells) < max(value.size, 2) or len({one.size for one in cells}) > 1 or not all(map(is_times, cells)):
        return []
    times = [np.concatenate([flat(cell) for cell in one.ravel()]) for one in cells]
    inside = name.rpartition(".")[0]
    vectors = {
        key.rpartition(".")[2]: one.ravel() for key, one in found.items()
        if inside and key.startswith(f"{inside}.") and isinstance(one, np.ndarray) and one.dtype != object
        and one.size == value.size == max(one.shape)
    }  # fmt: skip
    settings, why, around = _of_trials(name, inside, vectors, times, cells[0].size, found)
    if not vectors:
        del settings["trials"], why["trials"]
    if told := matlab_cells.swapped(value):
        why["spikes"] += f"; NOT KNOWN: {told[0]}"
    return [Guess(settings, why, around)]


def _in_vector(name: str, value: np.ndarray, found: Mapping[str, Value]) -> list[Guess]:
    if _is_units(value):
        return []
    able = {
        other: flat(units)
        for other, units in found.items()
        if other != name
        and isinstance(units, np.ndarray)
        and units.dtype.kind in "iuf"
        and units.size == value.size == max(units.shape)
        and _is_units(units)
    }
    reason = "spike times, with as many whole numbers beside them"
    return [_of_rows(name, {name: flat(value)}, able, found, reason)] if able else []


def _is_units(value: np.ndarray) -> bool:
    return is_whole(value) and len(np.unique(value)) < value.size / 4


def _columns(table: Struct) -> dict[str, np.ndarray]:
    """Return the fields of an array of structs that hold one number or text each."""
    found = {}
    for name in table.names:
        each = table.field(name)
        if all(isinstance(one, np.ndarray) and one.dtype != object and one.size == 1 for one in each):
            found[name] = np.array([one.item() for one in each if isinstance(one, np.ndarray)])
    return {name: one.astype(float) if one.dtype.kind in "iu" and "time" in name.lower() else one
            for name, one in found.items()}  # fmt: skip


def _of_trials(
    spikes: str,
    table: str,
    columns: Mapping[str, np.ndarray],
    times: Sequence[np.ndarray],
    units: int,
    found: Mapping[str, Value],
) -> Guess:
    """Return settings for spike times that lie trial by trial."""
    lengths = np.array([np.ptp(one) if len(one) > 1 else 0.0 for one in times])
    joined = np.concatenate([np.zeros(0), *times])
    # Laid one after the other they fire as long as all trials last.
    known = Times(len(joined), 0.0, float(lengths.sum()), is_whole(joined))
    length = float(np.median(lengths))
    per_second, told = sampled(scalars(found), known, units, length) or clock(known, units, length)
    settings: dict[str, Plain] = {"spikes": spikes, "trials": table, "per_second": per_second}
    why = {
        "spikes": TRIAL_BY_TRIAL,
        "trials": f"{len(times)} structs, a trial each",
        "per_second": told,
    }
    firsts = np.array([one.min() if len(one) else np.nan for one in times])
    own = columns
    columns, other, reason = on_clock(columns, firsts, lengths, per_second)
    if other != per_second:
        settings["trials_per_second"], why["trials_per_second"] = other, reason
    start_name = named(list(columns), "start_time", "start", "begin", "t_start")
    absolute = start_name is not None and bool(np.nanmedian(firsts - columns[start_name]) < lengths.max()) and bool(
        # The first trial may lie anywhere, and begin with the recording.
        np.nanmin(np.sort(firsts)[1:]) > np.nanmedian(lengths)
    )  # fmt: skip
    if absolute and start_name is not None:
        settings["start"], why["start"] = start_name, "spike times are the recording's, so this is where a trial begins"
    zero = columns[start_name] if absolute and start_name is not None else np.zeros(len(times))
    before = float(np.nanmin(firsts)) if not absolute and np.isfinite(firsts).any() else 0.0
    if before < -BEFORE * lengths.max():
        # Times count from an event in the trial, and spikes begin before it.
        zero = np.full(len(times), np.floor(before * 1000 / per_second / BIN_MS) * BIN_MS * per_second / 1000)
    events = {name: one / per_second for name, one in columns.items() if one.dtype.kind == "f" and name != start_name}
    begin_s, stop_s = zero / per_second, (zero + lengths) / per_second
    extent = trial_ends.Extent.of([[one / per_second] for one in times], begin_s)
    if (ends := trial_ends.fitting(events, begin_s, extent)) is not None:
        stop_name, stop_s = ends[0], begin_s + ends[1]
        settings["stop"], why["stop"] = stop_name, "trials' spikes end there: what lies after it was not observed"
        del events[stop_name]
    align, (begin, end), reason = window(events, begin_s, stop_s)
    if align:
        settings["align"], why["align"] = align, reason
    if not align and zero[0] < 0 and not absolute:
        # Without an event windows begin at zero.
        end = max(end + round(1000 * float(zero[0]) / per_second), BIN_MS)
        reason += "; spikes before 0 are left out: align, a field with the time of an event, lets windows begin there"
    settings["window_ms"], why["window_ms"] = [begin, end], told_around((begin, end), event=True) if align else reason
    settings["bin_ms"] = BIN_MS
    return _with_conditions(settings, why, own, len(times), windows(events, begin_s, stop_s))


def _with_conditions(
    settings: dict[str, Plain],
    why: dict[str, str],
    columns: Mapping[str, np.ndarray],
    trials: int,
    around: Mapping[str, tuple[int, int]] | None = None,
) -> Guess:
    if names := condition(columns, trials):
        settings["conditions"] = list(names)
        why["conditions"] = "few values, each in several trials: such trials share a PSTH; [] for none"
    return Guess(settings, why, around or {})
