"""Variables of a MATLAB file by name, of version 5 to 7 or 7.3: arrays of numbers, and cell arrays of them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from raysp.data.formats import column_major, file_kind, hdf5
from raysp.data.formats.guarded import Dataset, Group, decoded
from raysp.errors import BadInput, unknown
from raysp.io import files

OLD = b"MATLAB 5.0 MAT-file"


def variables(path: str, names: Sequence[str]) -> list[np.ndarray]:
    """Return variables with their axes as MATLAB shows them; a cell array is an array of objects, arrays themselves.

    Args:
        path: of the file.
        names: of the variables.

    Raises:
        BadInput: there is no such file, it is damaged or of another kind, or a variable is not there.
    """
    if (problem := file_kind.no_file(path)) is not None:
        raise BadInput(f"{path} {problem}")
    with files.opened(path, parts=True) as file:
        old = file.read(len(OLD)) == OLD
    if old:
        return _old(path, names)
    with hdf5.opened(path) as opened:
        return [_new(opened, name, path) for name in names]


def _old(path: str, names: Sequence[str]) -> list[np.ndarray]:
    from scipy.io import loadmat, whosmat

    with files.opened(path) as file:
        try:
            with warnings.catch_warnings(action="ignore"):
                known = [name for name, *_ in whosmat(file)]
                file.seek(0)
                found = loadmat(file, variable_names=names)
        except Exception as error:
            raise BadInput(f"{path} is cut off or damaged ({error}); copy it again") from error
    for name in names:
        _check_known(name, known, path)
    return [np.asarray(found[name]) for name in names]


def _new(file: Group, name: str, path: str) -> np.ndarray:
    _check_known(name, [one for one in file if not one.startswith("#")], path)
    node = file[name]
    if not isinstance(node, Dataset) or decoded(node.attrs.get(column_major.CLASS, "")) != "cell":
        return column_major.read(file, name)
    cells = np.empty(int(np.prod(node.shape)), object)
    for place, pointed in enumerate(node.pointed()):
        cells[place] = column_major.read(file, pointed)
    return cells.reshape(node.shape).T


def _check_known(name: str, known: Sequence[str], path: str) -> None:
    if name not in known:
        raise BadInput(f"{path}: {unknown('variable', name, known)}")
