"""Many Parquet files of one form as one lazy frame, wherever they lie: what is not asked for is not read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from raysp.errors import AGAIN
from raysp.io import files, tables

if TYPE_CHECKING:
    import polars
    import pyarrow.parquet as pq


def scan(paths: Sequence[str], again: str = AGAIN) -> polars.LazyFrame:
    """Return the rows of some files, one after the other; nothing but the form is read before they are collected.

    Of files in a store of objects, groups of rows that a filter leaves nothing of are passed over, and columns that
    nobody asked for are left where they are.

    Args:
        paths: of files with the same columns, one at least, all on disks or all in stores.
        again: what to do about a damaged file, for the error.

    Raises:
        NotReady: the first one is not there.
        BadInput: it is damaged.
    """
    import polars
    from polars.io.plugins import register_io_source

    if files.is_local(paths[0]):
        # A file of an earlier version may lack a column.
        return polars.scan_parquet(list(paths), glob=False, missing_columns="insert", extra_columns="ignore")

    def read(
        columns: list[str] | None, predicate: polars.Expr | None, rows: int | None, batch: int | None
    ) -> Iterator[polars.DataFrame]:
        for path in paths:
            with tables.opened(path, again, parts=True) as file:
                for group in range(file.num_row_groups):
                    if predicate is None:
                        found = _group(file, group, columns)
                    elif _group(file, group, predicate.meta.root_names()).filter(predicate).is_empty():
                        continue
                    else:
                        found = _group(file, group, columns).filter(predicate)
                    found = found if rows is None else found.head(rows)
                    yield found
                    if rows is not None and (rows := rows - found.height) == 0:
                        return

    with tables.opened(paths[0], again, parts=True) as first:
        schema = _group(first, None, None).schema
    return register_io_source(read, schema=schema)


def _group(file: pq.ParquetFile, group: int | None, columns: Sequence[str] | None) -> polars.DataFrame:
    """Return a group of rows, some columns of it; no rows where no group is named."""
    import polars

    if group is None:
        return polars.DataFrame(file.schema_arrow.empty_table())
    return polars.DataFrame(file.read_row_group(group, columns=columns, use_threads=False))
