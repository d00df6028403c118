"""A folder with a file of MATLAB for each unit, as one: each file is a struct of its variables, by the file's name."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from raysp.data.formats import matlab_values
from raysp.data.formats.matlab_values import Struct, Value, Values
from raysp.data.formats.starred import natural
from raysp.io import files

ENDING, TABLES, FEWEST = ".mat", (".csv", ".tsv", ".parquet", ".xlsx"), 2


def paths(folder: str) -> list[str]:
    """Return the files of MATLAB in a folder on this machine, in the order of the numbers in their names."""
    if not files.is_local(folder) or not os.path.isdir(files.absolute(folder)):
        return []
    found = [name for name in natural(list(files.listing(folder))) if name.lower().endswith(ENDING)]
    return [os.path.join(folder, name) for name in found] if len(found) >= FEWEST else []


def tables(folder: str) -> list[str]:
    """Return the tables that lie in such a folder, which nobody reads there."""
    return [name for name in files.listing(folder) if name.lower().endswith(TABLES)] if paths(folder) else []


@contextlib.contextmanager
def opened(path: str) -> Iterator[Values]:
    """Open a MATLAB file, or a folder of such. Raises BadInput as `matlab_values.opened` does."""
    if not (each := paths(path)):
        with matlab_values.opened(path) as file:
            yield file
        return
    # A point is before a field's name.
    by_name = {os.path.splitext(os.path.basename(one))[0].replace(".", "_"): one for one in each}
    yield Values(path, tuple(by_name), lambda name: _struct(by_name[name]))


def _struct(path: str) -> Struct:
    """Return a file as a struct of its variables, each read when it is asked for."""

    def field(name: str) -> list[Value]:
        with matlab_values.opened(path) as file:
            return [file[name]]

    with matlab_values.opened(path) as file:
        return Struct(file.names, 1, field)
