"""metrics.parquet: the tidy table of a run's scores, a row per run's trial, metric, parameter and unit."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from raysp import files, tables
from raysp.config import STANDIN
from raysp.errors import BadInput
from raysp.runs import RunFolder

SCHEMA = {
    "run_trial": "String",
    "model": "String",
    "split": "String",
    "dataset": "String",
    "phase": "String",
    "bin_ms": "Float64",
    "seed": "Int64",
    "part": "String",
    "decoding": "String",
    "unit": "Int64",
    "unit_index": "Int64",
    "metric": "String",
    "parameter": "String",
    "value": "Float64",
    "judge": "String",
    "note": "String",
    "standin": "Boolean",
}
"""`run_trial` is the id of the run's trial; `unit` the recording's own number of a unit, null where it has none;
`unit_index` its position in the arrays, held-in first. Both are null for a score over all units. `value` is null where
the score is undefined; `note` says why, or what else must be known of it."""

RENAMED = {"true-rate r2 pooled": "true-rate Pearson r squared, pooled"}
"""Metrics of earlier versions: name -> name now."""

MEAN_R2 = "behavior R2, mean over variables"
NEEDED = ("model", "split", "metric", "value")


def scan_metrics(run: RunFolder) -> Any:
    """Return the table as a lazy frame with the columns of SCHEMA; one of an earlier version in today's words.

    Raises:
        NotReady: there is none.
        BadInput: it is damaged, or no table of metrics.
    """
    import polars

    table = tables.read_table(run.metrics, again=_again(run)).lazy()
    names = table.collect_schema().names()
    if not {"run_trial", "trial_id"} & set(names) or not set(NEEDED) <= set(names):
        raise BadInput(f"{run.metrics} is damaged (its columns are {', '.join(names)[:200]}); {_again(run)}")
    types = {name: getattr(polars, kind) for name, kind in SCHEMA.items()}
    with tables.guarded(run.metrics, _again(run)):
        if "run_trial" not in names:
            table = _renamed(table, names)
        there = table.collect_schema().names()
        absent = [polars.lit(None, dtype=types[name]).alias(name) for name in SCHEMA if name not in there]
        table = table.with_columns(absent).select([polars.col(name).cast(kind) for name, kind in types.items()])
        return table.collect().lazy()


def read_metrics(run: RunFolder, *filters: Any) -> Any:
    """Return the rows of the table that pass all filters, as a frame. Raises as `scan_metrics` does."""
    return scan_metrics(run).filter(*filters).collect()


def scored(run: RunFolder) -> set[str]:
    """Return the ids of the run's trials that the table holds. Raises BadInput where it is damaged."""
    if not files.exists(run.metrics):
        return set()
    found = tables.read_table(run.metrics, ["run_trial", "trial_id"], again=_again(run))
    return set(found.to_series()) if found.width else set()


def forget(run: RunFolder, trials: Collection[str]) -> None:
    """Take the scores of trials that are about to be run from the run's table: none outlives what it was taken from.

    A table that cannot be read stays as it is; scoring tells of it.

    Args:
        run: the run folder.
        trials: their ids.
    """
    import polars

    try:
        if set(trials).isdisjoint(scored(run)):
            return
        table = read_metrics(run)
    except BadInput:
        return
    _write(run, table.filter(~polars.col("run_trial").is_in(list(trials))))


def write_metrics(run: RunFolder, rows: Sequence[dict[str, Any]]) -> None:
    """Write the table: these rows in place of the same trials' earlier ones; rows of trials no longer planned go.

    A table that cannot be read is replaced when its trials are all among those scored now.

    Raises:
        BadInput: the earlier table is damaged, and would be lost in part.
    """
    import polars

    schema = {name: getattr(polars, kind) for name, kind in SCHEMA.items()}
    table = polars.DataFrame(list(rows), schema=schema)
    if files.exists(run.metrics):
        new = set(table["run_trial"])
        planned = [trial.id for trial in run.trials() if trial.id not in new]
        table = polars.concat([_earlier(run, planned), table])
    _write(run, table)


def _again(run: RunFolder) -> str:
    return f"remove it and run: raysp evaluate {run.path}"


def _earlier(run: RunFolder, planned: list[str]) -> Any:
    import polars

    try:
        return read_metrics(run, polars.col("run_trial").is_in(planned))
    except BadInput:
        if planned:
            raise
    return polars.DataFrame(schema={name: getattr(polars, kind) for name, kind in SCHEMA.items()})


def _write(run: RunFolder, table: Any) -> None:
    tables.write_table(run.metrics, table)


def _renamed(table: Any, names: list[str]) -> Any:
    """Return a table of earlier versions in today's words. Its `unit` was a position, of trains a cell's number."""
    import polars
    from polars import col, lit

    from raysp.data.nlb_sets import SPLITS

    trains = col("decoding").is_not_null() if "decoding" in names else lit(False)
    unit = col("unit").cast(polars.Int64) if "unit" in names else lit(None, dtype=polars.Int64)
    # Of other recordings it was the mean over all variables of behaviour, velocity or not.
    benchmark = col("split").str.strip_prefix(STANDIN).is_in(list(SPLITS))
    several = (col("metric") == "vel R2") & ~benchmark
    metric = polars.when(several).then(lit(MEAN_R2)).otherwise(col("metric").replace(RENAMED))
    return table.rename({"trial_id": "run_trial"}).with_columns(
        unit=polars.when(trains).then(unit), unit_index=polars.when(~trains).then(unit), metric=metric
    )
