"""HDF5 files through the one door to disk: whole or not at all, also where a disk is an address."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator

import h5py
import numpy as np

from raysp import files


@contextlib.contextmanager
def new_hdf5(path: str) -> Iterator[h5py.File]:
    """Give a new HDF5 file that becomes `path` when the block ends well.

    Raises:
        OSError: the disk is full; what was at `path` stays.
    """
    with files.replacing(path) as temporary, _whole(temporary) as file:
        yield file


@contextlib.contextmanager
def _whole(path: str) -> Iterator[h5py.File]:
    with _Sink(path) as sink:
        try:
            with h5py.File(sink, "w") as file:
                yield file
        except Exception as error:
            # What HDF5 says of a write that was not kept is a consequence; the disk's own word is the cause.
            if sink.error is not None:
                raise sink.error from error
            raise
        if sink.error is not None:
            raise sink.error


class _Sink(io.FileIO):
    """A file that keeps the first error of the disk to itself until HDF5 has closed.

    HDF5 crashes the whole process when a write fails while it closes a file (h5py 3.16 on a full disk), so it must
    never see one: after the first error nothing more is written, and `error` is raised by whoever opened this.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path, "w+")
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        rest = memoryview(data).cast("B")
        size = len(rest)
        try:
            while self.error is None and len(rest):
                rest = rest[super().write(rest) :]
        except OSError as error:
            self.error = error
        return size

    def truncate(self, size: int | None = None) -> int:
        try:
            return super().truncate(size)
        except OSError as error:
            self.error = self.error or error
            return size or 0


@contextlib.contextmanager
def opened(path: str, *, parts: bool = False) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading; `parts` as in `files.opened`.

    Raises:
        OSError: it is absent or no HDF5 file.
    """
    with files.opened(path, parts=parts) as raw, h5py.File(raw, "r") as file:
        yield file


def write_array(file: h5py.Group, name: str, array: np.ndarray) -> None:
    """Write (trials, ...) as float32, gzip, one chunk per trial, so that reading a few trials unpacks no others."""
    array = np.ascontiguousarray(array, dtype=np.float32)
    if array.size == 0:
        file.create_dataset(name, data=array)
        return
    chunks = (1, *array.shape[1:])
    file.create_dataset(name, data=array, chunks=chunks, compression="gzip", compression_opts=1, shuffle=True)
