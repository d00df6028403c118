"""What a person must know beside the scores: judges that were not there, spikes too many, models below the floor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from raysp.config.experiment import Experiment, Trial
from raysp.errors import BadInput
from raysp.evaluation.shortfalls import below_floor, last_epochs, mean_of, still_better
from raysp.evaluation.uneven import uneven
from raysp.io import files
from raysp.io.words import number
from raysp.kinds.population.score import RATIO
from raysp.kinds.population.silent import WITHOUT
from raysp.runs.folder import RunFolder

RATIO_NOTED = 0.1
"""So far from one spike predicted per recorded one is worth a remark."""

BY_OWN_FORM = "computed by raysp's own exact form"


def remarks(
    rows: Iterable[dict[str, Any]], floor: str = Experiment.floor, last: Mapping[str, int] | None = None
) -> list[str]:
    """Return remarks on scores as sentences, each once, with the split or the model they are of in front.

    Args:
        rows: of the table of metrics, population splits only.
        floor: the model every result is read against from below.
        last: epochs of the trials that were best at their last one, by id, see `shortfalls.last_epochs`.
    """
    rows = list(rows)
    found = [*_judges(rows), *below_floor(rows, floor), *still_better(rows, last or {}), *uneven(rows)]
    found += [*_ratios(rows), *_silent(rows), *_undefined(rows)]
    return list(dict.fromkeys(found))


def remarks_of(run: RunFolder, phase: str | None = None) -> list[str]:
    """Return the remarks on a run's scores, of one phase or of both. Raises BadInput where the table is damaged."""
    from polars import col

    from raysp.runs.metrics_table import read_metrics

    of_phase = [] if phase is None else [col("phase") == phase]
    rows = read_metrics(run, col("decoding").is_null(), *of_phase).to_dicts()
    scored = {row["run_trial"] for row in rows}
    trials = [trial for trial in run.trials() if trial.id in scored]
    done = {trial.id: found for trial in trials if (found := _done(run, trial)) is not None}
    floor = run.record().get("experiment", {}).get("floor", Experiment.floor)
    return remarks(rows, floor, last_epochs(trials, done))


def _done(run: RunFolder, trial: Trial) -> dict[str, Any] | None:
    path = run.trial(trial.id)
    try:
        return path.read_done() if files.exists(path.done) else None
    except BadInput:
        # The report says so; the scores do not wait for it.
        return None


def _judges(rows: list[dict[str, Any]]) -> Iterator[str]:
    def place(row: dict[str, Any]) -> tuple[str, str]:
        return row["split"], row["note"][row["note"].index(BY_OWN_FORM) :]

    found = _together(rows, lambda row: BY_OWN_FORM in (row["note"] or ""), place, "metric")
    yield from (f"WARNING {split}: {', '.join(metrics)} {reason}" for (split, reason), metrics in found.items())


def _ratios(rows: list[dict[str, Any]]) -> Iterator[str]:
    values: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        if row["metric"] == RATIO and row["parameter"] is None and row["value"] is not None:
            values.setdefault((row["split"], row["model"]), []).append(row["value"])
    for (split, model), found in values.items():
        excess = sum(found) / len(found) - 1
        if abs(excess) > RATIO_NOTED:
            how = "more" if excess > 0 else "fewer"
            yield (
                f"{split}: {model} predicted {abs(excess):.0%} {how} spikes than were recorded on the evaluation trials"
            )


def _silent(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Yield one sentence for each set of units that were silent in training, with what they cost each model."""
    for metric in ("co-bps", "fp-bps"):
        named: dict[tuple[str, str], dict[str, None]] = {}
        for row in rows:
            if row["metric"] == WITHOUT.format(metric) and row["note"]:
                named.setdefault((row["split"], row["note"]), {})[row["model"]] = None
        for (split, note), models in named.items():
            costs = (f"{model} {number(mean_of(rows, split, model, metric))} with them, " for model in models)
            rest = (f"{number(mean_of(rows, split, model, WITHOUT.format(metric)))} without" for model in models)
            each = "; ".join(a + b for a, b in zip(costs, rest, strict=True))
            yield f"{split}: {note}; {metric} of {each}"


def _undefined(rows: list[dict[str, Any]]) -> Iterator[str]:
    def place(row: dict[str, Any]) -> tuple[str, str, str]:
        one_unit = row["unit"] is not None or row["unit_index"] is not None
        return row["split"], _metric(row) + (" of single units" if one_unit else ""), row["note"]

    models = _together(rows, lambda row: row["value"] is None and row["note"], place, "model")
    units = _together(rows, lambda row: row["value"] is None and row["note"], place, "unit_index", "unit")
    for (split, metric, note), names in models.items():
        of = [one for one in units[(split, metric, note)] if one != "None"]
        which = f" ({', '.join(of[:20])}{' ...' if len(of) > 20 else ''})" if of else ""
        yield f"{split}: {metric}{which} undefined for {', '.join(names)}: {note.partition(f'; {BY_OWN_FORM}')[0]}"


def _metric(row: dict[str, Any]) -> str:
    return row["metric"] if row["parameter"] is None else f"{row['metric']} ({row['parameter']})"


def _together(rows: list[dict[str, Any]], chosen: Any, place: Any, *names: str) -> dict[Any, list[str]]:
    """Return, of the chosen rows, what stands in the last of the named columns that is not null, place by place."""
    found: dict[Any, dict[str, None]] = {}
    for row in filter(chosen, rows):
        value = next((row[name] for name in reversed(names) if row[name] is not None), None)
        found.setdefault(place(row), {})[str(value)] = None
    return {key: list(values) for key, values in found.items()}
