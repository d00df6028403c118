"""Changes of an HDF5 file that HDF5 itself takes for a whole one."""

from __future__ import annotations

from random import Random

import h5py
import numpy as np

from tests.fuzz import array_changes
from tests.fuzz.kinds import Changed, NotHere


def _datasets(file: h5py.File) -> list[str]:
    found: list[str] = []
    file.visititems(lambda name, node: found.append(name) if isinstance(node, h5py.Dataset) else None)
    return found


def _one(file: h5py.File, rng: Random) -> str:
    found = _datasets(file)
    if not found:
        raise NotHere
    return rng.choice(found)


def _ragged(file: h5py.File, name: str) -> bool:
    return file[name].dtype.kind == "O" and h5py.check_string_dtype(file[name].dtype) is None


def _put(file: h5py.File, name: str, array: np.ndarray, **options) -> None:
    attributes = dict(file[name].attrs)
    del file[name]
    file.create_dataset(name, data=array, **options)
    for key, value in attributes.items():
        file[name].attrs[key] = value


def array(path: str, rng: Random, other: str) -> Changed:
    with h5py.File(path, "a") as file:
        name = _one(file, rng)
        if _ragged(file, name):
            raise NotHere
        how, changed = array_changes.draw(np.asarray(file[name][()]), rng)
        _put(file, name, changed)
    return Changed(f"{name}: {how}", name=name)


def from_other(path: str, rng: Random, other: str) -> Changed:
    """One array is that of another file."""
    with h5py.File(path, "a") as file, h5py.File(other, "r") as source:
        name = _one(file, rng)
        if name not in source or _ragged(file, name) or np.array_equal(source[name][()], file[name][()]):
            raise NotHere
        _put(file, name, source[name][()])
    return Changed(f"{name}: of another file", name=name)


def exchanged(path: str, rng: Random, other: str) -> Changed:
    with h5py.File(path, "a") as file:
        found = _datasets(file)
        if len(found) < 2:
            raise NotHere
        first, second = rng.sample(found, 2)
        if _ragged(file, first) or _ragged(file, second) or np.array_equal(file[first][()], file[second][()]):
            raise NotHere
        file.move(first, "fuzz_in_between")
        file.move(second, first)
        file.move("fuzz_in_between", second)
    return Changed(f"{first} and {second} exchanged")


def renamed(path: str, rng: Random, other: str) -> Changed:
    with h5py.File(path, "a") as file:
        name = _one(file, rng)
        file.move(name, name + rng.choice(("_", "s", "_index", " ")))
    return Changed(f"{name}: renamed")


def dropped(path: str, rng: Random, other: str) -> Changed:
    with h5py.File(path, "a") as file:
        name = _one(file, rng)
        if rng.random() < 0.2:
            name = name.partition("/")[0]
        del file[name]
    return Changed(f"{name}: dropped")


def text(path: str, rng: Random, other: str) -> Changed:
    """Text where numbers are wanted, or bytes that are no UTF-8."""
    with h5py.File(path, "a") as file:
        name = _one(file, rng)
        shape = file[name].shape
        word = rng.choice((b"gr\xf6\xdfe", b"12", b"", b"nan", "日".encode()))
        _put(file, name, np.full(shape, word))
    return Changed(f"{name}: {word!r} everywhere", name=name)


def attribute(path: str, rng: Random, other: str) -> Changed:
    with h5py.File(path, "a") as file:
        places = [("/", key) for key in file.attrs]
        file.visititems(lambda name, node: places.extend((name, key) for key in node.attrs) and None)
        if not places:
            raise NotHere
        name, key = rng.choice(places)
        value = file[name].attrs[key]
        how = rng.choice(("dropped", "number", "latin-1", "array", "digit", "cut"))
        if how == "dropped":
            del file[name].attrs[key]
        elif how in ("digit", "cut"):
            if not isinstance(value, str) or len(value) < 2:
                raise NotHere
            digits = [at for at, letter in enumerate(value) if letter.isdigit()] or [0]
            at = rng.choice(digits)
            changed = (
                value[:at] + ("7" if value[at] != "7" else "3") + value[at + 1 :] if how == "digit" else value[:at]
            )
            file[name].attrs[key] = changed
        else:
            file[name].attrs[key] = {"number": 3, "latin-1": np.bytes_(b"gr\xf6\xdfe"), "array": np.arange(3)}[how]
    return Changed(f"attribute {key} of {name}: {how}")


def no_dataset(path: str, rng: Random, other: str) -> Changed:
    """A group, a link to nothing, a link to itself, or nothing at all where an array was."""
    with h5py.File(path, "a") as file:
        name = _one(file, rng)
        how = rng.choice(("group", "soft link to nothing", "external link to nothing", "link to itself", "null"))
        del file[name]
        if how == "group":
            file.create_group(name)
        elif how == "null":
            file[name] = h5py.Empty("f8")
        else:
            links = {"soft link to nothing": h5py.SoftLink("/gone"), "link to itself": h5py.SoftLink("/" + name)}
            file[name] = links.get(how) or h5py.ExternalLink("gone.h5", "/x")
    return Changed(f"{name}: {how}")


def table_for_group(path: str, rng: Random, other: str) -> Changed:
    with h5py.File(path, "a") as file:
        groups: list[str] = []
        file.visititems(lambda name, node: groups.append(name) if isinstance(node, h5py.Group) else None)
        if not groups:
            raise NotHere
        name = rng.choice(groups)
        del file[name]
        file[name] = np.arange(3.0)
    return Changed(f"{name}: an array in the group's place")


def unknown_filter(path: str, rng: Random, other: str) -> Changed:
    """Chunks that only a filter could read that is not installed."""
    with h5py.File(path, "a") as file:
        name = _one(file, rng)
        values = np.ascontiguousarray(file[name][()])
        if values.size == 0 or values.ndim == 0 or values.dtype.kind not in "iuf":
            raise NotHere
        del file[name]
        options = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        options.set_chunk(values.shape)
        options.set_filter(32001, h5py.h5z.FLAG_OPTIONAL, (0,))
        space = h5py.h5s.create_simple(values.shape)
        made = h5py.h5d.create(file.id, name.encode(), h5py.h5t.py_create(values.dtype), space, options)
        made.write_direct_chunk((0,) * values.ndim, values.tobytes(), 0)
    return Changed(f"{name}: a filter that is not installed")


def storage(path: str, rng: Random, other: str) -> Changed:
    """The same values in other chunks, compressed in another way."""
    with h5py.File(path, "a") as file:
        name = _one(file, rng)
        values = file[name][()]
        if file[name].ndim == 0 or file[name].size == 0 or file[name].dtype.kind == "O":
            raise NotHere
        options = rng.choice(({"compression": "lzf"}, {"compression": "gzip", "fletcher32": True}, {"chunks": True}))
        _put(file, name, values, dtype=file[name].dtype, **options)
    return Changed(f"{name}: stored with {options}", "same")


def more(path: str, rng: Random, other: str) -> Changed:
    """Something beside it that nobody asked for."""
    with h5py.File(path, "a") as file:
        rng.choice(
            (
                lambda: file.create_dataset("scratch/notes", data=np.arange(7.0)),
                lambda: file.create_dataset("scratch/text", data=b"gr\xf6\xdfe"),
                lambda: file.create_group("scratch"),
                lambda: file.__setitem__("scratch/gone", h5py.SoftLink("/nowhere")),
                lambda: file.__setitem__("scratch/gone", h5py.ExternalLink("nowhere.h5", "/x")),
                lambda: file.attrs.__setitem__("remark", "made by hand"),
            )
        )()
    return Changed("something unused beside it", "same")


def linked(path: str, rng: Random, other: str) -> Changed:
    """An array that lies elsewhere in the file, with a link at its place."""
    with h5py.File(path, "a") as file:
        name = _one(file, rng)
        file.move(name, "kept/elsewhere")
        file[name] = h5py.SoftLink("/kept/elsewhere") if rng.random() < 0.5 else file["kept/elsewhere"]
    return Changed(f"{name}: through a link", "same")


FORM = (
    array, array, array, array, array, from_other, from_other, exchanged, renamed, dropped, text, attribute,
    attribute, no_dataset, table_for_group, unknown_filter, storage,
)  # fmt: skip
CHANGES = (*FORM, more, linked)
