"""Many Parquet files of one form as one lazy frame, wherever they lie: what is not asked for is not read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from raysp.errors import AGAIN
from raysp.io import tables

if TYPE_CHECKING:
    import polars
    import pyarrow.parquet as pq


def scan(paths: Sequence[str], again: str = AGAIN) -> polars.LazyFrame:
    """Return the rows of some files, one after the other; nothing but the form is read before they are collected.

    Groups of rows that a filter leaves nothing of are passed over, and so are columns that nobody asked for. What is
    read is compared with the checksums of its pages, which polars' own reader of files leaves alone.

    Args:
        paths: of files with the columns of the first one; of an earlier version, that lack some, these are null.
        again: what to do about a damaged file, for the error.

    Raises:
        NotReady: the first one is not there.
        BadInput: it is damaged; of the others, when they are collected.
    """
    import polars
    from polars.io.plugins import register_io_source

    with tables.opened(paths[0], again, parts=True) as first:
        schema = polars.DataFrame(first.schema_arrow.empty_table()).schema

    def read(
        columns: list[str] | None, predicate: polars.Expr | None, rows: int | None, batch: int | None
    ) -> Iterator[polars.DataFrame]:
        for path in paths:
            with tables.opened(path, again, parts=True) as file:
                for group in range(file.num_row_groups):
                    if predicate is None:
                        found = _group(file, group, columns, schema)
                    elif (asked := predicate.meta.root_names()) and (
                        _group(file, group, asked, schema).filter(predicate).is_empty()
                    ):
                        continue
                    else:
                        found = _group(file, group, columns, schema).filter(predicate)
                    found = found if rows is None else found.head(rows)
                    yield found
                    if rows is not None and (rows := rows - found.height) == 0:
                        return

    return register_io_source(read, schema=schema)


def _group(
    file: pq.ParquetFile, group: int, columns: Sequence[str] | None, schema: Mapping[str, polars.DataType]
) -> polars.DataFrame:
    """Return a group of rows, some columns of it; null those that the file lacks."""
    import polars

    wanted = list(schema) if columns is None else columns
    there = [name for name in wanted if name in file.schema_arrow.names]
    rows, count = file.read_row_group(group, columns=there, use_threads=False), file.metadata.row_group(group).num_rows
    found = polars.DataFrame(rows) if there else polars.DataFrame(height=count)
    return found.select(
        polars.col(name) if name in there else polars.repeat(None, count, dtype=schema[name]).alias(name)
        for name in wanted
    )
