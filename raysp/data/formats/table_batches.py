"""A large table batch by batch: some of its columns, so that memory does not grow with the number of rows.

CSV is read in blocks of whole lines, in the way that its beginning tells; a block that is not so is read as a small
table is. Parquet is read by its pages, lists of numbers as a row for each number; Arrow (Feather) by its batches.
"""

from __future__ import annotations

import codecs
import io
import os
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from raysp.data.formats import table_file
from raysp.data.formats.table_file import LARGE_BYTES, PARQUET, PROBE_BYTES
from raysp.errors import BadInput
from raysp.io import files, reading, tables
from raysp.io.machine import memory

if TYPE_CHECKING:
    import polars
    import pyarrow.parquet

BLOCK_BYTES, BATCH_ROWS, BUFFER_BYTES = 1 << 22, 200_000, 1 << 20
FIRST_ROWS, FIRST_VALUES = 10_000, 1_000
"""Rows of a Parquet file that stand for all where a table is described, and values of each list in them."""
WIDTH = 8
"""Bytes of a number."""
HELD = 6
"""Bytes of memory for each of a table that is held. Measured: 5.4 of CSV."""
UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def is_large(path: str, least: int = LARGE_BYTES) -> bool:
    """Tell whether a file on this machine is a table of so many bytes that it is read batch by batch."""
    if not files.is_local(path) or not os.path.isfile(name := files.absolute(path)) or os.path.getsize(name) < least:
        return False
    with open(name, "rb") as file:
        head = file.read(PROBE_BYTES)
    binary = head.startswith((PARQUET, table_file.ARROW))
    if not binary and b"\n" not in head:
        return False
    return head.startswith(UTF_16) or table_file.is_table(path)


def check_held(path: str) -> None:
    """Refuse a table that must be read whole where this process may not use so much memory. Raises BadInput."""
    needed, there = HELD * _bytes(path), memory()
    if needed > there:
        raise BadInput(
            f"{path} must be read whole for a column trial, or columns of a unit each, and takes about "
            f"{needed / 2**30:.2g} GiB of memory of {there / 2**30:.2g}; divide it by time, or write a table with one "
            "column of times of the whole recording, and one of units, which is read piece by piece"
        )


def _bytes(path: str) -> int:
    """Return how many bytes a table takes as text, or as numbers."""
    if _is_parquet(path):
        with tables.guarded(path, "write or fetch it again"), _parquet(path) as file:
            of_numbers = WIDTH * file.metadata.num_rows * len(file.schema_arrow.names)
            # Few different values are stored as their places in a list of them, which are unpacked when they are read.
            stored = (file.metadata.row_group(one).total_byte_size for one in range(file.num_row_groups))
            return max(of_numbers, sum(stored))
    if _is_arrow(path):
        import pyarrow as pa

        with tables.guarded(path, "write or fetch it again"), pa.memory_map(files.absolute(path)) as source:
            opened = pa.ipc.open_file(source)
            # What is compressed says its size in no other place.
            return sum(opened.get_batch(one).nbytes for one in range(opened.num_record_batches))
    return os.path.getsize(files.absolute(path))


def beginning(path: str) -> dict[str, polars.Series]:
    """Return the first rows of each column of a large table. Raises BadInput where it is no table."""
    if _is_parquet(path):
        import polars

        with tables.guarded(path, "write or fetch it again"), _parquet(path) as file:
            lists, parts, rows = _lists(file), [], 0
            for part in _frames(file, file.schema_arrow.names):
                parts.append(part.with_columns(_shortened(part[name]) for name in lists))
                if (rows := rows + len(part)) >= FIRST_ROWS:
                    break
        first = polars.concat(parts).head(FIRST_ROWS) if parts else polars.DataFrame()
        return {name: first[name] for name in first.columns}
    if _is_arrow(path):
        batch = next(_of_arrow(path, None), {})
        return {name: one.head(FIRST_ROWS) for name, one in batch.items()}
    return dict(table_file.parsed(_head(path), path))


def batches(path: str, wanted: Sequence[str]) -> Iterator[dict[str, polars.Series]]:
    """Yield some columns of a large table, so many rows at a time.

    Args:
        path: of the table.
        wanted: names of columns, of which there are `beginning`s.

    Raises:
        BadInput: it is damaged, or rows have other cells than the first ones.
    """
    read = _of_parquet if _is_parquet(path) else _of_arrow if _is_arrow(path) else _of_csv
    yield from read(path, wanted)


def _is_parquet(path: str) -> bool:
    with open(files.absolute(path), "rb") as file:
        return file.read(len(PARQUET)) == PARQUET


def _is_arrow(path: str) -> bool:
    with open(files.absolute(path), "rb") as file:
        return file.read(len(table_file.ARROW)) == table_file.ARROW


def _of_arrow(path: str, wanted: Sequence[str] | None) -> Iterator[dict[str, polars.Series]]:
    """Yield some columns of an Arrow file, all of them for None, lists of numbers as a row for each number."""
    import polars
    import pyarrow as pa

    with tables.guarded(path, "write or fetch it again"), pa.memory_map(files.absolute(path)) as source:
        file = pa.ipc.open_file(source)
        for number in range(file.num_record_batches):
            if wanted is not None:
                reading.tell(path, number + 1, file.num_record_batches)
            batch = file.get_batch(number)
            part = polars.from_arrow(batch if wanted is None else batch.select(list(wanted)))
            assert isinstance(part, polars.DataFrame)
            lists = [name for name in part.columns if table_file.is_lists(part[name])] if wanted is not None else []
            found = part.explode(lists).drop_nulls(lists) if lists else part
            yield {name: found[name] for name in found.columns}


def _of_parquet(path: str, wanted: Sequence[str]) -> Iterator[dict[str, polars.Series]]:
    with tables.guarded(path, "write or fetch it again"), _parquet(path) as file:
        lists = [name for name in _lists(file) if name in wanted]
        rows = 0
        for part in _frames(file, wanted):
            reading.tell(path, rows := rows + len(part), file.metadata.num_rows)
            found = part.explode(lists).drop_nulls(lists) if lists else part
            yield {name: found[name] for name in wanted}


def _shortened(lists: polars.Series) -> polars.Series:
    import polars

    of_any_length = lists.arr.to_list() if isinstance(lists.dtype, polars.Array) else lists
    return of_any_length.list.head(FIRST_VALUES)


def _parquet(path: str) -> pyarrow.parquet.ParquetFile:
    """Open a file that is read piece by piece: else all of a column is held that no more than a row was asked of."""
    import pyarrow.parquet

    return pyarrow.parquet.ParquetFile(files.absolute(path), buffer_size=BUFFER_BYTES, pre_buffer=False)


def _frames(file: pyarrow.parquet.ParquetFile, wanted: Sequence[str]) -> Iterator[polars.DataFrame]:
    import polars

    # A row may hold all spikes of a unit.
    rows = 1 if set(wanted).intersection(_lists(file)) else BATCH_ROWS
    for batch in file.iter_batches(rows, columns=list(wanted)):
        found = polars.from_arrow(batch)
        assert isinstance(found, polars.DataFrame)
        yield found


def _lists(file: pyarrow.parquet.ParquetFile) -> list[str]:
    import polars

    none = polars.from_arrow(file.schema_arrow.empty_table())
    assert isinstance(none, polars.DataFrame)
    return [name for name in none.columns if table_file.is_lists(none[name])]


def _head(path: str) -> bytes:
    begin = next(_pieces(path, PROBE_BYTES), (b"", 0))[0]
    return begin[: begin.rfind(b"\n") + 1] or begin


def _pieces(path: str, size: int) -> Iterator[tuple[bytes, int]]:
    """Yield pieces of about so many bytes, those of UTF-16 as UTF-8, and how many bytes have been read so far."""
    with open(files.absolute(path), "rb") as file:
        decoder = codecs.getincrementaldecoder("utf-16")(errors="replace") if file.read(2) in UTF_16 else None
        file.seek(0)
        while piece := file.read(size):
            yield piece if decoder is None else decoder.decode(piece).encode(), file.tell()


def _of_csv(path: str, wanted: Sequence[str]) -> Iterator[dict[str, polars.Series]]:
    head = _head(path)
    form = table_file.form(head, path)
    kinds = {name: one.dtype for name, one in table_file.parsed(head, path).items()}
    read = 0
    for number, block in enumerate(_blocks(path)):
        bare = block if number else _without_names(block, form.first)
        found = _alike(bare, form, {name: kinds[name] for name in wanted})
        if found is None:
            lines = f"{path}, after {read:,} lines" if read else path
            there = table_file.parsed(form.first.encode() + b"\n" + bare, lines)
            found = {name: there[name] for name in wanted}
        read += block.count(b"\n")
        if len(found[wanted[0]]):
            yield found


def _blocks(path: str) -> Iterator[bytes]:
    """Yield a file in pieces of whole lines."""
    rest = b""
    size = os.path.getsize(files.absolute(path))
    for piece, read in _pieces(path, BLOCK_BYTES):
        reading.tell(path, read, size)
        last = piece.rfind(b"\n") + 1
        if not last and len(rest) > BLOCK_BYTES:
            raise BadInput(f"{path} expected a table, got a line of {len(rest):,} bytes; check the path")
        if last:
            yield rest + piece[:last]
            rest = piece[last:]
        else:
            rest += piece
    if rest.strip():
        yield rest


def _without_names(block: bytes, first: str) -> bytes:
    """Return a file's first block without its row of names, and what stands above it."""
    lines = (rb"(?m)(^|\A\xef\xbb\xbf)" + re.escape(first.encode(one, "replace")) for one in ("utf-8", "latin-1"))
    place = next((found for line in lines if (found := re.search(line, block))), None)
    assert place, "the row of names stands in the first block"
    return block[place.start() :].partition(b"\n")[2]


def _alike(block: bytes, form: table_file.Form, kinds: dict[str, polars.DataType]) -> dict[str, polars.Series] | None:
    """Return columns of a block that is written as the file's beginning; None of another one."""
    import polars

    if form.separator == " " or (b"\r" in block and b"\r" in block.replace(b"\r\n", b"")):
        return None
    schema = {f"{place} {name}": kinds.get(name, polars.String()) for place, name in enumerate(form.names)}
    wanted = {name: f"{form.names.index(name)} {name}" for name in kinds}
    if any(not kind.is_numeric() and kind != polars.String for kind in kinds.values()):
        return None
    try:
        found = polars.read_csv(
            io.BytesIO(block), has_header=False, separator=form.separator, comment_prefix="#",
            null_values=list(table_file.MISSING), decimal_comma=form.decimal_comma, encoding="utf8-lossy",
            schema=schema,
        )  # fmt: skip
    except (polars.exceptions.PolarsError, ValueError):
        return None
    columns = {name: found[place] for name, place in wanted.items()}
    # Where cells are empty, whole rows may be, which are no rows.
    if any(one.null_count() for one in columns.values()):
        return None
    return {name: one.str.strip_chars() if one.dtype == polars.String else one for name, one in columns.items()}
