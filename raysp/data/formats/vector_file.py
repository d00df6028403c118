"""The vectors of a file of arrays, HDF5, NPZ or JSON, which are the columns of its tables, or a unit's times each."""

from __future__ import annotations

import contextlib
import itertools
import math
import re
from collections.abc import Collection, Mapping

import numpy as np

from raysp.data.formats import count_file, matlab_values, matrix_columns, pandas_hdf5
from raysp.errors import BadInput
from raysp.io.words import counted

OF_UNITS = re.compile(
    r"(unit|cluster|neuron|cell)s?(_?(ids?|labels?|numbers?|nos?|index))?|ids?|uids?|labels?", re.IGNORECASE
)
"""Names of a vector that says which unit each of several vectors of times is of."""
INDEX = "_index"
"""What is called so, after an array's name, says where each unit's values in it end."""
BY_ATTRIBUTES = "units have the numbers that attributes of their vectors or groups say"


def vectors(path: str, *, lists: bool = False) -> dict[str, np.ndarray]:
    """Return the vectors of a file of arrays, whatever else is in it.

    Args:
        path: of the file.
        lists: an array of vectors comes as it is, otherwise as vectors of their own.

    Returns:
        Name -> vector. Columns of matrices with a row a spike are called "spikes[:,0]"; the vectors of an array that
        holds one for each unit, padded with NaN or with an index of their ends, "spike_times_0" and so on: also of one
        by any name, or of how many values each has, where values rise from end to end alone. Where a vector says which
        unit each is of, unit_ids say, these are in their names, "spike_times_17".

    Raises:
        BadInput: there is none, or the file is damaged.
    """
    found: dict[str, np.ndarray] = {}
    parts_of: dict[str, int] = {}
    with count_file.arrays(path) as file:
        if frames := pandas_hdf5.columns(file, path):
            return frames
        for name in file.names:
            # What nobody asked for blocks nothing.
            with contextlib.suppress(BadInput):
                shape, _ = file.look(name)
                if not shape or (len(shape) != 2 and math.prod(shape) != max(shape)):
                    continue
                one = file.read(name)
                if not (lists and one.dtype == object) and (each := _of_each(one)):
                    found |= {f"{name}_{place}": values for place, values in enumerate(each)}
                    parts_of[name] = len(each)
                    continue
                if (1 not in shape and len(shape) == 2) or one.dtype.names:
                    found |= matrix_columns.columns(name, one)
                    continue
                if one.dtype.kind in "iufbU":
                    found[name] = one.ravel().astype(one.dtype.newbyteorder("="))
                elif lists and one.dtype == object:
                    found[name] = one
                elif one.dtype.kind == "S" and one.ndim == 1:
                    found[name] = np.char.decode(one, "utf-8", errors="replace")
        with contextlib.suppress(BadInput):
            numbered = file.renamed(name for name in found if name in file.names)
            found = {numbered.get(name, name): one for name, one in found.items()}
    for name in [one for one in found if f"{one}{INDEX}" in found]:
        others = {len(one) for other, one in found.items() if other not in (name, f"{name}{INDEX}")}
        if parts := _ended(found[name], found[f"{name}{INDEX}"], name, others):
            del found[f"{name}{INDEX}"]
            found |= parts
            parts_of[name] = len(parts)
    joined = {name: back for name, one in found.items() if (back := _steps_back(one)).size}
    for name, back in joined.items():
        for other, ends in found.items() if name in found else ():
            if not _may_divide(found[name], ends):
                continue
            lengths = {len(one) for key, one in found.items() if key not in (name, other)}
            if parts := _divided(found[name], back, ends, name, lengths):
                found = {key: one for key, one in found.items() if key != other} | parts
                parts_of[name] = len(parts)
                break
    if not found:
        raise BadInput(f"{path} expected vectors of spike times and of their units, got none in it")
    for name, count in parts_of.items():
        if (own := _own_numbers(found, count)) is not None:
            renamed = {f"{name}_{place}": f"{name}_{one}" for place, one in enumerate(found[own].astype(np.int64))}
            found = {renamed.get(key, key): one for key, one in found.items()}
    return found


def _own_numbers(found: Mapping[str, np.ndarray], count: int) -> str | None:
    """Return the vector that says which number each of so many units has; None where none does."""
    able = [
        name
        for name, one in found.items()
        if OF_UNITS.fullmatch(re.split(r"[/.]", name)[-1]) and len(one) == count == len(np.unique(one))
        and one.dtype.kind in "iuf" and (one >= 0).all() and (one % 1 == 0).all()
    ]  # fmt: skip
    return min(able, key=lambda name: "unit" not in name.lower(), default=None)


def notes(path: str) -> tuple[str, ...]:
    """Return notes on what numbers units: attributes, and an index that begins with 0.

    Nothing tells whether that is a silent unit's end or no end.

    Args:
        path: of a file of arrays; of another file nothing is said.
    """
    with contextlib.suppress(BadInput), count_file.arrays(path) as file:
        told = tuple(
            _doubt(file, name) for name in file.names if f"{name}{INDEX}" in file.names and _guessed(file, name)
        )
        return (*told, BY_ATTRIBUTES) if file.renamed(file.names) else told
    return ()


def _guessed(file: count_file.Arrays, name: str) -> bool:
    ends = file.read(f"{name}{INDEX}")
    if ends.ndim != 1 or len(ends) < 2 or ends.dtype.kind not in "iu" or ends[0] != 0:
        return False
    others = {file.look(one)[0] for one in file.names if one not in (name, f"{name}{INDEX}")}
    return not others & {(len(ends),), (len(ends) - 1,)}


def _doubt(file: count_file.Arrays, name: str) -> str:
    count = len(file.read(f"{name}{INDEX}"))
    return (
        f"{name}{INDEX} begins with 0, which is taken for where the first unit begins: {counted(count - 1, 'unit')}; "
        f"were it the end of a silent one, there would be {count}, each numbered one higher: put a vector of {count} "
        "unit numbers beside it"
    )


def _of_each(array: np.ndarray) -> list[np.ndarray]:
    """Return the vectors that an array holds, of lists or of rows that end in NaN; of other arrays none."""
    if array.dtype == object and array.ndim == 1:
        each = [np.asarray(one) for one in array]
        return each if all(one.ndim == 1 and one.dtype.kind in "iuf" for one in each) else []
    return matlab_values.padded(array) or [] if array.dtype.kind == "f" else []


def _ended(values: np.ndarray, ends: np.ndarray, name: str, others: Collection[int]) -> dict[str, np.ndarray]:
    """Return the vectors of which one lies after the other; none where these are no ends of theirs.

    Ends that begin with 0 are those of one vector less, as of rows of a sparse matrix, unless another vector, one of
    units, has as many values: then the first one is empty. `others` are the lengths of other vectors.
    """
    if ends.dtype.kind not in "iu" or not len(ends) or (np.diff(ends) < 0).any() or ends[-1] != len(values):
        return {}
    bare = ends[0] == 0 and len(ends) > 1 and (len(ends) - 1 in others or len(ends) not in others)
    parts = itertools.pairwise(ends.tolist() if bare else [0, *ends.tolist()])
    return {f"{name}_{place}": values[begin:end] for place, (begin, end) in enumerate(parts)}


def _steps_back(values: np.ndarray) -> np.ndarray:
    """Return where a vector of numbers falls, as times do where those of the next unit begin."""
    return np.flatnonzero(np.diff(values) < 0) + 1 if values.dtype.kind in "iuf" else np.zeros(0, dtype=np.int64)


def _may_divide(values: np.ndarray, ends: np.ndarray) -> bool:
    """Tell whether a vector is one of ends or lengths at all: of a file of many vectors few are."""
    if ends.dtype.kind not in "iu" or not 1 < len(ends) < len(values) / 2:
        return False
    return bool(ends[-1] == len(values) or ends.sum() == len(values))


def _divided(
    values: np.ndarray, back: np.ndarray, ends: np.ndarray, name: str, others: Collection[int]
) -> dict[str, np.ndarray]:
    """Return what `_ended` does, of ends by any name, or of lengths, where values fall, at `back`, at ends alone."""
    lengths = ends.sum() == len(values) and (ends >= 0).all()
    edges = np.cumsum(ends) if lengths else ends
    return _ended(values, edges, name, {len(ends)} if lengths else others) if np.isin(back, edges).all() else {}
