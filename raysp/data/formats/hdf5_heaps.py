"""The heaps in which HDF5 keeps text: it goes round in a damaged one for ever, so they are looked at first.

A global heap (HDF5 file format, III.E) is a run of objects, each with its size. HDF5 2.0 steps from one to the next by
these sizes, and stays where it is at a size that says so, such as one of a page that was never written.
"""

from __future__ import annotations

import functools
import mmap
import os
import struct

MARK = b"GCOL\x01\0\0\0"
WHOLE_BYTES, END_BYTES = 1 << 30, 1 << 26
"""Files up to the first size are looked at whole; of larger ones both ends, where writers of recordings put text."""

_HEAD, _OBJECT = struct.Struct("<8sQ"), struct.Struct("<HHIQ")
_WRAP = (1 << 64) - 1


def damaged(path: str) -> bool:
    """Tell whether a file on a disk has a heap that HDF5 could not read to its end. Raises OSError when it is gone."""
    found = os.stat(path)
    return found.st_size > 0 and _damaged(path, found.st_size, found.st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _damaged(path: str, size: int, stamp: int) -> bool:
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if size <= WHOLE_BYTES:
            return _any(data, 0, size)
        return _any(data, 0, END_BYTES) or _any(data, size - END_BYTES, size)


def _any(data: mmap.mmap, start: int, stop: int) -> bool:
    while (start := data.find(MARK, start, stop)) >= 0:
        if _endless(data, start):
            return True
        start += len(MARK)
    return False


def _endless(data: mmap.mmap, start: int) -> bool:
    if start + _HEAD.size > len(data):
        return False
    at, end = start + _HEAD.size, start + _HEAD.unpack_from(data, start)[1]
    # What goes beyond the file is no heap, or one that HDF5 itself refuses.
    while at + _OBJECT.size <= end <= len(data):
        index, _, _, size = _OBJECT.unpack_from(data, at)
        step = size if index == 0 else (_OBJECT.size + size + (-size % 8)) & _WRAP
        if step == 0:
            return True
        at += step
    return False
