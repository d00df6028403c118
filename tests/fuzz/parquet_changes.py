"""Changes of a Parquet table that is then written again, whole and with its metadata."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.fuzz.kinds import Changed, NotHere


def _table(path: str) -> pa.Table:
    with pq.ParquetFile(path) as file:
        table, found = file.read(), file.metadata.metadata or {}
    return table.replace_schema_metadata({key: value for key, value in found.items() if key != b"ARROW:schema"})


def _write(table: pa.Table, path: str, **options: Any) -> None:
    with pq.ParquetWriter(path, table.schema, **options) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(table.schema.metadata or {})


def rows(path: str, rng: Random, other: str) -> Changed:
    table = _table(path)
    if len(table) < 2:
        raise NotHere
    how, order = rng.choice(("permuted", "backwards", "dropped", "doubled", "none", "cut")), list(range(len(table)))
    at = rng.randrange(len(order))
    if how == "permuted":
        rng.shuffle(order)
    elif how == "backwards":
        order.reverse()
    elif how == "dropped":
        del order[at]
    elif how == "doubled":
        order.insert(at, at)
    else:
        order = order[: at if how == "cut" else 0]
    _write(table.take(pa.array(order, pa.int64())), path)
    return Changed(f"rows: {how}")


def cell(path: str, rng: Random, other: str) -> Changed:
    """One value is another."""
    table = _table(path)
    if not len(table):
        raise NotHere
    name = rng.choice(table.column_names)
    values, at = table[name].to_pylist(), rng.randrange(len(table))
    before = values[at]
    values[at] = _other(before, rng)
    if values[at] == before:
        raise NotHere
    kind = table.schema.field(name)
    _write(_set(table, name, pa.array(values, kind.type), kind), path)
    return Changed(f"{name}, row {at}: {values[at]!r}"[:160])


def _other(value: Any, rng: Random) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return rng.choice((value + 1, -1, None, 10**6))
    if isinstance(value, float):
        return rng.choice((value + 1, None, float("inf"), -value))
    if isinstance(value, str):
        return rng.choice((value + "x", "", None))
    if isinstance(value, list):
        return rng.choice(([*value, value[-1]] if value else [1], value[:-1], None, list(reversed(value))))
    raise NotHere


def column(path: str, rng: Random, other: str) -> Changed:
    table = _table(path)
    name = rng.choice(table.column_names)
    at, field = table.column_names.index(name), table.schema.field(name)
    how = rng.choice(("dropped", "renamed", "null", "of another type", "of another file", "elsewhere", "one more"))
    if how == "dropped":
        table = table.drop_columns([name])
    elif how == "renamed":
        renamed = table.rename_columns([one + "_" * (one == name) for one in table.column_names])
        table = renamed.replace_schema_metadata(table.schema.metadata)
    elif how == "null":
        table = _set(table, name, pa.nulls(len(table), field.type), field)
    elif how == "of another type":
        table = _set(table, name, *_cast(table[name], field, rng))
    elif how == "of another file":
        theirs = _table(other)
        if len(theirs) != len(table) or name not in theirs.column_names or theirs[name].equals(table[name]):
            raise NotHere
        table = _set(table, name, theirs[name].combine_chunks(), field)
    elif how == "elsewhere":
        order = [one for one in table.column_names if one != name]
        order.insert(rng.randrange(len(order) + 1), name)
        if order == table.column_names:
            raise NotHere
        table = table.select(order)
    else:
        table = table.add_column(at, "one_more", pa.array(np.arange(len(table))))
    _write(table, path)
    return Changed(f"{name}: {how}")


def _cast(column: pa.ChunkedArray, field: pa.Field, rng: Random) -> tuple[pa.Array, pa.Field]:
    texts = [None if value is None else str(value) for value in column.to_pylist()]
    if pa.types.is_string(field.type) or rng.random() < 0.5:
        if pa.types.is_string(field.type):
            return pa.array(texts).dictionary_encode(), pa.field(field.name, pa.dictionary(pa.int32(), pa.string()))
        return pa.array(texts), pa.field(field.name, pa.string())
    if not (pa.types.is_integer(field.type) or pa.types.is_floating(field.type)):
        raise NotHere
    kind = rng.choice([one for one in (pa.float32(), pa.float64(), pa.int64(), pa.int32()) if one != field.type])
    return column.combine_chunks().cast(kind, safe=False), pa.field(field.name, kind)


def metadata(path: str, rng: Random, other: str) -> Changed:
    """What the file says of itself is gone, another file's, or changed in one place."""
    table = _table(path)
    found = dict(table.schema.metadata or {})
    if not found:
        raise NotHere
    key = rng.choice(list(found))
    how = rng.choice(("dropped", "another file's", "no JSON", "null", "number", "changed"))
    if how == "dropped":
        del found[key]
    elif how == "another file's":
        theirs = (_table(other).schema.metadata or {}).get(key)
        if theirs in (None, found[key]):
            raise NotHere
        found[key] = theirs
    elif how == "changed":
        found[key] = _changed(found[key], rng)
    else:
        found[key] = {"no JSON": b"{", "null": b"null", "number": b"3"}[how]
    _write(table.replace_schema_metadata(found), path)
    return Changed(f"metadata {key.decode()}: {how}")


def _changed(said: bytes, rng: Random) -> bytes:
    try:
        values = json.loads(said)
    except ValueError as error:
        raise NotHere from error
    if not isinstance(values, dict) or not values:
        raise NotHere
    name = rng.choice(list(values))
    values[name] = rng.choice([one for one in (None, 3, "x", [], {}, {"train": 10**9}) if one != values[name]])
    return json.dumps(values).encode()


def stored(path: str, rng: Random, other: str) -> Changed:
    """The same table, compressed in another way and in other row groups."""
    table = _table(path)
    how = rng.choice(("none", "snappy", "zstd", "gzip"))
    if len(table):
        table = pa.concat_tables([table.slice(0, len(table) // 2), table.slice(len(table) // 2)])
    _write(table, path, compression=how, write_statistics=rng.random() < 0.5)
    return Changed(f"stored anew with {how}")


CHANGES = (rows, rows, rows, cell, cell, cell, cell, column, column, column, metadata, metadata, stored)


def _set(table: pa.Table, name: str, array: pa.Array, field: pa.Field) -> pa.Table:
    return table.set_column(table.column_names.index(name), field.with_name(name), array)
