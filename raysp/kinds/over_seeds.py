"""What models come to over seeds: means, and paired differences to the floor, seed by seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from raysp.config.experiment import Trial
from raysp.data.splits.units import spell_units
from raysp.evaluation.statistics import Summary, paired_difference, summarize
from raysp.io.rows import Row, Rows
from raysp.kinds.metric import Metric
from raysp.kinds.scores import ordered
from raysp.runs.folder import RunFolder
from raysp.runs.metrics_table import read_metrics


def over_seeds(
    run: RunFolder, trials: Sequence[Trial], bounds: tuple[str, str], kind: str, metrics: Mapping[str, Metric]
) -> Rows:
    """Return the rows of comparison.parquet of a run's splits of one kind.

    Args:
        run: the run folder, which has a table of metrics.
        trials: the finished ones, of this kind and others.
        bounds: floor and ceiling.
        kind: its name.
        metrics: of the kind; of one that is not among them more is better.

    Raises:
        BadInput: the table of metrics is damaged.
    """
    import polars
    from polars import col

    data = run.record()["data"]
    trials = [trial for trial in trials if data.get(trial.split, {}).get("kind", kind) == kind]

    units = {trial.id: None if trial.units is None else spell_units(trial.units) for trial in trials}
    whole = col("unit").is_null() & col("unit_index").is_null() & col("decoding").is_null()
    table = read_metrics(run, col("run_trial").is_in(list(units)) & whole & (col("part") == "eval"))
    table = table.with_columns(units=col("run_trial").replace_strict(units, default=None, return_dtype=polars.String))
    rows, place = [], ["split", "units", "metric", "parameter"]
    for where, part in table.group_by(place, maintain_order=True):
        planned = dict(part.group_by("model", maintain_order=True).len().iter_rows())
        known = part.filter(col("value").is_finite()).group_by("model").agg("seed", "value").iter_rows()
        values = {model: {} for model in planned} | {model: dict(zip(*found, strict=True)) for model, *found in known}
        sign = -1 if where[2] in metrics and metrics[where[2]].better == "min" else 1
        rows += [dict(zip(place, where, strict=True)) | row for row in _compared(values, planned, bounds, sign)]
    names = ordered(dict.fromkeys(trial.shown for trial in trials), bounds)
    return sorted(rows, key=lambda row: names.index(row["model"]))


def _compared(
    values: Mapping[str, Mapping[int, float]], planned: Mapping[str, int], bounds: tuple[str, str], sign: int
) -> Iterator[Row]:
    floor, ceiling = bounds
    for model, mine in values.items():
        row: Row = {
            "model": model,
            "role": {ceiling: "ceiling", floor: "floor"}.get(model, "model"),
            "seeds": str(len(mine)),
        }
        alone = _spread(summarize(list(mine.values()))) if mine else {"count": 0}
        yield {**row, "comparison": "mean", "undefined": planned[model] - len(mine), **alone}
        if model != floor and mine.keys() & values.get(floor, {}).keys():
            found = paired_difference(mine, values[floor], sign)
            yield {**row, "comparison": "difference", "against": floor, **_spread(found.summary), **found.row()}


def _spread(found: Summary) -> Row:
    names = ("sd", "low", "high") if found.count > 1 else ()
    return {name: getattr(found, name) for name in ("count", "mean", *names)}
