"""Changes of zip archives: NPZ files, and checkpoints, whose weights change under a right CRC."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np

from tests.fuzz import array_changes
from tests.fuzz.kinds import Changed, NotHere


def _members(path: str) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def _write(path: str, members: list[tuple[str, bytes]], how: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), data, how)


def array(path: str, rng: Random, other: str) -> Changed:
    arrays = dict(np.load(path))
    name = rng.choice(list(arrays))
    how, arrays[name] = array_changes.draw(arrays[name], rng)
    np.savez(path, **arrays)
    return Changed(f"{name}: {how}", name=name)


def from_other(path: str, rng: Random, other: str) -> Changed:
    arrays, others = dict(np.load(path)), dict(np.load(other))
    name = rng.choice(list(arrays))
    if np.array_equal(arrays[name], others[name]):
        raise NotHere
    arrays[name] = others[name]
    np.savez(path, **arrays)
    return Changed(f"{name}: of another file")


def objects(path: str, rng: Random, other: str) -> Changed:
    """An array that is a pickle."""
    arrays = dict(np.load(path))
    name = rng.choice(list(arrays))
    arrays[name] = np.array([{"a": 1}, None], dtype=object)
    np.savez(path, **arrays)
    return Changed(f"{name}: pickled objects")


def header(path: str, rng: Random, other: str) -> Changed:
    """A member whose header claims what is not there."""
    members = _members(path)
    name = rng.choice(list(members))
    said = io.BytesIO()
    shape = rng.choice(((10**9, 10**4, 6), (-1, 3), (2, 2), (10**5, 10**4, 300)))
    np.lib.format.write_array_header_1_0(said, {"descr": "<i8", "fortran_order": False, "shape": shape})
    members[name] = said.getvalue() + members[name][128:]
    _write(path, list(members.items()))
    return Changed(f"{name}: its header claims {shape}")


def no_array(path: str, rng: Random, other: str) -> Changed:
    members = _members(path)
    name = rng.choice(list(members))
    members[name] = rng.choice((b"hello", b"", b"\x93NUMPY\x01\x00\xff\xff{", b"\x93NUMPY\x09\x00", pickle.dumps([1])))
    _write(path, list(members.items()))
    return Changed(f"{name}: is {members[name]!r}")


def members_changed(path: str, rng: Random, other: str) -> Changed:
    """Members dropped, exchanged, renamed, or there twice."""
    found = list(_members(path).items())
    at = rng.randrange(len(found))
    how = rng.choice(("dropped", "renamed", "twice", "exchanged", "emptied"))
    name, data = found[at]
    if how == "dropped":
        del found[at]
    elif how == "renamed":
        found[at] = (name[:-5] + "_.npy", data)
    elif how == "twice":
        found.append((name, data[:-8] + data[-16:-8]))
    elif how == "emptied":
        found[at] = (name, b"")
    else:
        to = rng.randrange(len(found))
        if found[to][1] == data:
            raise NotHere
        found[at], found[to] = (name, found[to][1]), (found[to][0], data)
    with _quiet():
        _write(path, found)
    return Changed(f"{name}: {how}")


def flags(path: str, rng: Random, other: str) -> Changed:
    """Encrypted, or compressed by a method that nobody has."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    local, central = 0, data.find(b"PK\x01\x02")
    method = rng.choice((None, 9, 97, 99))
    if method is None:
        data[local + 6] |= 1
        data[central + 8] |= 1
    else:
        struct.pack_into("<H", data, local + 8, method)
        struct.pack_into("<H", data, central + 10, method)
    with open(path, "wb") as file:
        file.write(data)
    return Changed("encrypted" if method is None else f"compressed by method {method}")


def stored(path: str, rng: Random, other: str) -> Changed:
    """The same members, compressed in another way, in another order."""
    found = list(_members(path).items())
    rng.shuffle(found)
    how = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    found.append(("unused.npy", _npy(np.arange(3))))
    _write(path, found, how)
    return Changed(f"stored anew by method {how}, one member more", "same")


def in_columns(path: str, rng: Random, other: str) -> Changed:
    """The same values in Fortran's order."""
    np.savez(path, **{name: np.asfortranarray(array) for name, array in np.load(path).items()})
    return Changed("in Fortran's order", "same")


NPZ = (array, array, array, array, from_other, objects, header, no_array, members_changed, flags, stored, in_columns)


def state(path: str, rng: Random, other: str) -> Changed:
    """A checkpoint whose content was changed and saved again by torch."""
    import torch

    found = torch.load(path, weights_only=True)
    places = [place for place in _places(found, ()) if place]
    place = rng.choice(places)
    holder: Any = found
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = _other(holder[place[-1]], rng)
    torch.save(found, path)
    return Changed(f"state {'/'.join(map(str, place))}: another value")


def state_from_other(path: str, rng: Random, other: str) -> Changed:
    import torch

    found, theirs = (torch.load(one, weights_only=True) for one in (path, other))
    weights = next(value for value in found.values() if isinstance(value, dict))
    name = next(name for name, value in found.items() if value is weights)
    found[name] = theirs[name]
    torch.save(found, path)
    return Changed(f"state {name}: of another checkpoint")


def state_dropped(path: str, rng: Random, other: str) -> Changed:
    import torch

    found = torch.load(path, weights_only=True)
    name = rng.choice(list(found))
    if rng.random() < 0.5:
        del found[name]
    else:
        found = rng.choice(([found], None, 3, {"state": found}))
    torch.save(found, path)
    return Changed(f"state: {name} dropped, or the whole of another form")


def weights(path: str, rng: Random, other: str) -> Changed:
    """A member of other bytes, with the CRC that belongs to them."""
    found = list(_members(path).items())
    large = [at for at, (name, data) in enumerate(found) if "/data/" in name and data]
    if not large:
        raise NotHere
    at = rng.choice(large)
    name, data = found[at]
    changed = bytearray(data)
    changed[rng.randrange(len(changed))] ^= 0x40
    found[at] = (name, bytes(changed))
    _write(path, found)
    return Changed(f"{name}: one bit, with the CRC that belongs to it")


def pickled(path: str, rng: Random, other: str) -> Changed:
    """A pickle that asks for more than weights."""
    import torch

    torch.save({"format": 1, "trial": _Evil(), "state": rng.random}, path)
    return Changed("a pickle of other things")


class _Evil:
    def __reduce__(self) -> tuple[Callable, tuple]:
        return print, ("never",)


CHECKPOINT = (state, state, state, state, state_from_other, state_dropped, weights, weights, members_changed, pickled)


def _places(value: Any, here: tuple) -> list[tuple]:
    if isinstance(value, dict):
        return [here, *(place for key in value for place in _places(value[key], (*here, key)))]
    if isinstance(value, list):
        return [here, *(place for at in range(len(value)) for place in _places(value[at], (*here, at)))]
    return [here]


def _other(value: Any, rng: Random) -> Any:
    import torch

    if isinstance(value, torch.Tensor):
        if not value.numel():
            raise NotHere
        changed = value.clone()
        flat = changed.reshape(-1)
        flat[rng.randrange(flat.numel())] = rng.choice((1, 0)) if not value.is_floating_point() else 3e37
        if torch.equal(changed, value):
            raise NotHere
        return changed
    return rng.choice([one for one in (None, 7, 1e30, "x", [], {}, True) if one != value])


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _quiet() -> Any:
    import warnings

    return warnings.catch_warnings(action="ignore")
