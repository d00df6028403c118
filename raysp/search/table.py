"""sweep.parquet: one row per trial of each candidate, with its settings, its numbers and where they come from."""

from __future__ import annotations

import json
from collections.abc import Mapping

import polars

from raysp.config.experiment import STANDIN
from raysp.config.settings import Plain
from raysp.errors import NotReady
from raysp.io import files, tables
from raysp.io.rows import Row
from raysp.runs.folder import RunFolder
from raysp.search.result import Result

FIRST = {
    **dict.fromkeys(("sweep", "model", "split"), "String"),
    **{"standin": "Boolean", "candidate": "Int64", "source": "String", "stage": "String", "winner": "Boolean"},
    **dict.fromkeys(("rank", "seed", "chunk"), "Int64"),
    **dict.fromkeys(("run_trial", "state"), "String"),
    **dict.fromkeys(("stopped_at", "best_epoch", "epochs", "parameters"), "Int64"),
    "seconds": "Float64",
}
"""What every sweep has, in front; then the numbers of the validation trials, the settings, and provenance."""

MADE_BY = ("device", "host", "commit", "code", "raysp", "python", "torch")
LAST = {
    **dict.fromkeys(("error", "data", "sampler"), "String"),
    "study_seed": "Int64",
    **dict.fromkeys((*MADE_BY, "optuna"), "String"),
}
"""Behind all: why a candidate failed, which data it saw, who proposed it, and what it was computed with."""

DONE = ("best_epoch", "epochs", "parameters", "seconds", "stopped_at")


def write_table(run: RunFolder, results: list[Result]) -> str:
    """Write a sweep's table from what its studies have come to; return its path.

    Raises:
        OSError: the disk is full; an earlier table stays as it was.
    """
    tables.write_table(run.table, table(run, results))
    return run.table


def table(run: RunFolder, results: list[Result]) -> polars.DataFrame:
    """Return a row per trial of each candidate of some studies of a sweep."""
    rows = [row for result in results for row in _rows(run, result)]
    metrics = sorted({name for row in rows for name in row["metrics"]})
    names = list(dict.fromkeys(name for row in rows for name in row["settings"]))

    def columns(part: str, kinds: Mapping[str, str]) -> list[polars.Series]:
        return [polars.Series(n, [row[part].get(n) for row in rows], getattr(polars, k)) for n, k in kinds.items()]

    settings = [_column(name, [row["settings"].get(name) for row in rows]) for name in names]
    numbers = columns("metrics", dict.fromkeys(metrics, "Float64"))
    return polars.DataFrame([*columns("plain", FIRST), *numbers, *settings, *columns("plain", LAST)])


def read_table(run: RunFolder) -> polars.DataFrame:
    """Return a sweep's table as a polars DataFrame.

    Raises:
        NotReady: there is none.
        BadInput: the file is damaged.
    """
    if not files.exists(run.table):
        raise NotReady(f"{run.path} has no sweep.parquet; run the sweep first, or: raysp report {run.typed}")
    return tables.read_table(run.table, again=f"raysp report {run.typed} writes it again")


def _rows(run: RunFolder, result: Result) -> list[dict[str, Mapping[str, object]]]:
    import optuna

    definition = result.study.definition
    ranks = {number: i + 1 for i, number in enumerate(result.order)}
    common: Row = {
        "sweep": run.name,
        "model": definition.model,
        "split": definition.split,
        "standin": definition.split.startswith(STANDIN),
        "data": definition.data,
        "sampler": definition.sampler,
        "study_seed": definition.seed,
        "optuna": optuna.__version__,
    }
    rows: list[dict[str, Mapping[str, object]]] = []
    for (number, seed, chunk), one in result.trials.items():
        candidate = result.candidates[number]
        plain: dict[str, object] = {
            **common,
            "candidate": number,
            "source": candidate.source,
            "stage": "search" if seed in definition.seeds else "final",
            "winner": number == result.winner,
            "rank": ranks.get(number),
            "seed": seed,
            "chunk": chunk if definition.chunks else None,
            "run_trial": result.study.trial_id(candidate, seed, chunk),
            "state": one.state,
            "error": one.error or None,
        }
        plain |= {name: one.record.get(name) for name in (*DONE, *MADE_BY)}
        rows.append({"plain": plain, "metrics": one.values, "settings": varied(result, number)})
    return rows


def varied(result: Result, number: int) -> dict[str, Plain]:
    """Return a candidate's values of the settings that vary, coupled ones too; inactive ones are left out."""
    definition = result.study.definition
    values = definition.space.complete(result.candidates[number].params, definition.base)
    return {e.name: values[e.name] for e in definition.space.entries if definition.space.active(e, values)}


def _column(name: str, values: list[object]) -> polars.Series:
    known = [value for value in values if value is not None]
    if all(isinstance(value, bool) for value in known):
        return polars.Series(name, values, dtype=polars.Boolean)
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in known):
        whole = all(isinstance(value, int) for value in known)
        return polars.Series(name, values, dtype=polars.Int64 if whole else polars.Float64)
    return polars.Series(name, [None if value is None else _text(value) for value in values], dtype=polars.String)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
