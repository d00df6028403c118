"""Arrays by name from an HDF5 or NPZ file, and the checks that binned spike counts must pass."""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Callable, Iterator
from typing import BinaryIO

import numpy as np

from raysp import files
from raysp.data import file_kind, hdf5
from raysp.data.guarded import Dataset, Group
from raysp.data.split import check_counts
from raysp.errors import BadInput, unknown

Reader = Callable[[str], np.ndarray]


@contextlib.contextmanager
def arrays(path: str) -> Iterator[tuple[list[str], Reader]]:
    """Open a file of arrays; yield their names, and a function that reads one.

    Raises:
        BadInput: there is no such file, it is cut off, or it is neither HDF5 nor NPZ; from the function: no array has
            that name, or it holds pickled objects.
    """
    if (problem := file_kind.no_file(path)) is not None:
        raise BadInput(f"{path} {problem}")
    with files.opened(path) as file:
        start = file.read(4)
        file.seek(0)
        if start == b"PK\x03\x04":
            yield _npz(file, path)
        else:
            with hdf5.opened(path) as opened:
                yield _hdf5(opened, path)


def _npz(file: BinaryIO, path: str) -> tuple[list[str], Reader]:
    try:
        found = np.load(file, allow_pickle=False)
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise BadInput(f"{path} is cut off or no NPZ file ({error}); copy it again") from error

    def read(name: str) -> np.ndarray:
        _check_name(name, found.files, path)
        try:
            return found[name]
        except (ValueError, OSError, zipfile.BadZipFile) as error:
            raise BadInput(
                f"{path}: array {name!r} cannot be read ({error}); save plain numbers, no objects"
            ) from error

    return list(found.files), read


def _hdf5(file: Group, path: str) -> tuple[list[str], Reader]:
    names = [name for name, node in file.walk() if isinstance(node, Dataset)]

    def read(name: str) -> np.ndarray:
        # What cannot be opened is in no list, but its own error says more than that it is unknown.
        if name not in file:
            _check_name(name, names, path)
        return np.asarray(file.array(name)[()])

    return names, read


def _check_name(name: str, names: list[str], path: str) -> None:
    if name not in names:
        raise BadInput(f"{path}: {unknown('array', name, names)}")


def checked_counts(array: np.ndarray, where: str) -> np.ndarray:
    """Return (trials, bins, neurons) counts as float32.

    Raises:
        BadInput: another shape, no trial, bin or neuron, or a value that is no whole number >= 0.
    """
    if array.dtype.kind not in "iufb":
        raise BadInput(f"{where} expected numbers, got {array.dtype}")
    if array.ndim != 3 or 0 in array.shape:
        raise BadInput(f"{where} expected counts of shape (trials, bins, neurons), got {array.shape}")
    counts = array.astype(np.float32)
    if np.isnan(counts).any():
        trial, bin_, neuron = np.argwhere(np.isnan(counts))[0]
        raise BadInput(f"{where} expected counts, got NaN in trial {trial}, bin {bin_}, neuron {neuron}")
    check_counts(counts, where)
    return counts


def checked_rates(array: np.ndarray, shape: tuple[int, ...], per_unit: float, where: str) -> np.ndarray:
    """Return true rates as expected spikes per bin, float32.

    Args:
        array: true rates in the file's unit.
        shape: that of the counts, (trials, bins, neurons).
        per_unit: expected spikes per bin that one of the file's units means, e.g. 0.01 for Hz and bins of 10 ms.
        where: the beginning of the error's sentence.

    Raises:
        BadInput: another shape, or a rate is negative, NaN or infinite.
    """
    if array.shape != shape:
        raise BadInput(f"{where} expected true rates of the counts' shape {shape}, got {array.shape}")
    if not np.isfinite(array).all() or (array < 0).any():
        raise BadInput(f"{where} expected finite true rates >= 0, got NaN, infinite or negative ones")
    return (array.astype(np.float64) * per_unit).astype(np.float32)


def checked_rows(array: np.ndarray, trials: int, where: str) -> np.ndarray:
    """Return indices of trials, ascending, from 0-based indices or a mask of (trials,) booleans.

    Raises:
        BadInput: none is given, one is repeated, or one is not an index of a trial.
    """
    if array.dtype == bool and array.shape == (trials,):
        array = np.flatnonzero(array)
    rows = np.unique(array)
    if array.dtype.kind not in "iu" or array.ndim != 1 or len(rows) != len(array) or len(rows) == 0:
        raise BadInput(f"{where} expected a list of trials, each once, got {array.dtype} of shape {array.shape}")
    if rows[0] < 0 or rows[-1] >= trials:
        raise BadInput(f"{where} expected indices 0 to {trials - 1}, got {rows[0]} to {rows[-1]}; count from 0")
    return rows.astype(np.int64)
