"""HDF5 files through the one door to disk: whole or not at all, also where a disk is an address."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator

import fsspec
import h5py
import numpy as np
from fsspec.core import url_to_fs

from raysp import files


@contextlib.contextmanager
def new_hdf5(path: str) -> Iterator[h5py.File]:
    """Give a new HDF5 file that becomes `path` when the block ends well.

    Raises:
        OSError: the disk is full; what was at `path` stays.
    """
    with files.replacing(path) as temporary:
        if files.is_local(path):
            with h5py.File(temporary, "w") as file:
                yield file
            return
        # HDF5 seeks back while it writes, which object stores cannot: the whole file is made here, then sent.
        with tempfile.TemporaryDirectory() as folder:
            local = os.path.join(folder, "whole.h5")
            with h5py.File(local, "w") as file:
                yield file
            fs, name = url_to_fs(temporary)
            fs.put_file(local, name)


@contextlib.contextmanager
def opened(path: str) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading.

    Raises:
        OSError: it is absent or no HDF5 file.
    """
    with fsspec.open(path, "rb") as raw, h5py.File(raw, "r") as file:
        yield file


def write_array(file: h5py.Group, name: str, array: np.ndarray) -> None:
    """Write (trials, ...) as float32, gzip, one chunk per trial, so that reading a few trials unpacks no others."""
    array = np.ascontiguousarray(array, dtype=np.float32)
    if array.size == 0:
        file.create_dataset(name, data=array)
        return
    chunks = (1, *array.shape[1:])
    file.create_dataset(name, data=array, chunks=chunks, compression="gzip", compression_opts=1, shuffle=True)
