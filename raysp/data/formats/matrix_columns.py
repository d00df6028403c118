"""Matrices with a row, or a column, for each spike or trial, as vectors that are called as Python indexes them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from raysp.data.formats.whose import Whose, whose

FEWEST, WIDEST = 20, 4
"""Rows from which on a matrix is taken for such a table, and its columns at most."""
OFTEN = 0.25
"""A column with fewer different values a row says whose spikes are; one with more, when they are."""
INSIDE = "["


def columns(name: str, matrix: np.ndarray) -> dict[str, np.ndarray]:
    """Return the columns of a matrix, "spikes[:,0]", or the rows of a flat one, "spikes[0,:]"; of other arrays none.

    Of a table whose columns have names, "spikes/time".

    Args:
        name: of the matrix.
        matrix: of numbers; whole ones become int64.
    """
    if matrix.dtype.names and matrix.ndim == 1:
        each = {f"{name}/{field}": matrix[field] for field in matrix.dtype.names}
        return {
            called: _whole(one) if one.dtype.kind in "iuf" else _text(one)
            for called, one in each.items()
            if one.ndim == 1 and one.dtype.kind in "iufbSU"
        }
    if matrix.ndim != 2 or matrix.dtype.kind not in "iuf":
        return {}
    long, short = max(matrix.shape), min(matrix.shape)
    if not 1 < short <= WIDEST or long < FEWEST:
        return {}
    tall = matrix.shape[0] == long
    return {
        f"{name}[:,{place}]" if tall else f"{name}[{place},:]": _whole(one)
        for place, one in enumerate(matrix.T if tall else matrix)
    }


def _text(values: np.ndarray) -> np.ndarray:
    """Return text, or truth values, as NumPy's own."""
    return np.char.decode(values, "utf-8", errors="replace") if values.dtype.kind == "S" else values


def _whole(values: np.ndarray) -> np.ndarray:
    exact = values.dtype.kind == "f" and bool((np.abs(values) < 2**53).all() and (values == np.floor(values)).all())
    return values.astype(np.int64) if exact else values.astype(values.dtype.newbyteorder("="))


def matrices(vectors: Mapping[str, np.ndarray]) -> list[list[str]]:
    """Return the names of each matrix' columns among names of vectors."""
    found: dict[str, list[str]] = {}
    for name in vectors:
        if INSIDE in name:
            found.setdefault(name.partition(INSIDE)[0], []).append(name)
    return list(found.values())


def rising(vectors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the columns of the matrices whose first one rises, as times of trials do."""
    able = [names for names in matrices(vectors) if (np.diff(vectors[names[0]]) > 0).all()]
    return {name: vectors[name] for names in able for name in names}


def row_a_spike(vectors: Mapping[str, np.ndarray]) -> tuple[str, Whose] | None:
    """Return which columns of one matrix are the times of spikes and whose they are; None where none has both.

    Units are whole numbers of which each is there often; times differ from spike to spike.
    """
    for names in sorted(matrices(vectors), key=lambda one: -len(vectors[one[0]])):
        different = {name: len(np.unique(vectors[name])) / len(vectors[name]) for name in names}
        able = [name for name in names if vectors[name].dtype.kind in "iu" and different[name] < OFTEN]
        when = [name for name in names if name not in able and different[name] > OFTEN]
        rising = [name for name in when if (np.diff(vectors[name]) >= 0).all()]
        if able and when:
            return (rising or when)[0], whose({name: vectors[name] for name in able})
    return None
