"""metrics.parquet: the tidy table of a run's scores, a row per run's trial, metric, parameter and unit."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import polars
from polars import col, lit, when

from raysp.config.experiment import STANDIN, Trial
from raysp.errors import BadInput, NotReady
from raysp.evaluation.behavior import MEAN_R2
from raysp.io import files, tables
from raysp.io.rows import Row, Rows
from raysp.runs.folder import RunFolder

if TYPE_CHECKING:
    from raysp.data.splits.split import Split

SCHEMA = polars.Schema(
    {
        **dict.fromkeys(("run_trial", "model", "split", "dataset", "phase"), str),
        **{"bin_ms": float, "seed": int},
        **dict.fromkeys(("part", "decoding"), str),
        **dict.fromkeys(("unit", "unit_index"), int),
        "unit_name": str,
        **dict.fromkeys(("metric", "parameter"), str),
        "value": float,
        **dict.fromkeys(("judge", "note"), str),
        "standin": bool,
    }
)
"""`run_trial` is the id of the run's trial; `unit` the recording's own number of a unit, null where it has none;
`unit_index` its position in the arrays, held-in first, `unit_name` its name where the recording has names. All are
null for a score over all units. `value` is NaN in the file, as nlb_tools has it, and null in `read_metrics`, where the
score is undefined; `note` says why, or what else must be known of it."""

RENAMED = {"true-rate r2 pooled": "true-rate Pearson r squared, pooled"}
"""Metrics of earlier versions: name -> name now."""

NEEDED = ("model", "split", "metric", "value")
OLD = ("trial_id", "split", "decoding", "unit", "metric")
"""What today's words are made of where a table is of an earlier version."""


def read_metrics(run: RunFolder, *filters: polars.Expr, columns: Sequence[str] = tuple(SCHEMA)) -> polars.DataFrame:
    """Return rows of the table as a frame; a table of an earlier version in today's words.

    Rows of trials of an earlier form of the experiment are left out: they go when the run is scored again.

    Args:
        run: the run folder.
        filters: polars expressions that a row must pass, each.
        columns: which of SCHEMA are wanted: the curves of single units are a million rows.

    Raises:
        NotReady: there is none.
        BadInput: it is damaged, or no table of metrics.
    """
    again = f"remove it and run: raysp evaluate {run.typed}"
    table = tables.read_table(run.metrics, list(dict.fromkeys([*columns, "run_trial", *NEEDED, *OLD])), again)
    if not {"run_trial", "trial_id"} & set(table.columns) or not set(NEEDED) <= set(table.columns):
        names = ", ".join(table.columns) or "none that it should have"
        raise BadInput(f"{run.metrics} is damaged (its columns are {names}); {again}")
    with tables.guarded(run.metrics, again):
        if "run_trial" not in table.columns:
            table = _renamed(table)
        if left := run.left_behind():
            table = table.filter(~col("run_trial").is_in(list(left)))
        types = {name: SCHEMA[name] for name in columns}
        absent = [lit(None, dtype=types[name]).alias(name) for name in columns if name not in table.columns]
        table = table.with_columns(absent).select([col(name).cast(kind) for name, kind in types.items()])
        return as_read(table).filter(*filters)


def as_read(table: polars.DataFrame) -> polars.DataFrame:
    """Return rows of the table with null instead of NaN, where a score is undefined."""
    return table.with_columns(col("value").fill_nan(None)) if "value" in table.columns else table


def frame(rows: Rows) -> polars.DataFrame:
    """Return rows of the table as a frame; columns that a row lacks are null."""
    return polars.DataFrame(rows, schema=SCHEMA)


def of_trial(trial: Trial, split: Split, part: str) -> Row:
    """Return what every row of a trial says, whose it is and of which part of a split; other columns are None."""
    own: Row = {
        "run_trial": trial.id,
        "model": trial.shown,
        "split": trial.split,
        "dataset": split.sizes.dataset,
        "phase": split.role.phase,
        "bin_ms": float(split.sizes.bin_ms),
        "seed": trial.seed,
        "part": part,
        "judge": "raysp",
        "standin": split.provenance.standin,
    }
    return {**dict.fromkeys(SCHEMA), **own}


def metric_name() -> polars.Expr:
    """Return the column that spells a metric with its parameter, where it has one."""
    return (
        when(col("parameter").is_null()).then(col("metric")).otherwise(polars.format("{} ({})", "metric", "parameter"))
    )


def scored(run: RunFolder) -> set[str]:
    """Return the ids of the run's trials that the table holds. Raises BadInput where it is damaged."""
    return set(read_metrics(run, columns=["run_trial"])["run_trial"]) if files.exists(run.metrics) else set()


def measured(run: RunFolder) -> set[tuple[str, str]]:
    """Return which numbers the table holds, each as (run's trial, metric); none where it is absent or damaged."""
    try:
        table = read_metrics(run, col("value").is_not_null(), columns=["run_trial", "metric", "value"])
    except (BadInput, NotReady):
        return set()
    return set(table.select("run_trial", "metric").unique().rows())


def forget(run: RunFolder, trials: Collection[str]) -> None:
    """Take the scores of trials that are about to be run from the run's table: none outlives what it was taken from.

    A table that cannot be read stays as it is; scoring tells of it.

    Args:
        run: the run folder.
        trials: their ids.
    """
    try:
        if set(trials).isdisjoint(scored(run)):
            return
        table = read_metrics(run)
    except BadInput:
        return
    _write(run, table.filter(~col("run_trial").is_in(list(trials))))


def write_metrics(run: RunFolder, rows: Rows) -> None:
    """Write the table: these rows in place of the same trials' earlier ones.

    Rows of trials that are not finished, or not the experiment's, any more go.

    A table that cannot be read is replaced when its trials are all among those scored now.

    Raises:
        BadInput: the earlier table is damaged, and would be lost in part.
    """
    table = frame(rows)
    # Those that stay: of the finished trials of the run's present form.
    finished = {trial.id for trial in run.finished_of(run.trials())} if files.exists(run.metrics) else set()
    if others := finished - set(table["run_trial"]):
        table = polars.concat([read_metrics(run, col("run_trial").is_in(list(others))), table])
    _write(run, table)


def _write(run: RunFolder, table: polars.DataFrame) -> None:
    tables.write_table(run.metrics, table.with_columns(col("value").fill_null(float("nan"))))


def _renamed(table: polars.DataFrame) -> polars.DataFrame:
    """Return a table of earlier versions in today's words. Its `unit` was a position, of trains a cell's number."""
    from raysp.data.nlb.sets import SPLITS

    trains = col("decoding").is_not_null() if "decoding" in table.columns else lit(False)
    unit = col("unit").cast(polars.Int64) if "unit" in table.columns else lit(None, dtype=polars.Int64)
    # Of other recordings it was the mean over all variables of behaviour, velocity or not.
    benchmark = col("split").str.strip_prefix(STANDIN).is_in(list(SPLITS))
    several = (col("metric") == "vel R2") & ~benchmark
    metric = when(several).then(lit(MEAN_R2)).otherwise(col("metric").replace(RENAMED))
    return table.rename({"trial_id": "run_trial"}).with_columns(
        unit=when(trains).then(unit), unit_index=when(~trains).then(unit), metric=metric
    )
