"""HDF5 files through the one door to disk: written whole or not at all, and read so that any fault is one sentence."""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

import h5py
import numpy as np

from raysp.data.formats import file_kind
from raysp.data.formats.guarded import Group
from raysp.data.formats.hdf5_faults import not_opened
from raysp.errors import BadInput
from raysp.io import files, storage

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

DIGEST = "sha256"


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

    def write(self, data: ReadableBuffer) -> int:
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
def opened(path: str, *, parts: bool = False, again: str = "fetch it again") -> Iterator[Group]:
    """Open an HDF5 file for reading, guarded: nothing that HDF5 raises leaves as anything but BadInput.

    Args:
        path: a path or an address.
        parts: as in `files.opened`.
        again: what to do about a damaged file.

    Raises:
        BadInput: there is none, it is something else, cut off, damaged, or held by another program; within the block,
            an object that is read is not there, damaged, of another kind, or packed in an unknown way.
        StoreError: a store does not answer.
    """
    file_kind.check(path, again)
    with contextlib.ExitStack() as stack:
        # HDF5 itself opens what lies on a disk: it respects locks, and finds what links to other files point to.
        local = files.is_local(path)
        source = storage.filesystem(path)[1] if local else stack.enter_context(files.opened(path, parts=parts))
        try:
            file = stack.enter_context(h5py.File(source, "r"))
        except Exception as error:
            if not local and storage.is_from_store(error):
                raise
            raise BadInput(f"{path} {not_opened(error, again)}") from error
        yield Group(file, path, again)


def write_array(file: h5py.Group, name: str, array: np.ndarray) -> None:
    """Write (trials, ...) as float32, gzip, one chunk per trial, so that reading a few trials unpacks no others.

    The SHA-256 of its bytes is written as its attribute.
    """
    array = np.ascontiguousarray(array, dtype=np.float32)
    options = {"compression": "gzip", "compression_opts": 1, "shuffle": True, "chunks": (1, *array.shape[1:])}
    dataset = file.create_dataset(name, data=array, **(options if array.size else {}))
    dataset.attrs[DIGEST] = hashlib.sha256(array.data).hexdigest()
