"""Changes of arrays in MNIST's format that leave the file valid in form."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from random import Random

import numpy as np

from raysp.data.formats.idx import GZIP, TYPES, read_idx
from tests.fuzz.kinds import Changed, NotHere

NUMBERS = {np.dtype(name).newbyteorder("="): number for number, name in TYPES.items()}


def packed(array: np.ndarray) -> bytes:
    """Return an array in the format."""
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, NUMBERS[array.dtype], array.ndim, *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


def _data(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _write(path: str, data: bytes) -> None:
    squeezed = _data(path).startswith(GZIP)
    with open(path, "wb") as file:
        file.write(gzip.compress(data) if squeezed else data)


def _change(text: str, change: Callable[[np.ndarray, Random], np.ndarray]) -> Callable[[str, Random, str], Changed]:
    def changed(path: str, rng: Random, other: str) -> Changed:
        _write(path, packed(np.ascontiguousarray(change(read_idx(path), rng))))
        return Changed(text)

    return changed


def _filled(array: np.ndarray, rng: Random) -> np.ndarray:
    array.flat[rng.randrange(array.size)] = rng.choice((0, 1, 9, 10, 255))
    return array


def of_another(path: str, rng: Random, other: str) -> Changed:
    _write(path, packed(read_idx(other)))
    return Changed("of another file")


def squeezed(path: str, rng: Random, other: str) -> Changed:
    """The same array with gzip, or without."""
    data = _data(path)
    with open(path, "wb") as file:
        file.write(gzip.decompress(data) if data.startswith(GZIP) else gzip.compress(data))
    return Changed("packed or unpacked", "same")


def header(path: str, rng: Random, other: str) -> Changed:
    """A size that the data are not of."""
    array = read_idx(path)
    data, place = bytearray(packed(array)), 4 + 4 * rng.randrange(array.ndim)
    claimed = rng.choice((0, 1, 2**31, 2**32 - 1))
    if struct.unpack_from(">I", data, place)[0] == claimed:
        raise NotHere
    struct.pack_into(">I", data, place, claimed)
    _write(path, bytes(data))
    return Changed(f"a size says {claimed}", "told")


CHANGES = (
    _change("one value", _filled),
    _change("the last sample dropped", lambda array, rng: array[:-1]),
    _change("no sample left", lambda array, rng: array[:0]),
    _change("samples in another order", lambda array, rng: array[::-1]),
    _change("as other numbers", lambda array, rng: array.astype(rng.choice(list(NUMBERS)))),
    _change("flattened", lambda array, rng: array.reshape(-1)),
    _change("axes reversed", lambda array, rng: array.T),
    _change("one axis more", lambda array, rng: array[..., None]),
    _change("all of one value", lambda array, rng: np.full_like(array, 3)),
    of_another,
    squeezed,
    header,
)
