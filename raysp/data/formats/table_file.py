"""A table in a file of anyone's: CSV with any separator and decimal mark, Parquet, vectors of NumPy or HDF5, as arrays.

A column of numbers is numbers, empty cells NaN; one of dates with times of day is seconds; any other is text.
"""

from __future__ import annotations

import collections
import csv
import io
import itertools
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from raysp.data.formats import (
    clock_text,
    file_kind,
    folder_lists,
    json_arrays,
    matrix_columns,
    npz,
    pynapple_npz,
    vector_file,
)
from raysp.data.formats.npz import Archive
from raysp.errors import BadInput
from raysp.io import files, tables

if TYPE_CHECKING:
    import polars

SEPARATORS = (";", "\t", "|", ",", " ")
"""The first that divides all rows alike: a comma inside numbers is no separator where another one does."""
REMARKS = ("#", "%")
NO_ROW = "is empty; expected a table with a row of names of columns"
MISSING = ("", "nan", "NaN", "NA", "N/A", "null", "None")
PARQUET, ARROW = b"PAR1", b"ARROW1"
BINARY = b"\0"
PROBE_ROWS, PROBE_BYTES, LARGE_BYTES = 200, 1 << 20, 1 << 26
"""What tells how a table is written; from so many bytes on a CSV file is read without holding its text."""
Only = Callable[[Sequence[str]], Iterable[str]]
"""What chooses columns by their names."""
HEAD_BYTES, LONGEST = 16, 10_000
VECTOR = ".npy"
WIDE, AS_ARRAY = 20, "of counts save an array, np.save('counts.npy', np.loadtxt(path, delimiter=','))"
DECIMAL_COMMA = r"^[-+]?\d+(,\d+)?([eE][-+]?\d+)?$"
MOMENT = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?$"
MAY_BE_THOUSANDS = r"^[-+]?[1-9]\d{0,2}(,\d{3})?$"


def read(path: str, *, lists: bool = False, only: Only | None = None) -> dict[str, np.ndarray]:
    """Read a table.

    Args:
        path: of CSV, Parquet, or of one vector of NumPy, a column by the name of its file; an NPZ file of pynapple; or
            an NPZ, HDF5 or JSON file, or a folder of lists, whose vectors are the columns, and may differ in length.
        lists: columns of lists of numbers come as arrays of objects, which are vectors; otherwise as text. Of
            pynapple's TsGroup the table of spikes, otherwise of units.
        only: is given the columns' names, and returns those that are read, of Parquet and of large CSV files.

    Returns:
        Column -> (rows,) values in the table's order: float64, int64, bool, or str. Points in time are seconds since
        1970. Columns without a name, as programs write row numbers, are left out.

    Raises:
        BadInput: there is no file, it is empty, damaged, no table with names of columns, a row has more cells than the
            first, or two columns have one name.
    """
    if folder_lists.paths(path):
        return folder_lists.vectors(path)
    if (problem := file_kind.no_file(path)) is not None:
        raise BadInput(f"{path} {problem}")
    with files.opened(path, parts=True) as file:
        head = file.read(HEAD_BYTES)
    if head.startswith(pynapple_npz.ZIP):
        return (
            pynapple_npz.columns(files.read_bytes(path), path, spikes=lists)
            if _is_pynapples(path)
            else vector_file.vectors(path)
        )
    if file_kind.other(path) is None or json_arrays.is_json(path):
        return vector_file.vectors(path, lists=lists)
    if head.startswith(npz.NUMPY):
        name = os.path.basename(path).removesuffix(VECTOR)
        return matrix_columns.columns(name, npz.npy_file(path)) or {name: _vector(path)}
    if head.startswith(PARQUET):
        columns = dict(_parquet(path, only))
    elif head.startswith(ARROW):
        columns = dict(_arrow(path))
    else:
        columns = dict(_large_csv(path, only) or parsed(files.read_bytes(path), path))
    found = {}
    for name in list(columns):
        # Each goes as its array comes: of a large table both would take twice the memory.
        one = columns.pop(name)
        found[name] = _lists(one) if lists and is_lists(one) else column(one)
    return found


def _is_pynapples(path: str) -> bool:
    if pynapple_npz.type_of(path):
        return True
    with files.opened(path) as file:
        names = Archive(file, path).names
    if not names:
        raise BadInput(f"{path} {file_kind.other(path)}; expected a table in CSV or Parquet")
    return False


def is_table(path: str) -> bool:
    """Tell whether a file is Parquet or text, by its first bytes. Raises BadInput where there is none."""
    if (problem := file_kind.no_file(path)) is not None:
        raise BadInput(f"{path} {problem}")
    with files.opened(path, parts=True) as file:
        head = file.read(HEAD_BYTES)
    return head.startswith((PARQUET, ARROW)) or file_kind.is_text(file_kind.other(path))


def is_vector(path: str) -> bool:
    """Tell whether a NumPy file on this machine holds one vector. Raises BadInput where it is damaged."""
    array = npz.npy_file(path)
    return not array.dtype.names and array.size == max(array.shape, default=0)


def of_frame(frame: polars.DataFrame, *, lists: bool = False) -> dict[str, np.ndarray]:
    """Return the columns of a frame in memory as `read` does those of a file."""
    return {one.name: _lists(one) if lists and is_lists(one) else column(one) for one in frame}


def _vector(path: str) -> np.ndarray:
    values = npz.npy_file(path)
    if values.dtype.kind not in "iufbU" or values.size != max(values.shape, default=0):
        raise BadInput(f"{path} expected a vector of numbers or names, got {values.dtype} of shape {values.shape}")
    return values.ravel().astype(values.dtype.newbyteorder("="), copy=False)


def _parquet(path: str, only: Only | None) -> Mapping[str, polars.Series]:
    import polars

    with tables.guarded(path, "write or fetch it again"):
        source = files.absolute(path) if files.is_local(path) else io.BytesIO(files.read_bytes(path))
        names = list(polars.read_parquet_schema(source))
    wanted = names if only is None else list(dict.fromkeys(only(names)))
    with tables.guarded(path, "write or fetch it again"):
        table = polars.read_parquet(source, columns=wanted)
    return {name: table[name] for name in table.columns}


def _arrow(path: str) -> Mapping[str, polars.Series]:
    """Return the columns of a file of Arrow, which pandas and R call Feather."""
    import polars

    with tables.guarded(path, "write or fetch it again"):
        table = polars.read_ipc(io.BytesIO(files.read_bytes(path)))
    return {name: table[name] for name in table.columns}


def _large_csv(path: str, only: Only | None) -> Mapping[str, polars.Series] | None:
    """Return columns of a CSV file of numbers without ever holding its text; None where it must be read as others are.

    How it is written is told by its beginning; where the rest is not so, it is read as others are, and refused there.
    """
    import polars

    if not files.is_local(path) or os.path.getsize(name := files.absolute(path)) < LARGE_BYTES:
        return None
    with open(name, "rb") as file:
        begin = file.read(PROBE_BYTES)
    begin = begin[: begin.rfind(b"\n") + 1]
    if not begin or begin[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return None
    probed, found = parsed(begin, path), form(begin, path)
    wanted = list(probed) if only is None else list(dict.fromkeys(only(list(probed))))
    if found.separator == " " or any(not one.dtype.is_numeric() for one in (probed[each] for each in wanted)):
        return None
    try:
        scanned = polars.scan_csv(
            name, separator=found.separator, comment_prefix="#", null_values=list(MISSING), encoding="utf8-lossy",
            decimal_comma=found.decimal_comma, schema_overrides={each: probed[each].dtype for each in wanted},
        )  # fmt: skip
        table = scanned.select(wanted).collect(engine="streaming")
    except polars.exceptions.PolarsError:
        return None
    # Where cells are empty, whole rows may be, which are no rows.
    return None if any(table[each].null_count() for each in wanted) else {each: table[each] for each in wanted}


@dataclass(frozen=True)
class Form:
    """How a CSV file is written.

    Attributes:
        names: of the columns.
        first: the line of the names.
        separator: of cells.
        decimal_comma: numbers may have one.
    """

    names: tuple[str, ...]
    first: str
    separator: str
    decimal_comma: bool


def form(data: bytes, path: str) -> Form:
    """Return how a file is written that begins so. Raises BadInput where it is no text, or holds no row."""
    text = _text(data, path).replace("\r\n", "\n").replace("\r", "\n")
    if not (lines := list(itertools.islice(_lines(text), PROBE_ROWS))):
        raise BadInput(f"{path} {NO_ROW}")
    separator = _separator(lines)
    comma = separator != "," and any("," in line for line in lines[1:])
    return Form(tuple(name.strip() for name in divided(lines[:1], separator)[0]), lines[0], separator, comma)


def parsed(data: bytes, path: str) -> Mapping[str, polars.Series]:
    """Return the columns of the text of a table, numbers where all is numbers. Raises BadInput as `read` does."""
    import polars

    text = _text(data, path).replace("\r\n", "\n").replace("\r", "\n")
    text = re.sub(r"\A(\s*([#%].*)?\n)+", "", text)
    lines = list(itertools.islice(_lines(text), PROBE_ROWS))
    if not lines:
        raise BadInput(f"{path} {NO_ROW}")
    if (longest := max(map(len, lines))) > csv.field_size_limit():
        raise BadInput(f"{path} expected a table, got a line of {longest:,} characters; check the path")
    separator = _separator(lines)
    if separator == " ":
        text = re.sub(r"(?m)^ +| +$|(?<= ) +", "", text)
        lines = list(itertools.islice(_lines(text), PROBE_ROWS))
    cells = divided(lines, separator)
    names = [name.strip() for name in cells[0]]
    _check_names(names, lines, separator, path)
    if len(cells) > 1 and all(len(row) == len(names) + 1 and not row[-1].strip() for row in cells[1:]):
        names, text = [*names, ""], text.replace(lines[0], lines[0] + separator, 1)
    elif _has_row_names(cells, lines):
        # R gives its names of rows no name.
        names, text = ["", *names], text.replace(lines[0], separator + lines[0], 1)
        cells[0] = ["", *cells[0]]
    _check_width(names, cells, lines, path)
    try:
        table = polars.read_csv(
            io.BytesIO(text.encode()),
            separator=separator,
            comment_prefix="#",
            null_values=list(MISSING),
            infer_schema=False,
        )
    except Exception as error:
        raise BadInput(f"{path} expected {_uneven(text, len(names), separator, error)}") from error
    table = table.select(polars.all().str.strip_chars().replace("", None))
    if table.width > 1:
        table = table.filter(~polars.all_horizontal(polars.all().is_null()))
    columns = {name: column for name, column in zip(names, table, strict=False) if name}
    comma = any(_has_decimal_comma(column) for column in columns.values())
    return {name: _parsed(column, comma=comma) for name, column in columns.items()}


def _lines(text: str) -> Iterator[str]:
    """Yield the lines that are no remarks, one by one: a table may have very many."""
    found = (one.group() for one in re.finditer(r"[^\n]+", text))
    return (line for line in found if line.strip() and not line.startswith(REMARKS))


def divided(lines: Sequence[str], separator: str) -> list[list[str]]:
    """Return the cells of lines that a separator divides."""
    return [next(csv.reader([line], delimiter=separator, skipinitialspace=True), []) for line in lines]


def _has_row_names(cells: list[list[str]], lines: list[str]) -> bool:
    """Tell whether rows begin with a text that has no name in the first one, as R's write.table has them."""
    quoted = all(line.lstrip().startswith('"') for line in lines)
    return len(cells) > 1 and quoted and all(len(row) == len(cells[0]) + 1 for row in cells[1:])


def _check_width(names: list[str], cells: list[list[str]], lines: list[str], path: str) -> None:
    often = collections.Counter(len(row) for row in cells[1:] or cells).most_common(1)[0][0]
    if often != len(names):
        told = f"{path} expected names of columns in the first row, as many as rows have cells ({often}), got"
        then = "put # before remarks above the names, and write decimal points or divide columns by ; or tabs"
        raise BadInput(f"{told} {lines[0][:60]!r}; {then}")


def _uneven(text: str, columns: int, separator: str, error: Exception) -> str:
    for row, line in enumerate(_lines(text)):
        if line.count(separator) >= columns and (cells := len(divided([line[:LONGEST]], separator)[0])) > columns:
            return f"{columns} cells in each row, got {cells} in row {row}: {line[:60]!r}; mend that row"
    return f"a table in CSV, got something else ({str(error).splitlines()[0][:160]}); save it again"


def _text(data: bytes, path: str) -> str:
    for encoding in ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "latin-1"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if BINARY.decode() not in text and not text.lstrip().startswith(("<", "{", "[")):
            return text
    raise BadInput(f"{path} {file_kind.other(path) or 'is an HDF5 file'}; expected a table in CSV or Parquet")


def _separator(lines: list[str]) -> str:
    """Return what divides the cells: the first that divides all rows alike, or else the most rows."""
    widths = {one: collections.Counter(len(row) for row in divided(lines, one)) for one in SEPARATORS}
    alike = {one: max((rows for width, rows in found.items() if width > 1), default=0) for one, found in widths.items()}
    return max(SEPARATORS, key=alike.__getitem__)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[-+]?[\d.,]*\d([eE][-+]?\d+)?", text) is not None


def _check_names(names: list[str], lines: list[str], separator: str, path: str) -> None:
    of_units = "is a row the times of a unit? Save a row for each spike, with columns unit and time"
    if len({len(row) for row in divided(lines, separator)}) > 2 and sum(map(_is_number, names)) > len(names) / 2:
        raise BadInput(f"{path} expected rows of one length, got others, and numbers for names; {of_units}")
    if all(map(_is_number, names)):
        told = f"{path} expected a first row with names of columns, got numbers ({lines[0][:60]!r})"
        named = f"write the names above them, such as unit{separator}time"
        raise BadInput(f"{told}; {AS_ARRAY if len(names) > WIDE else named}")
    if twice := [name for name in names if name and names.count(name) > 1]:
        raise BadInput(f"{path} expected each column to have a name of its own, got {twice[0]!r} more than once")


def _has_decimal_comma(values: polars.Series) -> bool:
    """Tell whether a column is of numbers with decimal commas, which cannot be thousands and their separators."""
    there = values.drop_nulls()
    return (
        there.str.contains(",", literal=True).any()
        and there.str.contains(DECIMAL_COMMA).all()
        and not there.str.contains(MAY_BE_THOUSANDS).all()
    )


def _parsed(values: polars.Series, *, comma: bool) -> polars.Series:
    """Return text as numbers or truth values where all of it is."""
    import polars

    bare = values
    if comma and values.drop_nulls().str.contains(DECIMAL_COMMA).all():
        bare = values.str.replace(",", ".", literal=True)
    for kind in (polars.Int64, polars.Float64):
        numbers = bare.cast(kind, strict=False)
        if numbers.null_count() == values.null_count():
            return numbers
    if (times := _moments(bare)) is not None:
        return times
    if set(bare.drop_nulls().str.to_lowercase().unique()) <= {"true", "false"} and values.null_count() == 0:
        return bare.str.to_lowercase() == "true"
    return values


def _moments(values: polars.Series) -> polars.Series | None:
    """Return dates with times of day, as 2026-05-01 10:00:00.123, in seconds since 1970; None of anything else."""
    import polars

    there = values.drop_nulls()
    if not len(there) or not there.str.contains(MOMENT).all():
        return None
    text = values.str.replace("T", " ", literal=True).str.strip_suffix("Z")
    found = text.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)
    return found.dt.epoch("us").cast(polars.Float64) / 1e6 if found.null_count() == values.null_count() else None


def is_lists(values: polars.Series) -> bool:
    """Tell whether each value of a column is a list of numbers."""
    import polars

    kind = values.dtype
    return isinstance(kind, polars.List | polars.Array) and kind.inner.is_numeric()


def _lists(values: polars.Series) -> np.ndarray:
    found = np.empty(len(values), dtype=object)
    found[:] = [np.array([] if one is None else one.to_numpy()) for one in values]
    return found


def column(values: polars.Series) -> np.ndarray:
    """Return a column as an array of numbers, truth values or text; see `read`."""
    import polars

    if values.dtype.is_numeric():
        if values.null_count() or values.dtype.is_decimal():
            values = values.cast(polars.Float64)
        return values.to_numpy()
    if values.dtype == polars.Boolean and not values.null_count():
        return values.to_numpy()
    if values.dtype == polars.Duration:
        return (values.dt.total_nanoseconds().to_numpy() / 1e9).view(clock_text.Seconds)
    if values.dtype == polars.Datetime:
        return (values.dt.epoch("us").to_numpy() / 1e6).view(clock_text.Seconds)
    texts = np.array(["" if value is None else str(value) for value in values.to_list()], dtype=str)
    clock = clock_text.of_clock(texts)
    return texts if clock is None else clock
