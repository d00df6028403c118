"""A run's population splits on its page: at a glance, tables of scores, figures split by split."""

from __future__ import annotations

from collections.abc import Callable

from raysp.config.experiment import Trial
from raysp.io.words import counted, number
from raysp.kinds.population.metrics import METRICS
from raysp.kinds.population.page.drawing import Figures, others
from raysp.kinds.population.page.latents import can_be_asked
from raysp.kinds.population.page.overview import overview, overview_metric
from raysp.kinds.population.page.scores import headline, tables
from raysp.report import provenance
from raysp.report.pages import Pages, render
from raysp.report.run_data import RunData, Task
from raysp.report.score_table import cell
from raysp.report.section import Drawn, Section
from raysp.runs.jobs import Call, in_turn

FIGURE_SETS = 60
"""Tasks that get figures of their own; a run of thousands of unit subsets has tables only."""

FEW = 4
"""So many are drawn in this process: others are up only after a while."""

OPEN_TABLES, OPEN_TASKS = 8, 2

OTHERS = 40
"""Times that figures of a model beside the best are drawn on one page, a second each."""


def section(data: RunData, pages: Pages, say: Callable[[str], None], at: str = "") -> Section:
    """Return what the page shows of a run's population splits.

    Args:
        data: of these splits' trials.
        pages: takes the figures.
        say: told what is being drawn.
        at: begins the names of places on the page.
    """
    first, found, room, wanted = Drawn(""), tables(data), OTHERS, []
    first.add(overview, data)
    glance = [pages.image(picture) for picture in first.pictures]
    without = 0
    for task in data.tasks[:FIGURE_SETS]:
        beside = others(data, task)
        wanted.append((task, beside[:room]))
        room, without = max(room - len(beside), 0), without + max(len(beside) - room, 0)
    say(f"drawing {counted(wanted, 'split')}")
    jobs = in_turn if len(wanted) <= FEW else pages.jobs
    calls: list[Call] = [((data.about(task), task, beside), {}) for task, beside in wanted]
    drawn: list[Figures] = jobs("raysp.kinds.population.page.drawing.figures", calls)
    heat = _heat(data)
    html = render(
        "kinds/population/page/page.html",
        run=data.run,
        at=at,
        models=data.models,
        heat=heat,
        overview=glance,
        tables=found,
        meaning={name: metric.meaning for name, metric in METRICS.items() if metric.meaning},
        sources=list(dict.fromkeys(one.source for table in found for one in table.published)),
        tasks=[_task(data, one, pages) for one in drawn],
        open_tables=OPEN_TABLES,
        open_tasks=OPEN_TASKS,
        without_figures=len(data.tasks[FIGURE_SETS:]),
        without_others=without,
        most_others=OTHERS,
        can_be_asked=can_be_asked(data),
    )
    size, looks = f"{len(data.models)} × {len(data.tasks)} × {len(data.seeds)}", data.test_looks
    return Section(
        title="Splits by trial",
        html=html,
        facts=(("models × splits × seeds", size), ("looks at the test answers", str(looks))),
        links=(
            *([(f"{at}overview", "At a glance")] if heat else ()),
            (f"{at}scores", "Scores"),
            (f"{at}figures", "Figures by split"),
        ),
        problems=(*first.notes, *data.incomplete("means below are over those that are")),
        closing=f"Test answers looked at {looks} time{'s' if looks != 1 else ''}.",
    )


def _task(data: RunData, found: Figures, pages: Pages) -> dict[str, object]:
    task, trial = found.task, found.trial
    return {
        "task": task,
        "trial": trial,
        "score": "" if trial is None else _score(data, task, trial),
        "images": [pages.image(picture) for picture in found.shared.pictures],
        "of_best": [pages.image(picture) for picture in found.own.pictures],
        "others": [_other(data, task, *other, pages) for other in found.beside],
        "notes": [*found.shared.notes, *found.own.notes],
        "fits": provenance.fits(data, task),
        **data.progress(task),
    }


def _other(data: RunData, task: Task, trial: Trial, drawn: Drawn, pages: Pages) -> dict[str, object]:
    return {
        "trial": trial,
        "score": _score(data, task, trial),
        "images": [pages.image(picture, inside=False) for picture in drawn.pictures],
        "notes": drawn.notes,
    }


def _score(data: RunData, task: Task, trial: Trial) -> str:
    metric = headline(data, task)
    mean = cell(data, task, trial.shown, None, metric).mean if metric else None
    return f"{metric} {number(mean)}" if mean is not None else ""


def _heat(data: RunData) -> dict[str, object] | None:
    """Return the headline metric of every task and model, with each cell's place between zero and the row's best."""
    metric = overview_metric(data)
    if metric is None:
        return None
    rows = []
    for task in (task for task in data.tasks if headline(data, task) == metric):
        means = [cell(data, task, model, None, metric).mean for model in data.models]
        top = max((mean for mean in means if mean is not None), default=0.0)
        shares = [0.0 if mean is None or top <= 0 else max(mean, 0.0) / top for mean in means]
        rows.append((task.name, list(zip(means, shares, strict=True))))
    return {"metric": metric, "rows": rows}
