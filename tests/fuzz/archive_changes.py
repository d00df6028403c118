"""Changes of a tar archive of a recording: its members, the array, the tables and the numbers in it."""

from __future__ import annotations

import io
import json
import pickle
import tarfile
from random import Random

import numpy as np
import pandas as pd

from tests.fuzz import array_changes
from tests.fuzz.kinds import Changed, NotHere

Members = list[tuple[tarfile.TarInfo, bytes]]


def _members(path: str) -> Members:
    with tarfile.open(path) as archive:
        return [(info, archive.extractfile(info).read() if info.isfile() else b"") for info in archive]


def _write(path: str, members: Members, mode: str = "w:gz") -> None:
    with tarfile.open(path, mode, format=tarfile.PAX_FORMAT) as archive:
        for info, data in members:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def _ending(members: Members, ending: str, rng: Random) -> int:
    found = [at for at, (info, _) in enumerate(members) if info.name.endswith(ending)]
    if not found:
        raise NotHere
    return rng.choice(found)


def member(path: str, rng: Random, other: str) -> Changed:
    members = _members(path)
    at = rng.randrange(len(members))
    info, data = members[at]
    name, how = info.name, rng.choice(("dropped", "twice", "renamed", "linked", "outside", "exchanged", "emptied"))
    if how == "dropped":
        del members[at]
    elif how == "twice":
        members.append((info, data))
    elif how == "renamed":
        info.name += "_"
    elif how == "linked":
        info.type, info.linkname, members[at] = tarfile.SYMTYPE, "/etc/passwd", (info, b"")
    elif how == "outside":
        info.name = "../../" + name
    elif how == "emptied":
        members[at] = (info, b"")
    else:
        to = (at + 1) % len(members)
        members[at], members[to] = (info, members[to][1]), (members[to][0], data)
    _write(path, members)
    return Changed(f"{name}: {how}")


def of_another(path: str, rng: Random, other: str) -> Changed:
    members, theirs = _members(path), {info.name: data for info, data in _members(other)}
    at = rng.randrange(len(members))
    name = members[at][0].name
    if theirs.get(name) in (None, members[at][1]):
        raise NotHere
    members[at] = (members[at][0], theirs[name])
    _write(path, members)
    return Changed(f"{name}: of another recording")


def pattern(path: str, rng: Random, other: str) -> Changed:
    members = _members(path)
    at = _ending(members, ".npy", rng)
    how, changed = array_changes.draw(np.load(io.BytesIO(members[at][1])), rng)
    buffer = io.BytesIO()
    np.save(buffer, changed)
    members[at] = (members[at][0], buffer.getvalue())
    _write(path, members)
    return Changed(f"pattern: {how}", name="pattern")


def numbers(path: str, rng: Random, other: str) -> Changed:
    members = _members(path)
    at = _ending(members, ".json", rng)
    text = rng.choice((b"null", b"[]", b"{}", b'{"x": 3}', b"\xff", b"{", json.dumps({"a": {"b": "c"}}).encode()))
    members[at] = (members[at][0], text)
    _write(path, members)
    return Changed(f"{members[at][0].name}: {text!r}")


def table(path: str, rng: Random, other: str) -> Changed:
    """A pickled table without a row or column, or with other values in it."""
    members = _members(path)
    at = _ending(members, ".pickle", rng)
    frame = pickle.loads(members[at][1])
    name, row = rng.choice(list(frame.columns)), rng.randrange(len(frame))
    how = rng.choice(("column dropped", "column renamed", "row dropped", "row doubled", "no index", "value", "array"))
    if how == "column dropped":
        frame = frame.drop(columns=[name])
    elif how == "column renamed":
        frame = frame.rename(columns={name: name + "s"})
    elif how == "row dropped":
        frame = frame.drop(index=frame.index[row])
    elif how == "row doubled":
        frame = pd.concat([frame, frame.iloc[[row]]])
    elif how == "no index":
        frame = frame.reset_index(drop=True)
    else:
        values = np.empty(len(frame), dtype=object)
        values[:] = [_other(value, rng, how) if place == row else value for place, value in enumerate(frame[name])]
        frame[name] = pd.Series(values, index=frame.index, dtype=object)
    frame.columns = pd.Index(list(frame.columns), dtype=object)
    members[at] = (members[at][0], pickle.dumps(frame, protocol=5))
    _write(path, members)
    return Changed(f"{members[at][0].name}, {name}: {how}")


def _other(value: object, rng: Random, how: str) -> object:
    if how == "array" and isinstance(value, np.ndarray):
        return array_changes.draw(np.ma.filled(value, -1), rng)[1]
    return rng.choice((None, "x", -1, float("nan"), float("inf"), np.array([3, 1, 2]), np.zeros((2, 2))))


def evil(path: str, rng: Random, other: str) -> Changed:
    """A pickle that would run something."""
    members = _members(path)
    at = _ending(members, ".pickle", rng)
    members[at] = (members[at][0], b"\x80\x05cos\nsystem\n(S'true'\ntR.")
    _write(path, members)
    return Changed(f"{members[at][0].name}: a program")


def stored(path: str, rng: Random, other: str) -> Changed:
    """The same files compressed in another way, with one more beside them."""
    members = _members(path)
    more = tarfile.TarInfo("recording/README.txt")
    members.append((more, b"nothing"))
    mode = rng.choice(("w:gz", "w:bz2", "w:xz", "w"))
    _write(path, members, mode)
    return Changed(f"stored anew ({mode})", "same")


CHANGES = (member, member, of_another, pattern, pattern, numbers, table, table, table, evil, stored)
