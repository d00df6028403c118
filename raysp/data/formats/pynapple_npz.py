"""Tables in the NPZ files that pynapple saves: a TsGroup's spikes or units, an IntervalSet's begins and ends, in s.

Metadata of intervals, and by newer versions of units, are pickled in such a file, and are not read: nothing is
unpickled. Of objects in a notebook they are.
"""

from __future__ import annotations

import io
import zipfile

import numpy as np

from raysp.data.formats.npz import Archive
from raysp.errors import BadInput, expect
from raysp.io import files

ZIP = b"PK\x03\x04"
ARRAYS = ("TsdFrame", "TsdTensor", "Tsd")
"""What it calls arrays whose first axis is time, saved as `d`."""
OWN = ("t", "d", "index", "start", "end", "keys", "type", "rate")
"""Arrays of a TsGroup that are no columns of its units."""


def type_of(path: str) -> str:
    """Return what pynapple calls what it saved in a file; "" where it saved none of it."""
    with files.opened(path, parts=True) as opened:
        try:
            with zipfile.ZipFile(opened) as file:
                names = set(file.namelist())
        except (OSError, zipfile.BadZipFile):
            return ""
        return _type(Archive(opened, path)) if "type.npy" in names else ""


def is_group(path: str) -> bool:
    """Tell whether a file is a TsGroup that was saved, of spikes by unit."""
    return path.lower().endswith(".npz") and type_of(path) == "TsGroup"


def columns(data: bytes, path: str, *, spikes: bool) -> dict[str, np.ndarray]:
    """Return the columns of what pynapple saved.

    Args:
        data: the file's bytes.
        path: of it, for errors.
        spikes: of a TsGroup, a row a spike, time and unit; else a row a unit, with what is known of each.

    Raises:
        BadInput: it is damaged, or nothing of pynapple's that has spikes or intervals.
    """
    archive = Archive(io.BytesIO(data), path)
    kind = _type(archive)
    if kind == "IntervalSet":
        return {"start": archive.read("start"), "end": archive.read("end")}
    if kind == "Ts":
        times = archive.read("t")
        return {"time": times, "unit": np.zeros(len(times), dtype=np.int64)}
    if kind != "TsGroup":
        told = f"is pynapple's {kind}" if kind else "is an NPZ file of arrays, not of pynapple"
        raise BadInput(
            f"{path} {told}; expected a TsGroup of spikes or an IntervalSet; counts, d, are read by source population"
        )
    times, whose = archive.read("t"), archive.read("index")
    expect(times.shape == whose.shape, f"{path} expected a unit for each of {len(times)} times, got {len(whose)}")
    if spikes:
        return {"time": times, "unit": whose}
    keys = archive.read("keys") if "keys" in archive.names else np.unique(whose)
    others = {name: archive.read(name) for name in archive.names if name not in OWN and not name.startswith("_")}
    return {"unit": keys, **{name: one for name, one in others.items() if one.shape == keys.shape}}


def _type(archive: Archive) -> str:
    if "type" not in archive.names:
        return ""
    found = archive.read("type")
    return str(found.reshape(-1)[0]) if found.dtype.kind == "U" and found.size == 1 else ""
