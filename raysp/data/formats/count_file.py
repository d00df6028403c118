"""Arrays by name from an HDF5, MATLAB, NPZ or NPY file, and the checks that binned spike counts must pass."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from raysp.data.formats import column_major, file_kind, hdf5, json_arrays, matlab_values, npz, unit_attributes
from raysp.data.formats.binning import LARGEST_COUNT, check_counts
from raysp.data.formats.guarded import Dataset, Group
from raysp.data.formats.npz import Archive
from raysp.data.formats.plausibility import reordered
from raysp.errors import BadInput, unknown
from raysp.io import files

LARGEST = float(np.finfo(np.float32).max)
HEAD_BYTES = 128
ATTRIBUTE = "@/"
"""What the names of a file's attributes begin with."""
JSON = (b"{", b"[", b"\xef\xbb\xbf")
"""How a file of JSON begins."""
LOOKED_BYTES = 1 << 27
"""Of a larger array the beginning tells what it is."""


@dataclass(frozen=True)
class Arrays:
    """An open file of arrays.

    Attributes:
        names: of the arrays.
        read: returns one by its name. Raises BadInput where there is none, or it is damaged or of another kind.
        from_one: tells of one whether the program that wrote it counts from 1.
        seen: returns one's shape, and what is needed to describe it: all of it, or of a large one the beginning. None
            where arrays are small.
        renamed: returns of names those that are others with the number of their unit, which attributes say.
    """

    names: list[str]
    read: Callable[[str], np.ndarray]
    from_one: Callable[[str], bool] = lambda name: False
    seen: Callable[[str], tuple[tuple[int, ...], np.ndarray]] | None = None
    renamed: Callable[[Iterable[str]], dict[str, str]] = lambda names: {}

    def look(self, name: str) -> tuple[tuple[int, ...], np.ndarray]:
        """Return an array's shape, and its values or the first of them, `LOOKED_BYTES` at most. Raises as `read`."""
        if self.seen is not None:
            return self.seen(name)
        array = self.read(name)
        return array.shape, array


@contextlib.contextmanager
def arrays(path: str) -> Iterator[Arrays]:
    """Open a file of arrays.

    Raises:
        BadInput: there is no such file, it is cut off, or it is neither HDF5, MATLAB's, NPZ nor NPY.
    """
    if (problem := file_kind.no_file(path)) is not None:
        raise BadInput(f"{path} {problem}")
    head = _head(path)
    if head.startswith(b"PK\x03\x04"):
        with files.opened(path) as file:
            archive = Archive(file, path)
            if not archive.names:
                raise BadInput(f"{path} {file_kind.other(path)}")
            yield Arrays(archive.names, archive.read, seen=lambda name: archive.look(name, LOOKED_BYTES))
    elif head.startswith(npz.NUMPY):
        name = os.path.basename(path).removesuffix(".npy")
        yield Arrays([name], functools.partial(_only, path, name))
    elif head.startswith(matlab_values.OLD):
        with matlab_values.opened(path) as old:
            yield Arrays(list(old.names), functools.partial(_of_matlab, old), lambda name: True)
    elif head.strip().startswith(JSON) and json_arrays.is_json(path):
        found = json_arrays.columns(path)
        yield Arrays(list(found), lambda name: _of_json(found, name, path))
    else:
        with hdf5.opened(path) as opened:
            yield _hdf5(opened, path, head)


def _of_json(found: dict[str, np.ndarray], name: str, path: str) -> np.ndarray:
    if name not in found:
        raise BadInput(f"{path}: {unknown('array', name, list(found))}")
    return found[name]


def _only(path: str, own: str, name: str) -> np.ndarray:
    if name != own:
        raise BadInput(f"{path}: {unknown('array', name, [own])}")
    return npz.npy_file(path)


def _of_matlab(file: matlab_values.Values, name: str) -> np.ndarray:
    value = file[name]
    if isinstance(value, matlab_values.Struct) or value.dtype == object:
        told = f"{file.path}: {name} expected an array of numbers, got {matlab_values.kind(value)}"
        raise BadInput(f"{told}; name a field of it, or read spikes in structs and cells by source: matlab_spikes")
    return value


def _head(path: str) -> bytes:
    try:
        with files.opened(path, parts=True) as file:
            return file.read(HEAD_BYTES)
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror or error}); check who may read it") from error


def _hdf5(file: Group, path: str, head: bytes) -> Arrays:
    names = [name for name, node in file.walk() if isinstance(node, Dataset) and not name.startswith("#")]
    said = _attributes(file)

    def read(name: str) -> np.ndarray:
        if name in said:
            return said[name]
        # What cannot be opened is in no list, but its own error says more than that it is unknown.
        if name not in file:
            raise BadInput(f"{path}: {unknown('array', name, names)}")
        if column_major.is_reversed(file, name, head):
            return column_major.read(file[name])
        return np.asarray(file.array(name)[()])

    def seen(name: str) -> tuple[tuple[int, ...], np.ndarray]:
        node = file[name] if name in names else None
        if name in said or not isinstance(node, Dataset) or not node.shape:
            return (found := read(name)).shape, found
        size = int(np.prod(node.shape, dtype=object)) * max(node.dtype.itemsize, 1)
        if size <= LOOKED_BYTES:
            return (found := read(name)).shape, found
        rows = max(1, LOOKED_BYTES * node.shape[0] // size)
        if column_major.is_reversed(file, name, head):
            return node.shape[::-1], np.asarray(node[:rows]).T
        return node.shape, np.asarray(node[:rows])

    def from_one(name: str) -> bool:
        return name not in said and column_major.is_reversed(file, name, head)

    return Arrays([*names, *said], read, from_one, seen, functools.partial(unit_attributes.renamed, file))


def _attributes(file: Group) -> dict[str, np.ndarray]:
    """Return the single numbers among the attributes of a file, "@/fs": a sampling rate, or the width of bins."""
    each = {f"{ATTRIBUTE}{name}": np.asarray(file.attrs[name]) for name in file.attrs}
    return {name: one for name, one in each.items() if one.size == 1 and one.dtype.kind in "iuf"}


def checked_counts(array: np.ndarray, where: str) -> np.ndarray:
    """Return (trials, bins, units) counts as float32; NaN in all units from some bin on is the end of a shorter trial.

    Raises:
        BadInput: another shape, no trial, bin or unit, or a value that is no whole number from 0 to 2^24.
    """
    check_numbers(array, where)
    if array.ndim != 3 or 0 in array.shape:
        raise BadInput(f"{where} expected counts of shape (trials, bins, units), got {array.shape}")
    if array.dtype.kind == "f" and (stray := np.isnan(array) & ~_ended(array)[:, :, None]).any():
        trial, bin_, unit = np.argwhere(stray)[0]
        told = f"{where} expected counts, got NaN in trial {trial}, bin {bin_}, unit {unit}"
        raise BadInput(f"{told}; NaN may stand in all units from a trial's end on, and nowhere else")
    # Before they become float32, which rounds.
    check_counts(array, where)
    return array.astype(np.float32, order="C")


def _ended(array: np.ndarray) -> np.ndarray:
    """Tell which bins lie after the end of a shorter trial, (trials, bins): all units are NaN from there on."""
    empty = np.isnan(array).all(axis=2)
    ended = np.logical_and.accumulate(empty[:, ::-1], axis=1)[:, ::-1]
    # A trial of nothing but NaN has no end that could be told from a mistake.
    return ended & ~empty.all(axis=1)[:, None]


def checked_rates(array: np.ndarray, shape: tuple[int, ...], per_unit: float, where: str) -> np.ndarray:
    """Return true rates as expected spikes per bin, float32.

    Args:
        array: true rates in the file's unit.
        shape: that of the counts, (trials, bins, units).
        per_unit: expected spikes per bin that one of the file's units means, e.g. 0.01 for Hz and bins of 10 ms.
        where: the beginning of the error's sentence.

    Raises:
        BadInput: another shape, or a rate is negative, NaN, or too large for float32.
    """
    check_numbers(array, where)
    if array.shape != shape:
        hint = reordered(array.shape, [(length,) for length in shape])
        raise BadInput(f"{where} expected true rates of the counts' shape {shape}, got {array.shape}{hint}")
    with np.errstate(over="ignore"):
        expected = array.astype(np.float64) * per_unit
    if not np.isfinite(array).all() or not (expected >= 0).all():
        raise BadInput(f"{where} expected finite true rates >= 0, got NaN, infinite or negative ones")
    if (largest := expected.max(initial=0.0)) > LARGEST_COUNT:
        told = f"{where} expected true rates of at most {LARGEST_COUNT:,} spikes per bin"
        raise BadInput(f"{told}, got {largest:.3g}; check their unit and rate_scale")
    return expected.astype(np.float32)


def checked_behavior(array: np.ndarray, shape: tuple[int, int, int], bins: int, where: str) -> np.ndarray:
    """Return behaviour in the observed bins, (trials, bins, variables) float32; NaN where it is unknown.

    Args:
        array: (trials, all bins, variables), or (trials, bins, variables).
        shape: that of the counts, (trials, all bins, units).
        bins: observed ones.
        where: the beginning of the error's sentence.

    Raises:
        BadInput: another shape, no numbers, or a value that is infinite or too large for float32.
    """
    check_numbers(array, where)
    trials, length, units = shape
    if array.ndim != 3 or array.shape[0] != trials or array.shape[1] not in (length, bins) or array.shape[2] == 0:
        hint = reordered(array.shape, [(trials,), (length, bins), None])
        if array.ndim == 2 and array.shape in ((trials, length), (trials, bins)):
            hint = "; for one variable use x[:, :, None]"
        elif array.ndim == 3 and array.shape[:2] == (trials, units):
            hint = "; the third axis of the counts has that length: are they (trials, units, bins)?"
        raise BadInput(f"{where} expected behaviour ({trials}, {length}, variables), got {array.shape}{hint}")
    array = array[:, :bins]
    known = array[~np.isnan(array)] if array.dtype.kind == "f" else array
    if (largest := max(-float(known.min(initial=0)), float(known.max(initial=0)))) > LARGEST:
        raise BadInput(f"{where} expected finite behaviour that float32 can hold, got {largest:.3g}; NaN marks gaps")
    return array.astype(np.float32)


def one_number(array: np.ndarray, where: str) -> float:
    """Return the only value of an array of one. Raises BadInput unless it is a number > 0."""
    check_numbers(array, where)
    if array.size != 1 or not 0 < array.item() < np.inf:
        raise BadInput(f"{where} expected one number > 0, got {array if array.size < 9 else array.shape}")
    return float(array.item())


def check_numbers(array: np.ndarray, where: str) -> None:
    """Raise BadInput unless an array holds real numbers or truth values."""
    if array.dtype.kind not in "iufb":
        what = {"c": "complex numbers", "U": "text", "S": "text", "O": "objects"}.get(array.dtype.kind, array.dtype)
        raise BadInput(f"{where} expected numbers, got {what}")


def per_trial(array: np.ndarray, shape: tuple[int, int, int], where: str) -> np.ndarray:
    """Return one value per trial, (trials,), of an array of that shape, of one row or of one column.

    Args:
        array: the values.
        shape: that of the counts, (trials, bins, units).
        where: the beginning of the error's sentence.

    Raises:
        BadInput: another shape, or values that are neither numbers nor text.
    """
    trials, *others = shape
    if array.size != trials or max(array.shape, default=0) != trials:
        told = "; so long is another axis of the counts: are its axes (trials, bins, units)?"
        hint = told if array.size in others else ""
        raise BadInput(f"{where} expected one condition per trial, ({trials},), got {array.shape}{hint}")
    if array.dtype.kind not in "iufbUS":
        raise BadInput(f"{where} expected numbers or text, got {array.dtype}")
    # A note spells the values, and bytes would stand there as Python has them.
    return np.char.decode(array, "utf-8", errors="replace").ravel() if array.dtype.kind == "S" else array.ravel()


def checked_rows(array: np.ndarray, trials: int, where: str, *, from_one: bool = False) -> np.ndarray:
    """Return indices of trials, ascending, from indices or a mask of (trials,) booleans; one row or column of them.

    Args:
        array: indices from 0, or the mask, of zeros and ones as well.
        trials: how many there are.
        where: the beginning of the error's sentence.
        from_one: the program that wrote them counts from 1.

    Raises:
        BadInput: none is given, one is repeated, or one is not an index of a trial; `from_one` and they are no mask.
    """
    if array.ndim == 2 and 1 in array.shape:
        array = array.ravel()
    if array.shape == (trials,) and trials > 2 and array.dtype.kind in "biuf" and np.isin(array, (0, 1)).all():
        array, from_one = np.flatnonzero(array), False
    if array.dtype.kind == "f" and (abs(array) < 2**53).all() and (array % 1 == 0).all():
        array = array.astype(np.int64)
    told = f"{where} expected a list of trials, each once, got"
    if array.dtype.kind not in "iu" or array.ndim != 1 or array.size == 0:
        raise BadInput(f"{told} {array.dtype} of shape {array.shape}")
    rows, times = np.unique(array, return_counts=True)
    if (times > 1).any():
        raise BadInput(f"{told} {', '.join(map(str, rows[times > 1][:5]))} more than once; or give a mask")
    if from_one:
        told = f"{where} holds indices by a program that counts from 1, and here trials count from 0"
        raise BadInput(f"{told}; save a logical mask of {trials} trials")
    if rows[0] < 0 or rows[-1] >= trials:
        raise BadInput(f"{where} expected indices 0 to {trials - 1}, got {rows[0]} to {rows[-1]}; count from 0")
    return rows.astype(np.int64)
