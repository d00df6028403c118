"""Parquet through one door: whole or not at all, by literal paths, with checksums of pages and of each column's values.

Pages carry checksums of their own; what says how to read them, the file's footer, has none. So the digest of each
column's values stands in the file's metadata, and whatever is read is compared with it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from raysp.errors import AGAIN, BadInput, NotReady, StoreError
from raysp.io import checksum, files

if TYPE_CHECKING:
    from _hashlib import HASH

    import polars

KEY = b"raysp"
SINCE = {"run_trial", "unseen_loss"}
"""Columns that no version without checksums wrote: a table with one was written anew by a program that lost them."""


def write_table(path: str, table: pa.Table | polars.DataFrame, note: Mapping[str, object] | None = None) -> None:
    """Write a table, whole or not at all.

    Args:
        path: where.
        table: of numbers, booleans, text, and lists of them.
        note: what the table says of itself beside its columns, JSON-able.

    Raises:
        OSError: the disk is full; a file that was there stays as it was.
    """
    if not isinstance(table, pa.Table):
        table = _from_polars(table)
    digests = {name: _digest(table[name]) for name in table.column_names}
    known = checksum.seal({"rows": len(table), "columns": digests, "note": dict(note or {})})
    table = table.replace_schema_metadata({KEY: json.dumps(known, sort_keys=True)})
    with files.replacing(path) as temporary, open(temporary, "wb") as file:
        pq.write_table(table, file, compression="zstd", write_page_checksum=True)


def read_table(path: str, columns: Sequence[str] | None = None, again: str = AGAIN) -> polars.DataFrame:
    """Read a table, or some of its columns; raises as `read_arrow` does."""
    import polars

    with guarded(path, again):
        return polars.DataFrame(read_arrow(path, columns, again))


def read_arrow(path: str, columns: Sequence[str] | None = None, again: str = AGAIN) -> pa.Table:
    """Read a table, or some of its columns, and compare their values with what was written.

    Args:
        path: where.
        columns: those that are wanted, in that order; those the file lacks are left out. None for all.
        again: what to do about a damaged file, for the error.

    Raises:
        NotReady: there is no such file.
        BadInput: it is damaged, or no Parquet file. One of an earlier version has checksums of pages, or none.
    """
    with opened(path, again) as file:
        names, wanted = file.schema_arrow.names, columns
        if columns is not None:
            columns = [name for name in columns if name in names]
        table = file.read(columns=columns, use_threads=False)
        written = _written(file)
        if "columns" not in written and SINCE & set(names):
            raise checksum.Damaged("its checksums are gone")
        if "columns" in written:
            _compare(table, written, list(written["columns"]) if wanted is None else wanted)
    # What the table says of itself is read by `read_note`; nobody else needs it.
    return table.replace_schema_metadata()


def read_note(path: str, again: str = AGAIN) -> dict[str, Any]:
    """Return what a table says of itself; empty where it says nothing. Raises as `read_arrow` does."""
    return read_head(path, again)[0]


def read_head(path: str, again: str = AGAIN) -> tuple[dict[str, Any], str]:
    """Return what a table says of itself, and the digest of that and its columns. Raises as `read_arrow` does."""
    with opened(path, again, parts=True) as file:
        written = _written(file)
        return written.get("note", {}), checksum.digest(written)


@contextlib.contextmanager
def opened(path: str, again: str = AGAIN, *, parts: bool = False) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file; whatever goes wrong within the block names the file. `parts` as in `files.opened`.

    Raises:
        NotReady: there is no such file.
        BadInput: it is damaged, or no Parquet file.
    """
    if not files.exists(path):
        raise NotReady(f"no table at {path}; run the command that writes it first")
    with (
        guarded(path, again),
        files.opened(path, parts=parts) as source,
        pq.ParquetFile(source, page_checksum_verification=True) as file,
    ):
        yield file


@contextlib.contextmanager
def guarded(path: str, again: str = AGAIN) -> Iterator[None]:
    """Name the file in what any reader of Parquet raises within the block. Raises BadInput."""
    try:
        yield
    except (BadInput, NotReady, StoreError, PermissionError):
        raise
    except BaseException as error:
        # A panic of polars is no Exception; whatever a reader raises of a damaged file means the same.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        reason = str(error).strip().splitlines()[:1] or [type(error).__name__]
        raise BadInput(f"{path} is damaged or no table of raysp's ({reason[0][:200]}); {again}") from error


def _from_polars(table: polars.DataFrame) -> pa.Table:
    import polars

    return table.to_arrow(compat_level=polars.CompatLevel.oldest())


def _written(file: pq.ParquetFile) -> dict[str, Any]:
    """Return what a file says of what was written into it; empty of one of an earlier version."""
    # It stands in the file twice, beside the columns and in Arrow's own account of them.
    metadata = {**(file.schema_arrow.metadata or {}), **(file.metadata.metadata or {})}
    if KEY in metadata:
        found = checksum.unseal(json.loads(metadata[KEY]))
        if not isinstance(found, dict):
            raise checksum.Damaged("it says nothing of itself")
        return found if "columns" in found else {"note": found}
    if any(checksum.PREFIX.encode() in value for value in metadata.values()):
        raise checksum.Damaged("the name of its checksums is not what was written")
    return {}


def _compare(table: pa.Table, written: Mapping[str, Any], wanted: Sequence[str]) -> None:
    for name in wanted:
        if name in written["columns"] and name not in table.column_names:
            raise checksum.Damaged(f"its column {name!r} is gone")
    if len(table) != written["rows"]:
        raise checksum.Damaged(f"expected {written['rows']} rows, got {len(table)}")
    for name in table.column_names:
        if _digest(table[name]) != written["columns"].get(name):
            raise checksum.Damaged(f"the values of its column {name!r} are not those that were written")


def _digest(column: pa.ChunkedArray) -> str:
    total = hashlib.sha256()
    _add(total, column.combine_chunks())
    return total.hexdigest()


def _add(total: HASH, array: pa.Array) -> None:
    """Add values to a digest: the same for the same values, however they are cut into chunks and pages."""
    total.update(f"{_kind(array.type)} {len(array)} {array.null_count}".encode())
    if array.null_count:
        total.update(np.packbits(array.is_valid().to_numpy(zero_copy_only=False)).data)
    if pa.types.is_null(array.type):
        return
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        lengths = pc.fill_null(pc.list_value_length(array), 0)
        total.update(np.ascontiguousarray(lengths.to_numpy(zero_copy_only=False).astype(np.int64)).data)
        _add(total, array.flatten())
    elif _kind(array.type) == "text":
        array = pc.fill_null(array, "").cast(pa.large_string())
        total.update(np.ascontiguousarray(pc.binary_length(array).to_numpy(zero_copy_only=False), np.int64).data)
        total.update(_bytes(array))
    else:
        array = pc.fill_null(array, pa.scalar(0).cast(array.type)) if array.null_count else array
        total.update(np.ascontiguousarray(array.to_numpy(zero_copy_only=False)).data)


def _kind(kind: pa.DataType) -> str:
    # Readers turn the kinds of text, and of lists, into each other.
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return f"list of {_kind(kind.value_type)}"
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or kind == pa.string_view()
    return "text" if is_text else str(kind)


def _bytes(array: pa.Array) -> memoryview:
    """Return the bytes of texts, one behind the other."""
    _, offsets, values = array.buffers()
    if not len(array) or values is None:
        return memoryview(b"")
    ends = np.frombuffer(offsets, np.int64)[[array.offset, array.offset + len(array)]]
    return memoryview(values)[ends[0] : ends[1]]
