"""What lies in a folder of sorted spikes, of Kilosort and phy or of ALF, beside its vectors: units, trials, clock."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import numpy as np

from raysp.data.formats import npz, table_file
from raysp.errors import BadInput
from raysp.io import files

TIMES = ("spike_times.npy", "spikes.times.npy")
WHOSE = ("spike_clusters.npy", "spikes.clusters.npy", "spike_templates.npy")
"""Vectors of the unit of each spike, those that a person has curated first."""
UNITS = ("cluster_info.tsv", "cluster_group.tsv", "clusters.metrics.pqt", "clusters.metrics.csv", "cluster_KSLabel.tsv")
"""Tables of units, and of what a person or a program thinks of them."""
GOOD = {"group": "good", "KSLabel": "good", "label": 1.0}
"""Columns that say so, those that count most first, and what stands there for a single unit."""
MOST_COLUMNS = 4
"""A matrix of more columns is no attribute of trials."""
ATTRIBUTE = re.compile(r"(?:_[a-z]+_)?(?P<object>[A-Za-z]+)\.(?P<attribute>[A-Za-z_]+)(?:\.[0-9a-f-]{36})?\.npy")
"""A file of ALF: the object, its attribute, and maybe the archive's own identifier."""


def vector(folder: str) -> str | None:
    """Return the path of the vector of spike times in a folder; None where there is none."""
    if not files.is_local(folder) or not os.path.isdir(files.absolute(folder)):
        return None
    return next((os.path.join(folder, name) for name in files.listing(folder) if bare(name) in TIMES), None)


def bare(name: str) -> str:
    """Return a file's name without the identifier that ALF's archive puts into it."""
    return re.sub(r"\.[0-9a-f-]{36}(?=\.npy$)", "", name)


def good_units(folder: str) -> tuple[str, str, object] | None:
    """Return the table of units, its column and the value there that say which were sorted well; None where none does.

    A column counts where it says so of two units at least, and not of all.
    """
    for name in UNITS:
        if not files.exists(path := os.path.join(folder, name)):
            continue
        try:
            table = table_file.read(path)
        except BadInput:
            continue
        for column, value in GOOD.items():
            if column in table and 2 <= int((table[column] == value).sum()) < len(table[column]):
                return path, column, value
    return None


def above(folder: str) -> Iterator[str]:
    """Yield a folder, and those above it that belong to the same session of ALF: `alf/probe00/pykilosort`."""
    yield folder
    if "alf" in (parts := os.path.abspath(folder).split(os.sep)):
        for last in range(len(parts) - 1, len(parts) - 1 - parts[::-1].index("alf") - 1, -1):
            yield os.sep.join(parts[:last])


def columns(path: str) -> dict[str, np.ndarray]:
    """Return the attributes of an object of ALF as columns, by one of its files: `_ibl_trials.intervals.npy`.

    Args:
        path: of any of the files; the others lie beside it.

    Returns:
        Attribute -> (rows,) values; of a matrix (rows, n) n columns, `intervals_0` and so on.

    Raises:
        BadInput: the name is none of ALF, or a file is damaged.
    """
    found: dict[str, np.ndarray] = {}
    for file in files_of(path):
        values = npz.npy_file(file)
        if values.dtype.kind not in "iufbU":
            continue
        attribute, values = _attribute(file), values.astype(values.dtype.newbyteorder("="))
        if values.ndim == 1:
            found[attribute] = values
        elif values.ndim == 2 and values.shape[1] <= MOST_COLUMNS:
            several = {f"{attribute}_{index}": values[:, index] for index in range(values.shape[1])}
            found |= several if values.shape[1] > 1 else {attribute: values[:, 0]}
    return found


def files_of(path: str) -> list[str]:
    """Return the files of an object of ALF, by one of them. Raises BadInput where its name is none of ALF."""
    own = ATTRIBUTE.fullmatch(os.path.basename(path))
    if own is None:
        raise BadInput(f"{path} expected a name as of ALF, such as trials.intervals.npy; give a table, CSV or Parquet")
    folder = os.path.dirname(path)
    there = {name: ATTRIBUTE.fullmatch(name) for name in files.listing(folder or ".")}
    return [os.path.join(folder, name) for name, one in there.items() if one and one["object"] == own["object"]]


def _attribute(path: str) -> str:
    found = ATTRIBUTE.fullmatch(os.path.basename(path))
    return found["attribute"] if found else ""
