"""What a run's page shows of movies: scores beside their ceilings, courses, rasters, and what units do together."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from raysp.config.experiment import Trial
from raysp.kinds.movie.metrics import BY_LAG, CEILING, METRICS, PSTH_R
from raysp.kinds.movie.page.couplings import connectivity, filters
from raysp.kinds.movie.page.figures import correlations, courses, rasters
from raysp.kinds.movie.page.lags import by_lag, matrices
from raysp.kinds.movie.page.parts import parts
from raysp.kinds.movie.page.shown import has_couplings
from raysp.report import provenance
from raysp.report.pages import Pages, render
from raysp.report.run_data import RunData, Task
from raysp.report.score_table import cell, score_rows
from raysp.report.section import Drawn, Section

FIGURE_SETS = 20
"""Splits that get figures of their own; the tables are of all."""

OPEN = 4


def section(data: RunData, pages: Pages, say: Callable[[str], None], at: str = "") -> Section:
    """Return what the page shows of a run's movies.

    Args:
        data: of these splits' trials.
        pages: takes the figures.
        say: told what is being drawn.
        at: begins the names of places on the page.
    """
    splits = []
    for i, task in enumerate(data.tasks):
        say(f"drawing {task.name}")
        splits.append(_split(data, task, pages, figures=i < FIGURE_SETS))
    html = render(
        "kinds/movie/page/page.html",
        run=data.run,
        at=at,
        splits=splits,
        open=OPEN,
        meaning={name: metric.meaning for name, metric in METRICS.items()},
    )
    size = f"{len(data.models)} × {len(data.tasks)} × {len(data.seeds)}"
    return Section(
        title="Movies",
        html=html,
        facts=(("models × splits × seeds", size),),
        links=((f"{at}scores", "Scores"), (f"{at}figures", "Figures by split")),
        problems=data.incomplete("means below are over those that are"),
    )


def draw(data: RunData, task: Task) -> Drawn:
    """Draw the figures of one split; what cannot be drawn becomes a note and stops nothing else."""
    drawn = Drawn(f"{task.slug}-")
    trials = [one for model in data.ordered(task.models) if (one := _first(data, task, model)) is not None]
    best = drawn_trial(data, task)
    drawn.add(courses, data, task, trials)
    if best is not None:
        drawn.add(rasters, data, best)
    drawn.add(correlations, data, task, trials)
    if best is not None:
        drawn.add(by_lag, data, task)
        drawn.add(matrices, data, [one for one in trials if one.shown not in (data.floor, data.ceiling)] or [best])
    if any(has_couplings(data, one) for one in trials):
        drawn.add(connectivity, data, task, trials)
        drawn.add(filters, data, task, trials)
    if any(one.training is not None for one in trials):
        drawn.add(parts, data, task)
    return drawn


def drawn_trial(data: RunData, task: Task) -> Trial | None:
    """Return the finished trial that rasters are of: of the best model by PSTH r that is no bound, else of the best."""
    means = {model: cell(data, task, model, None, PSTH_R).mean for model in task.models}
    known = {model: mean for model, mean in means.items() if mean is not None}
    models = {model: mean for model, mean in known.items() if model not in (data.floor, data.ceiling)} or known
    best = max(models, key=models.__getitem__, default=None)
    return None if best is None else _first(data, task, best)


def columns(data: RunData, task: Task) -> Iterator[str]:
    """Yield the metrics that a split was scored by; ceilings have a row of their own, correlations by lag a figure."""
    there = data.metrics(task)
    for name in METRICS:
        if name.endswith(BY_LAG):
            continue
        yield from (
            one for one in there if (one == name or one.startswith(f"{name} (")) and not one.endswith(f"({CEILING})")
        )


def _first(data: RunData, task: Task, model: str) -> Trial | None:
    return next((trial for trial in data.finished(task) if trial.shown == model), None)


def _ceilings(data: RunData, task: Task, names: list[str]) -> list[float | None]:
    """Return what the training repeats themselves come to, column by column; the same beside every model."""
    found = ([cell(data, task, model, None, f"{name} ({CEILING})").mean for model in task.models] for name in names)
    return [next((one for one in means if one is not None), None) for means in found]


def _split(data: RunData, task: Task, pages: Pages, *, figures: bool) -> dict[str, object]:
    names = list(columns(data, task))
    drawn = draw(data, task) if figures else Drawn("")
    return {
        **data.progress(task),
        "task": task,
        "header": data.header(task),
        "columns": names,
        "ceilings": _ceilings(data, task, names),
        "rows": score_rows(data, task, names, METRICS),
        "fits": provenance.fits(data, task),
        "images": [pages.image(one) for one in drawn.pictures],
        "notes": drawn.notes,
    }
