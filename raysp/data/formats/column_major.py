"""HDF5 arrays of languages that store columns first: MATLAB, R, Octave and Julia write every array's axes reversed.

The file says so by its first bytes, or the array by an attribute of the program that wrote it.
"""

from __future__ import annotations

import numpy as np

from raysp.data.formats.guarded import Dataset, Group
from raysp.errors import BadInput

HEADS = (b"MATLAB 7.3", b"HDF5-based Julia")
CLASS = "MATLAB_class"
MARKS = (CLASS, "rhdf5-NA.OK", "OCTAVE_NEW_FORMAT", "OCTAVE_GLOBAL", "julia type")
NUMBERS = {"double", "single", "logical", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))}
OTHERWISE = {
    "cell": "a cell array; save one numeric array, e.g. cell2mat(x), or double(categorical(x)) for labels",
    "struct": "a struct; name a field of it, as in 'data/counts', or save the field by itself",
    "string": "an array of string objects; save numbers, e.g. double(categorical(x))",
    "table": "a table; save its columns as numeric arrays, e.g. table2array(x)",
}


def is_reversed(file: Group, name: str, head: bytes) -> bool:
    """Tell whether an array's axes lie in the file in reverse order.

    Args:
        file: the open file.
        name: of the array or group in it.
        head: the file's first bytes.
    """
    above = name.rpartition("/")[0]
    nodes = [file, file[name], *([file[above]] if above else [])]
    return head.startswith(HEADS) or any(mark in node.attrs for node in nodes for mark in MARKS)


def read(node: Group | Dataset) -> np.ndarray:
    """Return an array of such a file with its axes as its program showed them; MATLAB's logicals as booleans.

    A char matrix becomes the text of each of its rows.

    Raises:
        BadInput: it is a cell array, struct, table, sparse matrix or another kind of object than numbers and text.
    """
    kind = _text(node.attrs.get(CLASS, ""))
    if isinstance(node, Group) and "MATLAB_sparse" in node.attrs:
        raise node.refuse("is a sparse matrix of MATLAB; save full(x)")
    if isinstance(node, Group) and kind not in OTHERWISE and "value" in node:
        return read(node["value"])
    if kind in OTHERWISE or isinstance(node, Group):
        raise node.refuse(f"is {OTHERWISE.get(kind, 'a group; name an array in it')}")
    if kind not in NUMBERS and kind not in ("", "char"):
        raise node.refuse(f"is an object of MATLAB's class {kind}; save numbers")
    array = np.asarray(node[()])
    if "MATLAB_empty" in node.attrs:
        return _empty(array, node)
    array = array.T
    if kind == "char":
        return _rows_of_text(array, node)
    return array.astype(bool) if kind == "logical" else array


def _rows_of_text(array: np.ndarray, node: Dataset) -> np.ndarray:
    if array.ndim > 2 or array.dtype.kind not in "iu" or not ((array >= 0) & (array < 1 << 16)).all():
        raise node.refuse(f"expected a matrix of characters, got {array.dtype} of shape {array.shape}; save it again")
    try:
        # MATLAB's characters are UTF-16's units.
        return np.array([row.astype("<u2").tobytes().decode("utf-16-le").rstrip() for row in np.atleast_2d(array)])
    except UnicodeDecodeError as error:
        raise node.refuse("holds half of a character that takes two units of UTF-16; save it again") from error


def _empty(sizes: np.ndarray, node: Dataset) -> np.ndarray:
    # Of an empty array MATLAB stores the sizes instead.
    if sizes.ndim != 1 or sizes.dtype.kind not in "iuf" or 0 not in sizes:
        raise BadInput(f"{node.where} is damaged: it is marked as empty, but holds {sizes.shape} values")
    return np.zeros(tuple(int(size) for size in sizes))


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
