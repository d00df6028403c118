"""The table of trials in a MATLAB file: fields of its structs, or vectors, with a value for each trial."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from raysp.data.formats import matlab_values, starred, vector_file
from raysp.data.formats.matlab_values import Struct, Value, Values
from raysp.data.sources.spike_layouts import OF_NAMES
from raysp.errors import BadInput, expect, present

if TYPE_CHECKING:
    from raysp.data.sources.matlab_spikes import Config

OF_UNITS = re.compile(rf"{vector_file.OF_UNITS.pattern}|clu_?ids?", re.IGNORECASE)
"""Names of what says which unit each of several vectors of times is of."""


def columns_of(file: Values, config: Config) -> dict[str, np.ndarray]:
    """Return the columns of the table of trials that are one number, truth value or text each."""
    if config.trials is None:
        return {}
    table = file[config.trials]
    if not isinstance(table, Struct):
        columns = matlab_values.columns(config.trials, table)
        single, own = vector(table), config.trials.rpartition(".")[2]
        if not columns and (single is None or not len(single)):
            raise BadInput(f"{file.path}: {config.trials} expected structs of trials, got {matlab_values.kind(table)}")
        columns = columns or {own: present(single)}
        table = Struct(tuple(columns), 1, lambda name: [columns[name]])
    wanted = (config.align, config.start, config.stop, *config.keep, *config.conditions, *config.decode)
    needed = {one for one in wanted if one}
    for name in needed - set(table.names):
        raise BadInput(f"{file.path}: {config.trials} has no field {name!r}; its fields are {', '.join(table.names)}")
    found: dict[str, np.ndarray] = {}
    for name in table.names:
        values = table.field(name)
        column = _column([_scalar(one) for one in values]) if table.count != 1 else vector(values[0])
        if column is not None and all(isinstance(one, np.ndarray) and one.dtype == np.float32 for one in values):
            # Their type tells how exact they are.
            column = column.astype(np.float32)
        if column is not None:
            found[name] = column
        elif name in needed:
            raise BadInput(
                f"{file.path}: {config.trials}.{name} expected one number or text for each trial, got others"
            )
    lengths = {name: len(column) for name, column in found.items()}
    most = max(lengths.values(), key=list(lengths.values()).count, default=0)
    for name in needed:
        expect(
            lengths[name] == most, f"{file.path}: {config.trials}.{name} expected {most} trials, got {lengths[name]}"
        )
    return {name: column for name, column in found.items() if len(column) == most}


def number(file: Values, columns: dict[str, np.ndarray], name: str) -> np.ndarray:
    """Return a variable or a column of numbers. Raises BadInput where it is something else."""
    found = columns[name] if name in columns else file[name]
    if isinstance(found, Struct) or found.dtype == object:
        raise BadInput(f"{file.path}: {name} expected numbers, got {matlab_values.kind(found)}")
    return found


def _scalar(value: Value) -> object:
    """Return a number, truth value or text; NaN for what is empty, None for anything else."""
    if isinstance(value, Struct) or value.dtype == object:
        return _scalar(value.item()) if not isinstance(value, Struct) and value.size == 1 else None
    return value.item() if value.size == 1 else np.nan if value.size == 0 else None


def vector(value: Value) -> np.ndarray | None:
    """Return the values of a vector, or of a cell array of single ones; None of anything else."""
    if isinstance(value, Struct) or (value.size > 1 and max(value.shape) != value.size):
        return None
    return _column([_scalar(one) for one in value.ravel()]) if value.dtype == object else value.ravel()


def _column(values: Sequence[object]) -> np.ndarray | None:
    texts = [one for one in values if isinstance(one, str)]
    if any(one is None for one in values) or (texts and len(texts) < len(values)):
        return None
    return np.array(values)


def numbers_beside(file: Values, spikes: str, count: int) -> tuple[np.ndarray, str] | None:
    """Return the number of each of so many units and the field beside their times that has them; None where none has.

    Args:
        file: the open file.
        spikes: name of the times of each unit.
        count: how many units there are.
    """
    inside = spikes.rpartition(".")[0]
    table = file[inside] if inside and starred.STAR not in inside else None
    names = [f"{inside}.{name}" for name in table.names] if isinstance(table, Struct) else [] if inside else file.names
    able = {}
    for name in names:
        if name != spikes and OF_UNITS.fullmatch(name.rpartition(".")[2]):
            one = vector(file[name])
            if one is not None and one.dtype.kind in "iuf" and len(one) == count == len(np.unique(one)):
                able[name] = one
    for name in sorted(able, key=lambda name: "uid" not in name.lower()):
        if np.isfinite(able[name]).all() and (able[name] >= 0).all() and (able[name] % 1 == 0).all():
            return able[name].astype(np.int64), name
    return None


def names_beside(file: Values, count: int) -> tuple[str, ...]:
    """Return the names of so many units, where one variable, a text for each, is called so; none where none is.

    Args:
        file: the open file.
        count: how many units there are.
    """
    able = [texts for name in file.names if OF_NAMES.fullmatch(name) and (texts := _texts(file[name]))]
    able = [texts for texts in able if len(texts) == count == len(set(texts)) and all(texts)]
    return tuple(able[0]) if len(able) == 1 else ()


def _texts(value: Value) -> list[str]:
    """Return the texts of a cell array; none of what holds others."""
    if isinstance(value, Struct) or value.dtype != object:
        return []
    each = [one for one in value.ravel() if isinstance(one, np.ndarray) and one.dtype.kind == "U" and one.size == 1]
    return [str(one.item()).strip() for one in each] if len(each) == value.size else []
