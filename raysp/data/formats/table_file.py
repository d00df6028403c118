"""A table in a file of anyone's: CSV with any separator and decimal mark, or Parquet; columns as arrays.

A column of numbers is numbers, empty cells NaN; any other is text.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from raysp.data.formats import file_kind
from raysp.errors import BadInput
from raysp.io import files, tables

if TYPE_CHECKING:
    import polars

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
MISSING = ("", "nan", "NaN", "NA", "N/A", "null", "None")
PARQUET = b"PAR1"
BINARY = b"\0"
PROBE_ROWS = 200
DECIMAL_COMMA = re.compile(r"^-?\d+,\d+$")


def read(path: str) -> dict[str, np.ndarray]:
    """Read a table.

    Returns:
        Column -> (rows,) values in the table's order: float64, int64, bool, or str.

    Raises:
        BadInput: there is no file, it is empty, damaged, no table with names of columns, a row has more cells than the
            first, or two columns have one name.
    """
    if (problem := file_kind.no_file(path)) is not None:
        raise BadInput(f"{path} {problem}")
    data = files.read_bytes(path)
    if data.startswith(PARQUET):
        return {name: _column(values) for name, values in _parquet(path).items()}
    return {name: _column(values) for name, values in _csv(data, path).items()}


def _parquet(path: str) -> Mapping[str, polars.Series]:
    import polars

    with tables.guarded(path, "write or fetch it again"):
        table = polars.read_parquet(io.BytesIO(files.read_bytes(path)))
    return {name: table[name] for name in table.columns}


def _csv(data: bytes, path: str) -> Mapping[str, polars.Series]:
    import polars

    text = _text(data, path)
    lines = [line for line in text.splitlines()[:PROBE_ROWS] if line.strip() and not line.startswith("#")]
    if not lines:
        raise BadInput(f"{path} is empty; expected a table with a row of names of columns")
    separator = _separator(lines)
    names = [name.strip().strip('"') for name in lines[0].split(separator)]
    _check_names(names, lines, separator, path)
    try:
        table = polars.read_csv(
            io.BytesIO(text.encode()),
            separator=separator,
            comment_prefix="#",
            null_values=list(MISSING),
            infer_schema=False,
        )
    except Exception as error:
        raise BadInput(
            f"{path} expected a table in CSV, got something else ({str(error).splitlines()[0][:160]})"
        ) from error
    table = table.rename(dict(zip(table.columns, names, strict=True)))
    comma = separator != "," and _decimal_comma(lines, separator)
    return {name: _parsed(table[name], comma=comma) for name in names}


def _text(data: bytes, path: str) -> str:
    for encoding in ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "latin-1"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if BINARY.decode() not in text:
            return text
    raise BadInput(f"{path} {file_kind.other(path) or 'is an HDF5 file'}; expected a table in CSV or Parquet")


def _separator(lines: list[str]) -> str:
    """Return what divides the cells: what all rows have equally often, and most often."""
    often = {one: [line.count(one) for line in lines] for one in SEPARATORS}
    same = {one: counts[0] for one, counts in often.items() if counts[0] and len(set(counts)) == 1}
    # A comma inside numbers is no separator where another one divides all rows alike.
    order = [one for one in (";", "\t", "|", ",", " ") if one in same]
    return order[0] if order else max(often, key=lambda one: often[one][0])


def _check_names(names: list[str], lines: list[str], separator: str, path: str) -> None:
    if all(re.fullmatch(r"[-+]?[\d.,]*\d([eE][-+]?\d+)?", name) for name in names):
        told = f"{path} expected a first row with names of columns, got numbers ({lines[0][:60]!r})"
        raise BadInput(f"{told}; write the names above them, such as unit{separator}time")
    if "" in names or len(set(names)) < len(names):
        wrong = next((name for name in names if names.count(name) > 1), "")
        raise BadInput(f"{path} expected each column to have a name of its own, got {wrong!r} more than once or empty")


def _decimal_comma(lines: list[str], separator: str) -> bool:
    cells = [cell.strip().strip('"') for line in lines[1:] for cell in line.split(separator)]
    return any(DECIMAL_COMMA.match(cell) for cell in cells)


def _parsed(values: polars.Series, *, comma: bool) -> polars.Series:
    """Return text as numbers or truth values where all of it is."""
    import polars

    bare = values.str.strip_chars()
    if comma:
        bare = bare.str.replace(",", ".", literal=True)
    for kind in (polars.Int64, polars.Float64):
        numbers = bare.cast(kind, strict=False)
        if numbers.null_count() == values.null_count():
            return numbers
    if set(bare.drop_nulls().str.to_lowercase().unique()) <= {"true", "false"} and values.null_count() == 0:
        return bare.str.to_lowercase() == "true"
    return values


def _column(values: polars.Series) -> np.ndarray:
    import polars

    if values.dtype.is_numeric():
        if values.null_count():
            values = values.cast(polars.Float64)
        return values.to_numpy()
    if values.dtype == polars.Boolean and not values.null_count():
        return values.to_numpy()
    if values.dtype == polars.Duration:
        return values.dt.total_nanoseconds().to_numpy() / 1e9
    return np.array(["" if value is None else str(value) for value in values.to_list()], dtype=str)
