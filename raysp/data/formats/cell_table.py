"""Tables of cells: numbers, and what is known of each; CSV or JSON, with the columns of the Allen Cell Types Database.

A CSV may also be nothing but numbers, as the published fits take them. Other columns are passed over.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence

from raysp.errors import BadInput
from raysp.io import files

IDS = ("cell_id", "specimen__id", "id", "specimen_id", "cell")
COLUMNS = {
    "species": ("species", "donor__species"),
    "line": ("line", "line_name", "cre-line", "cre_line"),
    "dendrite": ("dendrite", "tag__dendrite_type", "dendrite_type"),
    "layer": ("layer", "structure__layer", "structure_layer_name"),
}
"""What is known of a cell -> columns that say it, the first that is there counts."""

SPECIES = {"homo sapiens": "human", "mus musculus": "mouse", "rattus norvegicus": "rat"}
UNKNOWN = ("", "nan", "none", "null", "na")


def read(path: str) -> dict[int, dict[str, str]]:
    """Read a table of cells.

    Returns:
        Number of each cell, in the table's order -> "species", "line", "dendrite" and "layer", as far as known.

    Raises:
        BadInput: it is no such table, a number is no whole one from 0, or a cell comes twice.
    """
    return {unit: known_of(row) for unit, row in rows(path).items()}


def rows(path: str) -> dict[int, Mapping[str, object]]:
    """Return the rows of a table by the number of their cell, each with all its columns. Raises as `read` does."""
    table = _json(path) if path.lower().endswith(".json") else _csv(path)
    found: dict[int, Mapping[str, object]] = {}
    for place, row in enumerate(table, 1):
        unit = _number(_first(row, IDS), f"{path}, cell {place}")
        if unit in found:
            raise BadInput(f"{path} expected each cell once, got cell {unit} twice")
        found[unit] = row
    if not found:
        raise BadInput(f"{path} expected at least one cell, got none")
    return found


def known_of(row: Mapping[str, object]) -> dict[str, str]:
    """Return what a row says of a cell, under the names used here; what is empty is left out."""
    values = {name: _text(_first(row, columns)) for name, columns in COLUMNS.items()}
    if species := values["species"]:
        values["species"] = SPECIES.get(species.casefold(), species)
    return {name: value for name, value in values.items() if value}


def _json(path: str) -> list[Mapping[str, object]]:
    found = files.read_json(path)
    if isinstance(found, Mapping):
        found = [{"id": key, **(row if isinstance(row, Mapping) else {})} for key, row in found.items()]
    if not isinstance(found, list):
        raise BadInput(f"{path} expected a list of cells in JSON, got {type(found).__name__}")
    return [row if isinstance(row, Mapping) else {"id": row} for row in found]


def _csv(path: str) -> list[Mapping[str, object]]:
    text = files.read_text(path).removeprefix("\ufeff")
    try:
        lines = [line for line in csv.reader(io.StringIO(text), strict=True) if any(cell.strip() for cell in line)]
    except csv.Error as error:
        raise BadInput(f"{path} expected a table in CSV, got something else ({error})") from error
    if not lines:
        raise BadInput(f"{path} expected a table in CSV, got an empty file")
    if all(re.fullmatch(r"\d+(\.0*)?", cell.strip()) for cell in lines[0] if cell.strip()):
        return [{"id": cell} for line in lines for cell in line if cell.strip()]
    names = [name.strip() for name in lines[0]]
    if not set(names) & set(IDS):
        raise BadInput(f"{path} expected numbers alone, or a column {' or '.join(IDS)}, got columns {_few(names)}")
    if wrong := [place for place, line in enumerate(lines[1:], 2) if len(line) != len(names)]:
        raise BadInput(f"{path}, line {wrong[0]} expected {len(names)} columns, got {len(lines[wrong[0] - 1])}")
    return [dict(zip(names, line, strict=True)) for line in lines[1:]]


def _first(row: Mapping[str, object], names: Sequence[str]) -> object:
    return next((row[name] for name in names if name in row), None)


def _text(value: object) -> str:
    text = "" if value is None else " ".join(str(value).split())
    return "" if text.casefold() in UNKNOWN else text


def _number(value: object, where: str) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,18}(\.0*)?", text):
        raise BadInput(f"{where} expected a whole number from 0, got {text[:40]!r}")
    return int(text.partition(".")[0])


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (" and others" if len(names) > 8 else "")
