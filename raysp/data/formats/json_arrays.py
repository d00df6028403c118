"""Arrays in a JSON file, by name as of HDF5's groups: lists of numbers or texts, and what pandas writes as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from raysp.data.formats import file_kind, memory_array
from raysp.errors import BadInput
from raysp.io import files
from raysp.io.machine import memory

HELD = 12
"""Bytes of memory for each of a file. Measured: 5.2 of times by unit, 8.8 of objects, 10.9 of pairs."""
ROW = "row"
SPLIT = {"columns", "index", "data"}
"""What pandas' orient="split" has."""
DEEPEST = 20


def is_json(path: str) -> bool:
    """Tell whether a file begins as JSON does, and is no index of an archive."""
    return (file_kind.other(path) or "").startswith(file_kind.IS_JSON)


def columns(path: str) -> dict[str, np.ndarray]:
    """Return the arrays of a file.

    Args:
        path: of it. An object's keys are names, those in it follow a slash; of a list of objects each key is a column,
            of lists of unequal length each is an array, "times_0".

    Returns:
        Name -> array of numbers, truth values or text; null is NaN, or empty text. Lists of times in a list of objects
        are an array of arrays.

    Raises:
        BadInput: it is damaged, too large for the memory, has a name twice, or holds something else.
    """
    data = files.read_bytes(path)
    if (needed := HELD * len(data)) > (there := memory()):
        told = f"{path} takes about {needed / 2**30:.2g} GiB of memory of {there / 2**30:.2g}"
        raise BadInput(f"{told}; write its spikes as a table, CSV or Parquet, with columns unit and time")
    try:
        whole = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        lines = "a row a line: pandas.read_json(path, lines=True).to_csv('spikes.csv', index=False)"
        then = lines if "Extra data" in str(error) else "write it again"
        raise BadInput(f"{path} expected JSON, got something else ({str(error)[:120]}); {then}") from error
    found = dict(_flat(whole, "", path, 0))
    if not found:
        raise BadInput(f"{path} holds no list of numbers; {file_kind.JSON}")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} is there more than once")
    return dict(pairs)


def _flat(value: Any, name: str, path: str, depth: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the arrays in a value, by their names."""
    where = f"{path}: {name}" if name else path
    if depth > DEEPEST:
        raise BadInput(f"{where} lies too deep; {file_kind.JSON}")
    if isinstance(value, dict):
        if value.keys() >= SPLIT and isinstance(value["data"], list):
            value = _named(value["columns"], value["data"], where)
        if value and all(key.isdigit() and not isinstance(one, dict | list) for key, one in value.items()):
            # An index of pandas, by its rows.
            yield name or ROW, memory_array.array([value[key] for key in sorted(value, key=int)], where)
            return
        for key, one in value.items():
            yield from _flat(one, f"{name}/{key}" if name else key, path, depth + 1)
    elif isinstance(value, list):
        yield from _of_list(value, name, where, path, depth)
    else:
        yield name or ROW, memory_array.array(np.nan if value is None else value, where)


def _of_list(value: list[Any], name: str, where: str, path: str, depth: int) -> Iterator[tuple[str, np.ndarray]]:
    if value and all(isinstance(one, dict) for one in value):
        for key in dict.fromkeys(key for one in value for key in one):
            each = [one.get(key) for one in value]
            called = f"{name}/{key}" if name else key
            if all(isinstance(one, list) for one in each):
                yield called, _lists(each, f"{where} {key}")
            elif not any(isinstance(one, dict | list) for one in each):
                yield called, memory_array.array(each, f"{where} {key}")
        return
    if not any(isinstance(one, list) for one in value):
        yield name or ROW, memory_array.array(value, where)
        return
    if not all(isinstance(one, list) for one in value):
        raise BadInput(f"{where} expected lists, or numbers, got both in one list; {file_kind.JSON}")
    try:
        found = np.array(value)
    except ValueError:
        for place, one in enumerate(value):
            yield from _flat(one, f"{name or ROW}_{place}", path, depth + 1)
        return
    yield name or ROW, memory_array.array(found if found.dtype.kind in "iufbU" else value, where)


def _lists(each: list[list[Any]], where: str) -> np.ndarray:
    """Return lists of numbers as an array of arrays. Raises BadInput of others."""
    found = np.empty(len(each), dtype=object)
    found[:] = [memory_array.array(one, where) if one else np.zeros(0) for one in each]
    if any(one.ndim != 1 or one.dtype.kind not in "iuf" for one in found):
        raise BadInput(f"{where} expected a list of numbers in each object, got others; {file_kind.JSON}")
    return found


def _named(names: list[Any], rows: list[Any], where: str) -> dict[str, Any]:
    if any(not isinstance(row, list) or len(row) != len(names) for row in rows):
        raise BadInput(f"{where} expected a value for each of {len(names)} columns in each row of data")
    return {str(name): [row[place] for row in rows] for place, name in enumerate(names)}
