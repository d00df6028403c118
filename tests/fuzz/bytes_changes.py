"""Damage that knows nothing of a format: cuts, flips, fills, and blocks that move."""

from __future__ import annotations

from random import Random

from tests.fuzz.kinds import Change, Changed


def cut(data: bytearray, rng: Random) -> str:
    """Lose the end."""
    at = rng.choice((0, 1, 8, len(data) // 2, len(data) - 1, rng.randrange(len(data))))
    del data[at:]
    return f"cut at {at}"


def flip(data: bytearray, rng: Random) -> str:
    """Flip one bit."""
    at, bit = rng.randrange(len(data)), rng.randrange(8)
    data[at] ^= 1 << bit
    return f"bit {bit} of byte {at} flipped"


def flip_early(data: bytearray, rng: Random) -> str:
    """Flip one bit in the first kilobyte, where headers lie."""
    at, bit = rng.randrange(min(1024, len(data))), rng.randrange(8)
    data[at] ^= 1 << bit
    return f"bit {bit} of byte {at} flipped"


def flip_late(data: bytearray, rng: Random) -> str:
    """Flip one bit in the last kilobyte, where directories and footers lie."""
    at, bit = len(data) - 1 - rng.randrange(min(1024, len(data))), rng.randrange(8)
    data[at] ^= 1 << bit
    return f"bit {bit} of byte {at} flipped"


def fill(data: bytearray, rng: Random) -> str:
    """Fill a stretch with zeros, ones, or anything: a page that was never written, or another file's."""
    at, length = _stretch(data, rng)
    filler = rng.choice((b"\0", b"\xff", b""))
    data[at : at + length] = filler * length if filler else rng.randbytes(length)
    return f"{length} bytes from {at} filled with {filler or 'noise'!r}"


def swap(data: bytearray, rng: Random) -> str:
    """Exchange two blocks of one length."""
    length = max(1, min(512, len(data) // 4))
    first, second = sorted(rng.sample(range(len(data) // length), 2)) if len(data) >= 2 * length else (0, 0)
    a, b = slice(first * length, (first + 1) * length), slice(second * length, (second + 1) * length)
    data[a], data[b] = data[b], data[a]
    return f"blocks {first} and {second} of {length} bytes exchanged"


def drop(data: bytearray, rng: Random) -> str:
    """Lose a stretch in the middle."""
    at, length = _stretch(data, rng)
    del data[at : at + length]
    return f"{length} bytes from {at} dropped"


def double(data: bytearray, rng: Random) -> str:
    """Repeat a stretch."""
    at, length = _stretch(data, rng)
    data[at:at] = data[at : at + length]
    return f"{length} bytes from {at} doubled"


def insert(data: bytearray, rng: Random) -> str:
    """Put noise in between."""
    at, length = _stretch(data, rng)
    data[at:at] = rng.randbytes(length)
    return f"{length} bytes put in at {at}"


def lengthen(data: bytearray, rng: Random) -> str:
    """Go on with noise behind the end."""
    data += rng.randbytes(rng.choice((1, 100, 5000)))
    return "noise behind the end"


def other_format(data: bytearray, rng: Random) -> str:
    """Begin as a file of another format does."""
    start = rng.choice(
        (b"PK\x03\x04", b"\x89HDF\r\n\x1a\n", b"PAR1", b"\x1f\x8b\x08", b"MATLAB 5.0", b"\x80\x05", b"{")
    )
    data[: len(start)] = start
    return f"begins with {start!r}"


def line_ends(data: bytearray, rng: Random) -> str:
    """What a transfer as text does to every line's end."""
    old, new = rng.choice(((b"\n", b"\r\n"), (b"\r\n", b"\n"), (b"\x80", b"?")))
    data[:] = bytes(data).replace(old, new)
    return f"{old!r} became {new!r}"


DAMAGE = (cut, flip, flip_early, flip_late, fill, swap, drop, double, insert, lengthen, other_format, line_ends)


def _stretch(data: bytearray, rng: Random) -> tuple[int, int]:
    at = rng.randrange(len(data))
    return at, min(len(data) - at, rng.choice((1, 2, 8, 64, 512, 4096)))


def _change(damage) -> Change:
    def change(path: str, rng: Random, other: str) -> Changed:
        with open(path, "rb") as file:
            data = bytearray(file.read())
        text = damage(data, rng)
        with open(path, "wb") as file:
            file.write(data)
        return Changed(text)

    return change


CHANGES = tuple(_change(damage) for damage in DAMAGE)
