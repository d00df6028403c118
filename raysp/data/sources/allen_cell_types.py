"""Cells of the Allen Cell Types Database, an NWB 1 file for each.

Files are called `anything_NUMBER.nwb`, or `specimen_NUMBER/ephys.nwb`. A table of cells, as the database gives it, may
lie beside them, `cells.json` or `cells.csv`; it says what the cells are.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from raysp.config import code_hash
from raysp.data.formats import allen_nwb, cell_table
from raysp.data.formats.sweeps import Cell
from raysp.data.sources import clamp_files, kept_cells
from raysp.data.sources.base import Built
from raysp.data.sources.clamp_files import CellFiles, Reading, read_once
from raysp.data.splits.header import Provenance
from raysp.errors import BadInput
from raysp.io import files

__all__ = ["VERSION", "Config", "build", "build_together", "inputs", "is_standin", "read_once"]

VERSION = "allen_cell_types-1"
LARGE = True

TABLES = ("cells.json", "cells.csv")


@dataclass(frozen=True, kw_only=True)
class Config(CellFiles):
    """Which folder; its cells, unless a table chooses, are all that have a file."""


def inputs(config: Config) -> list[str]:
    """Return the paths of the cells' files, and of their tables."""
    return [*_there(config).values(), *_beside(config), *([config.cells] if config.cells else [])]


def is_standin(config: Config) -> bool:
    """Tell that such files were recorded."""
    return False


def build(config: Config, name: str) -> Built:
    """Build one split. Raises as `build_together` does."""
    return next(build_together([(config, name)]))


def build_together(wanted: Sequence[tuple[Config, str]]) -> Iterator[Built]:
    """Build splits that differ in bin width; the files are read once.

    Raises:
        BadInput: there is no cell, or none can be used.
    """
    return clamp_files.together(wanted, read, known)


def known(config: Config, name: str) -> Provenance:
    """Return where the numbers come from."""
    return clamp_files.provenance(config, [*_there(config).values(), *_beside(config)], VERSION)


def read(config: Config, widths: tuple[int, ...]) -> Reading:
    """Read the cells in bins of these widths, ms; what was read before an interruption is not read again."""
    about = {unit: row for path in _beside(config) for unit, row in cell_table.read(path).items()}

    folder = os.path.dirname(config.path) if config.path.endswith(".nwb") else config.path
    code = code_hash.digest(code_hash.of_source("allen_cell_types"))
    made_by = {"stimuli": config.stimuli, "widths": widths, "code": code}

    def one(unit: int, path: str) -> Cell:
        place = files.join(folder, kept_cells.FOLDER, f"{unit}.h5")
        cell = kept_cells.kept(path, made_by, lambda: allen_nwb.read(path, unit, config.stimuli, widths), place)
        return dataclasses.replace(cell, metadata=about.get(unit, {}))

    return clamp_files.read_all(_there(config), config, one, clamp_files.table(config))


def _beside(config: Config) -> list[str]:
    there = files.listing(config.path)
    paths = (files.join(config.path, name) for name in TABLES if name in there)
    return [path for path in paths if path != config.cells][:1]


def _there(config: Config) -> dict[int, str]:
    if config.path.endswith(".nwb"):
        return {_number(config.path) or 0: config.path}
    paths: list[str] = []
    for name in files.listing(config.path):
        inside = files.join(config.path, name)
        if name.endswith(".nwb"):
            paths.append(inside)
        elif name.startswith("specimen_") and files.exists(path := files.join(inside, "ephys.nwb")):
            paths.append(path)
    found = clamp_files.by_number(paths, _number, config.path)
    if not found:
        raise BadInput(f"{config.path} expected files NUMBER.nwb or specimen_NUMBER/ephys.nwb, found none")
    return found


def _number(path: str) -> int | None:
    folder, _, name = path.rpartition("/")
    found = re.search(r"\d{1,18}", folder.rpartition("/")[2] if name == "ephys.nwb" else name)
    return int(found[0]) if found else None
