"""Arrays in the IDX format of the MNIST files, plain or packed with gzip."""

from __future__ import annotations

import math
import struct
import zlib

import numpy as np

from raysp.data.formats import file_kind
from raysp.errors import BadInput
from raysp.io import files

TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
"""Number of a type in the file -> the type; all are big-endian."""

GZIP = b"\x1f\x8b"
MOST_PACKED = 1032
"""How many bytes one packed byte can stand for."""

MOST_AXES = 8

AGAIN = "copy or download it again"


def read_idx(path: str) -> np.ndarray:
    """Read an array.

    Args:
        path: of the file, with gzip or without.

    Raises:
        BadInput: there is no such file, it is damaged, or it is in another format.
    """
    if (problem := file_kind.no_file(path)) is not None:
        raise BadInput(f"{path} {problem}")
    with files.opened(path) as file:
        data = file.read()
    data = _unpacked(data, path) if data.startswith(GZIP) else data
    kind, axes = (data[2], data[3]) if len(data) >= 4 else (0, 0)
    if data[:2] != b"\0\0" or kind not in TYPES or not 0 < axes <= MOST_AXES:
        raise BadInput(f"{path} expected an array in the IDX format, as MNIST's files have it, got {data[:4].hex()}")
    begin, dtype = 4 + 4 * axes, np.dtype(TYPES[kind])
    shape = struct.unpack(f">{axes}I", data[4:begin]) if len(data) >= begin else (0,)
    needed = math.prod(shape) * dtype.itemsize
    if len(data) - begin != needed:
        told = f"its header says shape {shape}, which takes {needed:,} bytes, but {max(len(data) - begin, 0):,} are"
        raise BadInput(f"{path} is damaged: {told} there; {AGAIN}")
    return np.frombuffer(data, dtype, offset=begin).reshape(shape).astype(dtype.newbyteorder("="))


def _unpacked(data: bytes, path: str) -> bytes:
    unpacker, most = zlib.decompressobj(wbits=31), MOST_PACKED * len(data) + 64
    try:
        found = unpacker.decompress(data, most)
    except zlib.error as error:
        raise BadInput(f"{path} is damaged ({error}); {AGAIN}") from error
    if not unpacker.eof:
        raise BadInput(f"{path} is cut off: its gzip stream has no end; {AGAIN}")
    return found
