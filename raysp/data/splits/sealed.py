"""HDF5 files of raysp's own: a header with its checksum, and a digest of every array, compared with what is read."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypedDict

import h5py
import numpy as np

from raysp.data.formats.guarded import Dataset, Group
from raysp.data.formats.hdf5 import new_hdf5
from raysp.errors import BadInput
from raysp.io import checksum

KEY, DIGESTS, BLOCKS = "raysp", "digests", "blocks"
LARGEST_ATTRIBUTE = 60_000
"""Bytes; HDF5 holds no attribute above 64 KiB."""

BLOCK = 1 << 18
"""Values of a flat array that have a digest of their own, so that some of them can be read, and compared, alone."""


class Described(TypedDict):
    """What an array must be when it is read: shape, type of values, and the SHA-256 of its bytes."""

    shape: list[int]
    dtype: str
    sha256: str


class Sealing:
    """Writes arrays and keeps their digests.

    Attributes:
        file: the open file.
        digests: what is to be compared, by the arrays' paths.
        blocks: of flat arrays of more than a block, the SHA-256 of each.
    """

    def __init__(self, file: h5py.Group) -> None:
        self.file = file
        self.digests: dict[str, Described] = {}
        self.blocks: dict[str, list[str]] = {}

    def write(self, name: str, array: np.ndarray, chunks: tuple[int, ...] | bool = True) -> None:
        """Write an array, gzip.

        Args:
            name: its path in the file.
            array: any shape, numbers or booleans.
            chunks: what is unpacked together.
        """
        array = np.ascontiguousarray(array)
        options = {"compression": "gzip", "compression_opts": 1, "shuffle": True, "chunks": chunks}
        self.file.create_dataset(name, data=array, **(options if array.size else {}))
        self.digests[name] = describe(array)
        if array.ndim == 1 and len(array) > BLOCK:
            self.blocks[name] = [_sha256(array[first : first + BLOCK]) for first in range(0, len(array), BLOCK)]


@contextlib.contextmanager
def new_sealed(path: str, header: Mapping[str, object]) -> Iterator[Sealing]:
    """Give what writes a new HDF5 file with a header and digests, whole or not at all.

    Raises:
        OSError: the disk is full; what was at `path` stays.
    """
    with new_hdf5(path) as file:
        sealing = Sealing(file)
        yield sealing
        known = {DIGESTS: sealing.digests, BLOCKS: sealing.blocks}
        # Bytes of a fixed length: text of any length lies in a heap of HDF5's, which has no checksum either.
        text = np.bytes_(json.dumps(checksum.seal({**header, **known}), sort_keys=True))
        if len(text) < LARGEST_ATTRIBUTE:
            file.attrs[KEY] = text
        else:
            file.create_dataset(KEY, data=text)


def describe(array: np.ndarray) -> Described:
    """Return what an array must be when it is read."""
    return {"shape": list(array.shape), "dtype": array.dtype.str, "sha256": _sha256(array)}


def raw_header(file: Group) -> dict[str, Any] | None:
    """Return a file's header with its checksum, not compared: a later format may have another. None where it has none.

    Raises:
        BadInput: it is damaged.
    """
    if KEY in file.attrs:
        text = file.attrs[KEY]
    elif KEY in file:
        text = file.array(KEY)[()]
    else:
        return None
    try:
        found = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise file.refuse(f"is damaged: its header is no JSON ({error}); {file.again}") from error
    if not isinstance(found, dict):
        raise file.refuse(f"is damaged: its header holds no values by name; {file.again}")
    return found


def checked_header(file: Group, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was written as a header, after comparing its checksum. Raises BadInput where it differs."""
    try:
        found = checksum.unseal(raw)
    except checksum.Damaged as error:
        raise file.refuse(f"is damaged: its header's {error.args[0].removeprefix('its ')}; {file.again}") from error
    if checksum.KEY not in raw or not isinstance(found.get(DIGESTS), dict):
        raise file.refuse(f"is damaged: its header has no checksum; {file.again}")
    return found


def read(file: Group, name: str, header: Mapping[str, Any]) -> np.ndarray:
    """Read an array and compare it with what was written.

    Args:
        file: the open file.
        name: the array's path.
        header: with the digests, checked.

    Raises:
        BadInput: it is gone, damaged, or another.
    """
    dataset = _as_written(file, name, header)
    array = dataset[()]
    if describe(array) != header[DIGESTS][name]:
        raise _other_values(dataset)
    return array


class Stored(Mapping[str, np.ndarray]):
    """The arrays of an open file by their paths: each is read, and compared with what was written, when asked for.

    Args:
        file: the open file.
        header: with the digests, checked.
    """

    def __init__(self, file: Group, header: Mapping[str, Any]) -> None:
        self._file, self._header = file, header

    def __getitem__(self, name: str) -> np.ndarray:
        return read(self._file, name, self._header)

    def __iter__(self) -> Iterator[str]:
        return iter(self._header[DIGESTS])

    def __len__(self) -> int:
        return len(self._header[DIGESTS])

    def stretches(self, name: str, first: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Return stretches of a flat array, one after the other; of a long one no more is read than its blocks there.

        Args:
            name: the array's path.
            first: (stretches,) where each begins, at or after the end of the one before.
            last: (stretches,) where each ends, exclusive.

        Raises:
            BadInput: what is read is damaged, or another.
        """
        digests = self._header.get(BLOCKS, {}).get(name)
        if digests is None:
            return _within(self[name], first, last)
        dataset, found = _as_written(self._file, name, self._header), []
        for at in _touched(first, last):
            begin = at * BLOCK
            values = dataset[begin : begin + BLOCK]
            if _sha256(values) != digests[at]:
                raise _other_values(dataset)
            found.append(_within(values, *(np.clip(ends - begin, 0, len(values)) for ends in (first, last))))
        return np.concatenate(found) if found else np.zeros(0, dataset.dtype)


def _touched(first: np.ndarray, last: np.ndarray) -> list[int]:
    """Return the numbers of the blocks that stretches lie in, ascending."""
    there = last > first
    ranges = zip((first[there] // BLOCK).tolist(), ((last[there] - 1) // BLOCK).tolist(), strict=True)
    return sorted({at for begin, end in ranges for at in range(begin, end + 1)})


def _within(values: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    lengths = last - first
    return values[np.arange(lengths.sum()) + np.repeat(last - np.cumsum(lengths), lengths)]


def _as_written(file: Group, name: str, header: Mapping[str, Any]) -> Dataset:
    """Return an array, unread: a damaged shape may ask for more than all memory."""
    dataset, wanted = file.array(name), header[DIGESTS][name]
    if [list(dataset.shape), dataset.dtype.str] != [wanted["shape"], wanted["dtype"]]:
        raise dataset.refuse(f"is damaged: expected shape {tuple(wanted['shape'])}, got {dataset.shape}; {file.again}")
    return dataset


def _other_values(dataset: Dataset) -> BadInput:
    return dataset.refuse(f"is damaged: its values are not those that were written; {dataset.again}")


def _sha256(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()


def read_all(
    file: Group, header: Mapping[str, Any], wanted: Callable[[str], bool] = lambda name: True
) -> dict[str, np.ndarray]:
    """Read the arrays of a file whose paths are wanted; see `read`."""
    return {name: read(file, name, header) for name in header[DIGESTS] if wanted(name)}
