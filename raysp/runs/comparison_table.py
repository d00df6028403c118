"""comparison.parquet: what a run's models come to side by side, made of metrics.parquet, a row per statistic."""

from __future__ import annotations

from typing import TypedDict, get_type_hints

import polars

from raysp.errors import BadInput, NotReady
from raysp.io import files, tables
from raysp.io.rows import Rows
from raysp.runs.folder import RunFolder


class Comparison(TypedDict):
    """A row of the table.

    `units` is how a task's subset of units is spelled, null for all. `comparison` is "mean" for a model by itself, else
    names the terms on which it is compared with the model `against`: then `mean` is of the paired differences, `won` in
    how many of `count` pairs the model is the better one, and `share` in what part of the parameter's range its mean
    is. `sd` is the standard deviation, `low` and `high` end the 95 % interval, `p` is the paired t test's; all four are
    null for a single value. `undefined` counts the values that are not among the `count`, where there can be any.
    """

    split: str
    units: str | None
    model: str
    decoding: str | None
    role: str
    interval: int | None
    published: bool | None
    seeds: str | None
    comparison: str
    against: str | None
    against_decoding: str | None
    metric: str
    parameter: str | None
    count: int
    undefined: int | None
    mean: float | None
    sd: float | None
    low: float | None
    high: float | None
    p: float | None
    won: int | None
    share: float | None


COLUMNS = get_type_hints(Comparison)


def path_of(run: RunFolder) -> str:
    """Return where the table lies."""
    return files.join(run.path, "comparison.parquet")


def again(run: RunFolder) -> str:
    """Return what to type where the table is damaged."""
    return f"remove it and run: raysp report {run.typed}"


def made_from(run: RunFolder) -> object:
    """Return what the table was made of, as `write_comparison` was told; None where there is no table to be read."""
    try:
        return tables.read_note(path_of(run), again(run)).get("made_from")
    except (BadInput, NotReady):
        return None


def write_comparison(run: RunFolder, rows: Rows, made_from: object) -> None:
    """Write the table, whole or not at all.

    Args:
        run: the run folder.
        rows: columns that one lacks are null.
        made_from: what another table would have to be made of to be the same, JSON-able.
    """
    tables.write_table(path_of(run), polars.DataFrame(rows, schema=COLUMNS), {"made_from": made_from})


def read_comparison(run: RunFolder, *filters: polars.Expr) -> polars.DataFrame:
    """Return rows of the table as a frame.

    Args:
        run: the run folder.
        filters: polars expressions that a row must pass, each.

    Raises:
        NotReady: there is none.
        BadInput: it is damaged, or no table of comparisons.
    """
    with tables.guarded(path_of(run), again(run)):
        return tables.read_table(path_of(run), again=again(run)).select(list(COLUMNS)).filter(*filters)
