"""The tables of scores, models in rows, metrics in columns, mean and spread over seeds; and who is best by them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from raysp.config.experiment import Trial
from raysp.evaluation.published import Published, published
from raysp.evaluation.shortfalls import last_epochs
from raysp.io.words import number
from raysp.kinds.population.calibration import RATIO
from raysp.kinds.population.diagnosis import COPYING
from raysp.kinds.population.latent_scores import ALIKE, DIVERGENCE, ORDER, TRAINING
from raysp.kinds.population.metrics import METRICS
from raysp.kinds.population.remarks import remarks
from raysp.kinds.population.weights import WEIGHT
from raysp.report.run_data import RunData, Task
from raysp.report.score_table import Row, cell, score_rows

if TYPE_CHECKING:
    import polars

PARTS = ("held-in units", "held-out units", "forward bins")

ASIDE = ("constant neurons", "roughness", *(f"{RATIO} ({part})" for part in PARTS), f"{WEIGHT} (held-in units)")
FAULTS = (ALIKE, COPYING, DIVERGENCE, ORDER, TRAINING)
"""Measures of which notes tell where they are beyond their limits."""

HEADLINES = ("co-bps", "true-rate R2", "reconstruction bits/spike")


@dataclass(frozen=True)
class Model:
    """What a row of a table says besides the scores: each one's seeds, how many are done, what chose the epoch."""

    details: tuple[str, ...]
    seeds: int
    planned: int
    on_eval: bool


@dataclass(frozen=True)
class Table:
    """The scores of one task.

    Attributes:
        task: what was compared.
        title: data set, bin width and phase.
        columns: metrics.
        rows: floor first, ceiling last, each with what else is said of its model.
        published: scores of others on the same data, bin width and phase; none for generated data.
        judges: who computed which metrics, in words.
        remarks: what else must be known of the scores, see `raysp.kinds.population.remarks`.
    """

    task: Task
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Row, Model], ...]
    published: tuple[Published, ...]
    judges: str
    remarks: tuple[str, ...] = ()


def tables(data: RunData) -> list[Table]:
    """Return a table for each task that has scores, in the plan's order."""
    return [_table(data, task) for task in data.tasks if _columns(data.metrics(task))]


def headline(data: RunData, task: Task) -> str | None:
    """Return the metric by which a task's models are ranked: the first of HEADLINES it was scored by."""
    found = data.metrics(task)
    return next((name for name in HEADLINES if name in found), None)


def facts(data: RunData, task: Task) -> tuple[str, float | None]:
    """Return the data set and bin width (ms) of a task that has scores; earlier versions may not have noted them."""
    dataset, bin_ms = data.of(task).select("dataset", "bin_ms").row(0)
    return dataset or task.split, bin_ms


def drawn_trial(data: RunData, task: Task) -> Trial | None:
    """Return the trial whose predictions are shown; None when none is finished.

    The best model that is neither floor nor ceiling, trained ones before those that fit themselves when nothing was
    scored; of it the seed with the median score, since the best seed would flatter.
    """
    finished = data.finished(task)
    candidates = [trial for trial in finished if trial.shown not in (data.floor, data.ceiling)] or finished
    if not candidates:
        return None
    metric = headline(data, task)
    means = {trial.shown: cell(data, task, trial.shown, None, metric).mean for trial in candidates}
    scored = {name: mean for name, mean in means.items() if mean is not None}
    trained = [trial.shown for trial in candidates if trial.training is not None]
    return median_trial(data, task, max(scored, key=scored.__getitem__) if scored else [*trained, *means][0])


def median_trial(data: RunData, task: Task, model: str) -> Trial:
    """Return the trial of a model's seed with the median score, the first where nothing was scored.

    Args:
        data: of the run.
        task: of which trials of the model are finished.
        model: its name.
    """
    trials, metric = [trial for trial in data.finished(task) if trial.shown == model], headline(data, task)
    values = {} if metric is None else data.values.get((task.slug, model, metric), {})
    known = [(value, trial) for trial in trials if (value := values.get(trial.seed)) is not None]
    ranked = [trial for _, trial in sorted((one for one in known if math.isfinite(one[0])), key=lambda one: one[0])]
    return ranked[(len(ranked) - 1) // 2] if ranked else trials[0]


def _table(data: RunData, task: Task) -> Table:
    rows, columns = data.of(task), _columns(data.metrics(task))
    dataset, bin_ms = facts(data, task)
    standin = task.standin or bool(rows["standin"].any())
    models = score_rows(data, task, columns, METRICS)
    return Table(
        task=task,
        title=_title(task, dataset, bin_ms),
        columns=columns,
        rows=tuple((row, _model(data, task, row.model, columns)) for row in models),
        published=published(dataset, bin_ms, task.phase, standin=standin) if bin_ms and task.units is None else (),
        judges=_judges(rows, columns),
        remarks=_remarks(data, task, rows),
    )


def _remarks(data: RunData, task: Task, rows: polars.DataFrame) -> tuple[str, ...]:
    from polars import col

    whole_first = rows.sort(col("unit").is_not_null() | col("unit_index").is_not_null(), maintain_order=True)
    return tuple(remarks(whole_first, data.floor, last_epochs(task.trials, data.done), task.trials))


def _model(data: RunData, task: Task, model: str, columns: Sequence[str]) -> Model:
    planned = [trial for trial in task.trials if trial.shown == model]
    done = [data.done[trial.id] for trial in planned if trial.id in data.done]
    on_eval = any(found.get("selected_on") == "evaluation trials" for found in done)
    seeds = [data.values.get((task.slug, model, name), {}) for name in columns]
    details = (", ".join(f"seed {seed}: {number(value)}" for seed, value in found.items()) for found in seeds)
    return Model(tuple(details), len(done), len(planned), on_eval)


def _columns(names: Sequence[str]) -> tuple[str, ...]:
    found = [name for name in names if name not in ASIDE and not name.startswith(FAULTS)]
    order = list(METRICS)
    return tuple(sorted(found, key=lambda name: order.index(name) if name in order else len(order)))


def _title(task: Task, dataset: str, bin_ms: float | None) -> str:
    width = "" if bin_ms is None else f" · {bin_ms:g} ms bins"
    if dataset == task.split:
        return f"{task.name}{width}"
    units = task.name.removeprefix(task.split)
    return f"{dataset}{units}{width} · {'test' if task.phase == 'test' else 'validation'} phase"


def _judges(rows: polars.DataFrame, columns: Sequence[str]) -> str:
    from polars import col

    judged = rows.filter(col("unit").is_null() & col("unit_index").is_null()).select("judge", "name").unique()
    by = {judge: set(names) for judge, names in judged.group_by("judge").agg("name").iter_rows()}
    found = {judge: [metric for metric in columns if metric in names] for judge, names in by.items()}
    return "; ".join(f"{', '.join(names)} computed by {judge}" for judge, names in sorted(found.items()) if names)
