"""Arrays of an NPZ file, read under guard: what is damaged, strange or dangerous in one is named, with what to do.

An array's header is checked against the bytes that are there before any memory is asked for, the archive's checksums
are compared, and nothing is unpickled.
"""

from __future__ import annotations

import io
import math
import mmap
import sys
import warnings
import zipfile
from collections import Counter
from typing import BinaryIO

import numpy as np

from raysp.errors import BadInput, StoreError, unknown
from raysp.io import files, storage

READ_HEADER = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
    (3, 0): np.lib.format.read_array_header_2_0,
}
"""Versions of the format; the third differs in names of fields beyond ASCII, which no array of plain numbers has."""

LONGEST_HEADER = 1 << 20
OF_EACH = "save plain numbers, of lists of times np.savez(path, **{f'unit_{i}': one for i, one in enumerate(x)})"
NUMPY = b"\x93NUMPY"
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
MOST_PACKED = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: 1032}
"""How many bytes one packed byte can stand for."""

AGAIN = "copy or save it again"


class Archive:
    """An open NPZ file.

    Args:
        file: its bytes.
        path: of it, for errors.

    Attributes:
        names: of its arrays.

    Raises:
        BadInput: it is cut off or no zip archive.
    """

    def __init__(self, file: BinaryIO, path: str) -> None:
        self._path = path
        try:
            self._zip = zipfile.ZipFile(file)
            found = [one.filename for one in self._zip.infolist()]
        except Exception as error:
            raise BadInput(f"{path} is cut off or damaged ({_reason(error, path)}); {AGAIN}") from error
        self._members = {
            key: [one for one in self._zip.infolist() if _key(one.filename) == key] for key in map(_key, found)
        }
        self.names = [_key(name) for name in Counter(found) if name.endswith(".npy")]

    def read(self, name: str) -> np.ndarray:
        """Return an array, read-only.

        Raises:
            BadInput: no array has that name or several have, it is damaged, locked or packed in an unknown way, its
                header does not fit its bytes, or it holds objects.
        """
        if name not in self._members:
            raise BadInput(f"{self._path}: {unknown('array', name, self.names)}")
        where, found = f"{self._path}: array {name!r}", self._members[name]
        if len(found) > 1:
            raise BadInput(f"{where} is there {len(found)} times; save the file again with one array of that name")
        self._check(found[0], where)
        try:
            # To the end, where the archive's checksum is compared.
            data = self._zip.read(found[0])
        except Exception as error:
            raise BadInput(f"{where} is damaged ({_reason(error, self._path)}); {AGAIN}") from error
        return npy_array(data, where)

    def look(self, name: str, most: int) -> tuple[tuple[int, ...], np.ndarray]:
        """Return an array's shape, and the array; of one of more than `most` bytes the beginning. Raises as `read`."""
        found = self._members.get(name, [])
        if len(found) != 1 or found[0].file_size <= most:
            return (whole := self.read(name)).shape, whole
        where = f"{self._path}: array {name!r}"
        self._check(found[0], where)
        try:
            with self._zip.open(found[0]) as file:
                stream = io.BytesIO(file.read(LONGEST_HEADER))
                shape, fortran, dtype = _header(stream, where)
                rest = stream.read()
                if fortran:
                    shape = shape[::-1]
                row = math.prod(shape[1:]) * dtype.itemsize
                rows = max(1, most // max(row, 1))
                data = rest + file.read(max(rows * row - len(rest), 0))
        except BadInput:
            raise
        except Exception as error:
            raise BadInput(f"{where} is damaged ({_reason(error, self._path)}); {AGAIN}") from error
        part = np.frombuffer(data[: rows * row], dtype).reshape(-1, *shape[1:])
        return (shape[::-1], part.T) if fortran else (shape, part)

    def _check(self, member: zipfile.ZipInfo, where: str) -> None:
        if member.flag_bits & 1:
            raise BadInput(f"{where} is encrypted; save the file again without a password")
        if member.compress_type not in METHODS:
            told = f"{where} is packed by method {member.compress_type}, which Python does not know"
            raise BadInput(f"{told}; save it again with np.savez or np.savez_compressed")
        most = MOST_PACKED.get(member.compress_type, math.inf) * member.compress_size
        if member.file_size > most + 64:
            told = f"{member.compress_size:,} packed bytes cannot hold {member.file_size:,}"
            raise BadInput(f"{where} is damaged: {told}; {AGAIN}")


def npy_array(data: bytes | mmap.mmap, where: str) -> np.ndarray:
    """Return the array in NumPy's format, a read-only view of the bytes.

    Args:
        data: header and numbers, read or mapped.
        where: the beginning of the error's sentence.

    Raises:
        BadInput: the bytes are not in that format, the header does not fit what follows it, or the array holds objects.
    """
    stream = io.BytesIO(data[:LONGEST_HEADER])
    shape, fortran, dtype = _header(stream, where)
    there, needed = len(data) - stream.tell(), math.prod(shape) * dtype.itemsize
    # NumPy makes no array with larger axes, even where one of them is 0.
    spanned = math.prod(size or 1 for size in shape) * dtype.itemsize
    if min(shape, default=0) < 0 or needed != there or spanned > sys.maxsize:
        told = f"its header says {dtype} of shape {shape}, which takes {needed:,} bytes, but {there:,} are there"
        raise BadInput(f"{where} is damaged: {told}; {AGAIN}")
    if needed == 0:
        return np.empty(shape, dtype)
    return np.frombuffer(data, dtype, offset=stream.tell()).reshape(shape, order="F" if fortran else "C")


def _header(stream: BinaryIO, where: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Return shape, order and type of the array whose header a stream begins with; it is read up to the values."""
    try:
        version = np.lib.format.read_magic(stream)
        with warnings.catch_warnings():
            # Headers of Python 2 are read, too.
            warnings.simplefilter("ignore")
            shape, fortran, dtype = READ_HEADER[version](stream)
    except Exception as error:
        told = f"{where} expected an array in NumPy's format, got something else ({_reason(error, where)})"
        raise BadInput(f"{told}; {AGAIN}") from error
    if dtype.hasobject:
        raise BadInput(f"{where} holds Python objects, which are not unpickled; {OF_EACH}")
    return shape, fortran, dtype


def npy_file(path: str) -> np.ndarray:
    """Return the array of a file in NumPy's format; of one on this machine only what is looked at is read.

    Raises:
        BadInput: as of `npy_array`.
    """
    if not files.is_local(path):
        return npy_array(files.read_bytes(path), path)
    with open(storage.filesystem(path)[1], "rb") as file:
        try:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError):
            return npy_array(file.read(), path)
        return npy_array(mapped, path)


def _key(filename: str) -> str:
    return filename.removesuffix(".npy")


def _reason(error: Exception, path: str) -> str:
    if isinstance(error, StoreError) or (not files.is_local(path) and storage.is_from_store(error)):
        raise error
    return " ".join(str(error).split()) or type(error).__name__
