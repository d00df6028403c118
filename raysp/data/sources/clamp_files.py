"""Cells that lie in a file each: which there are, reading them one by one, and a split for each bin width."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from raysp.data.formats import cell_table
from raysp.data.formats.sweeps import Cell
from raysp.data.sources.base import Built
from raysp.data.sources.clamp_cut import Cut, assemble
from raysp.data.splits.header import Provenance
from raysp.errors import BadInput
from raysp.io import files, hashes

C = TypeVar("C", bound=Cut)


@dataclass(frozen=True, kw_only=True)
class CellFiles(Cut):
    """Where files of cells lie, and how they become a split.

    Attributes:
        path: a folder, or one file; "{root}/..." is below the data root.
        cells: a table of cells, CSV or JSON: those are taken, and what it says of them; empty for all there are.
    """

    path: str
    cells: str = ""


@dataclass(frozen=True)
class Reading:
    """What files of cells gave.

    Attributes:
        cells: those that could be read.
        left_out: (number, reason) of the others.
        notes: what else is to be said.
    """

    cells: Sequence[Cell]
    left_out: Sequence[tuple[int, str]] = ()
    notes: tuple[str, ...] = ()


def together(
    wanted: Sequence[tuple[C, str]],
    read: Callable[[C, tuple[int, ...]], Reading],
    known: Callable[[C, str], Provenance],
) -> Iterator[Built]:
    """Build splits that differ in bin width alone; the recordings are read once.

    Args:
        wanted: (config, name) of each.
        read: (config, widths in ms) -> cells with bins of these widths.
        known: (config, name) -> where the numbers come from.

    Raises:
        BadInput: see `clamp_cut.assemble`.
    """
    first, _ = wanted[0]
    found = read(first, tuple(sorted({config.bin_ms for config, _ in wanted})))
    for config, name in wanted:
        provenance = known(config, name)
        provenance = dataclasses.replace(provenance, notes=(*provenance.notes, *found.notes))
        yield assemble(found.cells, found.left_out, config, name, provenance), None


def read_once(config: Cut) -> str:
    """Return what is equal for configs that differ in bin width alone."""
    return repr(dataclasses.replace(config, bin_ms=10))


def read_all(
    there: Mapping[int, str], config: CellFiles, read: Callable[[int, str], Cell], tabled: Mapping[int, dict[str, str]]
) -> Reading:
    """Read the cells of a table, or all there are; one that cannot be read is listed, and stops no other.

    Args:
        there: number of each cell -> its file.
        config: with the table's path, for notes.
        read: (number, path) -> what was recorded.
        tabled: number of each cell of the table -> what it says; empty where there is no table.
    """
    cells, gone = [], [(unit, "has no file") for unit in tabled if unit not in there]
    for unit in sorted(there if not tabled else there.keys() & tabled.keys()):
        try:
            cell = read(unit, there[unit])
        except BadInput as error:
            gone.append((unit, f"cannot be read: {error}"))
        else:
            cells.append(dataclasses.replace(cell, metadata={**cell.metadata, **tabled.get(unit, {})}))
    unnamed = len(there.keys() - tabled.keys()) if tabled else 0
    notes = (f"{unnamed} cells have files, but are not in {os.path.basename(config.cells)}",) if unnamed else ()
    return Reading(cells, gone, notes)


def table(config: CellFiles) -> dict[int, dict[str, str]]:
    """Return what the table of cells says; empty where there is none."""
    return cell_table.read(config.cells) if config.cells else {}


def by_number(paths: Iterable[str], number: Callable[[str], int | None], where: str) -> dict[int, str]:
    """Return the files by the numbers of their cells, those without a number left out.

    Raises:
        BadInput: two files are of one cell.
    """
    found: dict[int, str] = {}
    for path in paths:
        if (unit := number(path)) is None:
            continue
        if unit in found:
            raise BadInput(f"{where} expected a file for each cell, got {found[unit]} and {path} for cell {unit}")
        found[unit] = path
    return found


def provenance(config: CellFiles, paths: Sequence[str], version: str) -> Provenance:
    """Return where the numbers of files come from."""
    read = [(os.path.basename(path), hashes.sha256(path)) for path in paths]
    if config.cells:
        read.append((os.path.basename(config.cells), files.sha256(config.cells)))
    return Provenance(tuple(read), version)
