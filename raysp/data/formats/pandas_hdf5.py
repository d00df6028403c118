"""Data frames that pandas wrote into an HDF5 file with `to_hdf`, as columns by name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from raysp.errors import BadInput

if TYPE_CHECKING:
    from raysp.data.formats.count_file import Arrays

ITEMS = re.compile(r"(?P<frame>.*?)/?block(?P<number>\d+)_items")
TABLE = "table"


class Pickled(BadInput):
    """A frame's names of columns are pickled, and pickles are not opened, since they run code."""


def columns(file: Arrays, path: str) -> dict[str, np.ndarray]:
    """Return the columns of numbers of all frames in a file; of several frames with the frame's key, "spikes/time".

    Args:
        file: open, of HDF5.
        path: of it.

    Raises:
        BadInput: a frame is damaged.
        Pickled: it was written with format="table".
    """
    blocks = [found for name in file.names if (found := ITEMS.fullmatch(name))]
    several = len({found["frame"] for found in blocks}) > 1
    frames: dict[str, np.ndarray] = {}
    for found in blocks:
        values = file.read(found[0].removesuffix("items") + "values")
        if values.dtype.kind not in "iufb":
            # Columns of text are pickled.
            continue
        names = [str(np.char.decode(one, "utf-8", "replace")) for one in file.read(found[0]).astype(bytes)]
        if values.ndim != 2 or values.shape[1] != len(names):
            raise BadInput(f"{path}: {found[0]} names {len(names)} columns, got values of shape {values.shape}")
        for name, one in zip(names, values.T, strict=True):
            frames[f"{found['frame']}/{name}" if several else name] = one
    if not frames:
        _check_tables(file, path)
    return frames


def _check_tables(file: Arrays, path: str) -> None:
    for name in (name for name in file.names if name.rpartition("/")[2] == TABLE):
        if "index" in (file.read(name).dtype.names or ()):
            told = f"{path}: {name} is a frame of pandas with format='table', whose names of columns are pickled"
            key = name.rpartition("/")[0]
            raise Pickled(f"{told}; write it anew: pandas.read_hdf(path, {key!r}).to_parquet('spikes.parquet')")
