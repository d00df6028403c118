"""The tables of scores: models in rows, metrics in columns, mean and spread over seeds."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from raysp.evaluation.published import Published, published
from raysp.evaluation.score import number
from raysp.evaluation.shortfalls import last_epochs
from raysp.evaluation.statistics import summarize
from raysp.kinds.population.remarks import remarks
from raysp.report.run_data import Material, Task, metric_name

PARTS = ("held-in units", "held-out units", "forward bins")

COLUMNS = {
    "co-bps": "co-smoothing, bits per spike: held-out neurons, which were not in the input",
    "fp-bps": "forward prediction, bits per spike: bins after the observed ones",
    "vel R2": "velocity decoded from the rates by ridge regression, R² on evaluation trials",
    "behavior R2, mean over variables": "each variable of behaviour decoded by itself, R² averaged over variables",
    "tp corr": "correlation of neural speed and produced interval; the more negative the better",
    "psth R2": "condition averages of predicted rates against PSTHs, R²",
    "true-rate R2": "predicted against true rates, R², mean over neurons",
    "true-rate R2 pooled": "the same over all entries at once: differences between neurons' mean rates count too",
    "true-rate Pearson r squared, pooled": "correlation of predicted and true rates: blind to scale and offset",
    "state R2": "the generating system's state, read linearly from the latents, R²; fitted on training trials",
    "masked deviance": "Poisson deviance of held-in counts hidden from the input, nats per count; less is better",
    "reconstruction bits/spike": "held-in neurons, which were in the input: describes, does not predict",
    "predicted / recorded spikes": "spikes predicted for each that was recorded, over all that is known; 1 is right",
    "co-bps without units silent in training": "co-bps of the units that had spikes in training; see the notes",
    "fp-bps without units silent in training": "fp-bps of the units that had spikes in training; see the notes",
}
"""What each metric says, in the order of the columns; others follow these."""

ASIDE = ("constant neurons", "roughness", *(f"predicted / recorded spikes ({part})" for part in PARTS))
LOWER_IS_BETTER = ("tp corr", "masked deviance")
NO_BEST = ("predicted / recorded spikes",)
HEADLINES = ("co-bps", "true-rate R2", "reconstruction bits/spike")


@dataclass(frozen=True)
class Cell:
    """One model's score by one metric.

    Attributes:
        mean: over seeds; None where nothing was scored or nothing was defined.
        sd: over seeds; None for a single one.
        detail: every seed's value, in words.
        undefined: how many seeds had no defined value.
        best: whether it is the best of the models that are neither floor nor ceiling.
    """

    mean: float | None = None
    sd: float | None = None
    detail: str = ""
    undefined: int = 0
    best: bool = False


@dataclass(frozen=True)
class Row:
    """One model of a table."""

    model: str
    role: str
    seeds: int
    planned: int
    on_eval: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """The scores of one task.

    Attributes:
        task: what was compared.
        title: data set, bin width and phase.
        columns: metrics.
        rows: floor first, ceiling last.
        published: scores of others on the same data, bin width and phase; none for generated data.
        judges: who computed which metrics, in words.
        remarks: what else must be known of the scores, see `raysp.kinds.population.remarks`.
    """

    task: Task
    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    published: tuple[Published, ...]
    judges: str
    remarks: tuple[str, ...] = ()


def tables(material: Material) -> list[Table]:
    """Return a table for each task that has scores, in the plan's order."""
    return [table for task in material.tasks if (table := _table(material, task)).columns]


def headline(material: Material, task: Task) -> str | None:
    """Return the metric by which a task's models are ranked: the first of HEADLINES it was scored by."""
    ids = {trial.id for trial in task.trials}
    found = {metric_name(row) for row in material.scores or [] if row["run_trial"] in ids}
    return next((name for name in HEADLINES if name in found), None)


def cell(material: Material, task: Task, model: str, metric: str) -> Cell:
    """Return a model's mean, spread and values by seed."""
    values = material.values(task, model, metric)
    finite = [value for _, value in values if value is not None and math.isfinite(value)]
    detail = ", ".join(f"seed {seed}: {number(value)}" for seed, value in values)
    if not finite:
        return Cell(detail=detail, undefined=len(values))
    summary = summarize(finite)
    sd = None if summary.count == 1 else summary.sd
    return Cell(summary.mean, sd, detail, len(values) - len(finite))


def facts(material: Material, task: Task) -> tuple[str, float | None]:
    """Return a task's data set and bin width (ms), from its scores or its name; None where the width is unknown."""
    ids = {trial.id for trial in task.trials}
    for row in material.scores or []:
        if row["run_trial"] in ids:
            return row["dataset"], row["bin_ms"]
    stem, _, _ = task.split.rpartition("-")
    dataset, _, width = stem.rpartition("-")
    if width.endswith("ms") and width[:-2].isdigit():
        return dataset, float(width[:-2])
    return task.split, None


def _table(material: Material, task: Task) -> Table:
    ids = {trial.id for trial in task.trials}
    rows = [row for row in material.scores or [] if row["run_trial"] in ids]
    columns = _columns([metric_name(row) for row in rows])
    dataset, bin_ms = facts(material, task)
    models = [name for name in material.ordered(task.models) if any(row["model"] == name for row in rows)]
    cells = {name: [cell(material, task, name, metric) for metric in columns] for name in models}
    _mark_best(columns, {name: found for name, found in cells.items() if not _role(material, name)})
    others = (
        ()
        if task.neurons is not None or bin_ms is None
        else published(dataset, bin_ms, task.phase, standin=task.standin or any(row["standin"] for row in rows))
    )
    return Table(
        task=task,
        title=_title(task, dataset, bin_ms),
        columns=columns,
        rows=tuple(_row(material, task, name, cells[name]) for name in models),
        published=others,
        judges=_judges(rows, columns),
        remarks=_remarks(material, task, rows),
    )


def _remarks(material: Material, task: Task, rows: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    ids = {trial.id for trial in task.trials}
    units = [row for row in material.unit_scores if row["run_trial"] in ids]
    return tuple(remarks([*rows, *units], material.floor, last_epochs(task.trials, material.done)))


def _row(material: Material, task: Task, model: str, cells: Sequence[Cell]) -> Row:
    planned = [trial for trial in task.trials if trial.shown == model]
    done = [material.done[trial.id] for trial in planned if trial.id in material.done]
    on_eval = any(found.get("selected_on") == "evaluation trials" for found in done)
    return Row(model, _role(material, model), len(done), len(planned), on_eval, tuple(cells))


def _role(material: Material, model: str) -> str:
    return {material.ceiling: "ceiling", material.floor: "floor"}.get(model, "")


def _columns(names: Sequence[str]) -> tuple[str, ...]:
    found = [name for name in dict.fromkeys(names) if name not in ASIDE]
    order = list(COLUMNS)
    return tuple(sorted(found, key=lambda name: order.index(name) if name in order else len(order)))


def _mark_best(columns: Sequence[str], cells: dict[str, list[Cell]]) -> None:
    for i, metric in enumerate(columns):
        sign = -1 if metric in LOWER_IS_BETTER else 1
        scored = [name for name in cells if cells[name][i].mean is not None]
        if scored and not metric.startswith(NO_BEST):
            best = max(scored, key=lambda name: sign * cells[name][i].mean)
            cells[best][i] = dataclasses.replace(cells[best][i], best=True)


def _title(task: Task, dataset: str, bin_ms: float | None) -> str:
    if dataset == task.split:
        return task.name if bin_ms is None else f"{task.name} · {bin_ms:g} ms bins"
    cells = task.name.removeprefix(task.split)
    width = "" if bin_ms is None else f" · {bin_ms:g} ms bins"
    return f"{dataset}{cells}{width} · {'test' if task.phase == 'test' else 'validation'} phase"


def _judges(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> str:
    by: dict[str, list[str]] = {}
    for metric in columns:
        for judge in {row["judge"] for row in rows if metric_name(row) == metric}:
            by.setdefault(judge, []).append(metric)
    return "; ".join(f"{', '.join(names)} computed by {judge}" for judge, names in sorted(by.items()))
