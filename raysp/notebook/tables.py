"""Tables in memory, as columns: data frames of pandas or polars, and pynapple's TsGroup and IntervalSet.

None of these libraries is imported for it but polars: what is given is known by what it has.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from raysp.data.formats import matrix_columns, memory_array, table_file
from raysp.data.formats.whose import in_trials
from raysp.data.sources.clocks import is_whole
from raysp.data.sources.spike_columns import SPIKES, UNITS
from raysp.data.sources.spike_layouts import with_channel
from raysp.errors import BadInput, expect

Table = dict[str, np.ndarray]
FEWEST = 3
"""Columns of counts from which on a frame without times is taken for counts."""


def tables(data: Any, settings: Mapping[str, object]) -> dict[str, Table] | None:
    """Return the tables that are given, by the setting that names a table of a file; None where none is given.

    Args:
        data: the spikes, a row each.
        settings: of which `trials`, `units` and `behavior` may be tables.
    """
    if _is_counts(data, settings):
        return None
    of_spikes = "trials" in settings or "align" in settings
    spikes = columns(data, lists=True)
    if spikes is None and isinstance(data, np.ndarray) and (of_spikes or data.dtype.names):
        spikes = _of_rows(data)
    found = _of_each_unit(data, settings) if spikes is None else {"path": spikes}
    if found is None:
        if of_spikes and not isinstance(data, str):
            told = "trials and align are for spikes: expected a frame with columns time and unit, or {3: times, ...}"
            raise BadInput(f"{told}, or a matrix with a row a spike, got {_kind(data)}")
        return None
    given = {
        name: table for name in ("trials", "units", "behavior") if (table := columns(settings.get(name))) is not None
    }
    if "trials" not in given and (events := _events(settings)) is not None:
        given["trials"] = events
    found |= given
    if not isinstance(trials := settings.get("trials", ""), str | os.PathLike) and trials is not None:
        told = "trials expected the path of a table, a frame, columns by name, or the times of the event align"
        expect("trials" in given, f"{told}, got {_kind(trials)}")
    if _is_group(data) and "units" not in settings:
        # What fired alone would not tell of units that never did.
        found["units"] = _of_units(data) if settings.get("keep_units") else {"unit": np.array(list(data.keys()))}
    return found


def columns(given: Any, *, lists: bool = False) -> Table | None:
    """Return a table's columns, None of anything else. Raises BadInput where a frame has columns nobody can read."""
    if _is_group(given):
        times = {key: np.asarray(given[key].t, dtype=np.float64) for key in given.keys()}  # noqa: SIM118 (no dict)
        whose = np.repeat(np.array(list(times)), list(map(len, times.values())))
        return {"time": np.concatenate(list(times.values())), "unit": whose}
    if isinstance(given, np.ndarray) and given.dtype.names:
        return {name.partition("/")[2]: one for name, one in matrix_columns.columns("", given).items()}
    if _is_intervals(given):
        return {"start": np.asarray(given.start), "end": np.asarray(given.end), **_metadata(given)}
    return _of_frame(given, lists=lists)


def _of_rows(matrix: np.ndarray) -> Table | None:
    """Return times and units of a matrix with a row a spike; None of another one.

    Raises:
        BadInput: its times begin anew in each value of a column, which may be a trial's.
    """
    found = matrix_columns.columns("spikes", matrix)
    if (pair := matrix_columns.row_a_spike(found)) is None:
        return None
    time, who = pair
    unit = found[who.unit]
    if who.channel is not None:
        span = float(np.ptp(found[time]))
        if in_trials(found[time], found[who.channel], span):
            told = f"times begin anew in each {who.channel} of the matrix: is that a trial, or a channel?"
            raise BadInput(f"{told} Give a frame with columns trial or channel, unit and time")
        unit = with_channel(unit, found[who.channel], "spikes")
    return {"time": found[time], "unit": unit}


def _kind(given: Any) -> str:
    shape = getattr(given, "shape", None)
    return type(given).__name__ + ("" if shape is None else f" of shape {tuple(shape)}")


def _is_counts(data: Any, settings: Mapping[str, object]) -> bool:
    """Tell whether a frame has a column of counts for each unit, rather than a row a spike: nothing says when."""
    names = getattr(data, "columns", None)
    if names is None or not hasattr(data, "shape") or {"time", "unit", "trials", "align", "trial"} & settings.keys():
        return False
    usual = {str(name).strip().lower() for name in names} & {*SPIKES, *UNITS}
    return not usual and len(names) >= FEWEST and is_whole(memory_array.array(data, "counts"))


def _of_each_unit(data: Any, settings: Mapping[str, object]) -> dict[str, Table] | None:
    """Return the tables of times by unit, {3: times, 7: times}, or of a list of times, a unit each; else None.

    Where a unit has no spike, a table of units says that it is there. Vectors of one length by text are columns of a
    table: nothing tells which of them is whose.
    """
    if getattr(getattr(data, "dtype", None), "kind", "") == "O" and callable(getattr(data, "items", None)):
        # A column of pandas with the times of a unit in each row.
        data = dict(data.items())
    listed = isinstance(data, list | tuple) and ("trials" in settings or "align" in settings)
    if not (listed or isinstance(data, Mapping)) or not len(data):
        return None
    given = data.items() if isinstance(data, Mapping) else enumerate(data)
    each = {key: memory_array.array(_times(one, settings), f"spikes of {key}") for key, one in given}
    if not all(one.ndim == 1 and (one.dtype.kind in "iuf" or not one.size) for one in each.values()):
        return None
    alike = len(each) > 1 and len({*map(len, each.values())}) == 1 and all(isinstance(key, str) for key in each)
    if isinstance(data, Mapping) and (alike or {str(key).lower() for key in each} & SPIKES):
        return {"path": {str(key): one for key, one in each.items()}}
    # An empty list has no type, and whole numbers of several types have no better one than theirs.
    times = np.concatenate([one for one in each.values() if len(one)] or list(each.values()))
    names = np.array([key if isinstance(key, int | np.integer | str) else str(key) for key in each])
    expect(len(np.unique(names)) == len(names), f"expected each unit once, got {', '.join(map(repr, each))}")
    whole = all(map(len, each.values())) or "units" in settings
    spikes = {"time": times, "unit": np.repeat(names, [len(one) for one in each.values()])}
    return {"path": spikes} if whole else {"path": spikes, "units": {"unit": names}}


def _times(one: Any, settings: Mapping[str, object]) -> Any:
    """Return a unit's times without those that are hidden; of a quantity with a unit of its own in s."""
    if isinstance(one, np.ma.MaskedArray) and one.ndim == 1:
        return one.compressed()
    if callable(getattr(one, "rescale", None)):
        # Neo's spike trains have units of their own, which NumPy would drop.
        if settings.get("per_second", 1) != 1:
            raise BadInput("per_second is for times without a unit, and these have one of their own; leave it out")
        return np.asarray(one.rescale("s").magnitude)
    if isinstance(one, set | frozenset):
        return sorted(one)
    if isinstance(one, np.ndarray) and one.ndim == 2 and 1 in one.shape:
        return one.ravel()
    return one.t if hasattr(one, "t") and not isinstance(one, np.ndarray) and hasattr(one, "time_support") else one


def _events(settings: Mapping[str, object]) -> Table | None:
    """Return trials that are given as their events' times alone, or as columns by name; None of anything else."""
    trials, align = settings.get("trials"), settings.get("align")
    if isinstance(trials, list | tuple) and len(trials) and all(isinstance(one, Mapping) for one in trials):
        trials = {name: [one.get(name) for one in trials] for name in trials[0]}
    if isinstance(trials, Mapping):
        return {str(name): memory_array.array(one, str(name)) for name, one in trials.items()}
    if trials is None or isinstance(trials, str) or not isinstance(align, str):
        return None
    found = memory_array.array(trials, "trials")
    return {align: found} if found.ndim == 1 and found.dtype.kind in "iuf" else None


def _is_group(given: object) -> bool:
    return hasattr(given, "time_support") and callable(getattr(given, "keys", None))


def _is_intervals(given: object) -> bool:
    return all(hasattr(given, name) for name in ("start", "end", "intersect", "metadata"))


def _of_units(group: Any) -> Table:
    return {"unit": np.array(list(group.keys())), **_metadata(group)}


def _metadata(given: Any) -> Table:
    # The index of pynapple's own frame is the unit, or the interval's place.
    known = getattr(given, "metadata", None)
    if known is None or not len(known.columns):
        return {}
    return _of_frame(known.reset_index(drop=True)) or {}


def _of_frame(given: Any, *, lists: bool = False) -> Table | None:
    import polars

    library = type(given).__module__.split(".")[0]
    if isinstance(given, polars.LazyFrame):
        given = given.collect()
    if library == "pyarrow" and hasattr(given, "column_names"):
        given = polars.DataFrame(polars.from_arrow(given))
    if isinstance(given, polars.DataFrame):
        return table_file.of_frame(given, lists=lists)
    if library != "pandas" or not hasattr(given, "columns"):
        return None
    named = any(name is not None for name in given.index.names)
    try:
        return table_file.of_frame(polars.from_pandas(given.reset_index() if named else given), lists=lists)
    except (TypeError, ValueError, polars.exceptions.PolarsError) as error:
        raise BadInput(f"the data frame expected columns of numbers or text, got others ({error})") from error
