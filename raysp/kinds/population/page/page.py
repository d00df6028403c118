"""A run's population splits on its page: at a glance, tables of scores, figures split by split."""

from __future__ import annotations

from collections.abc import Callable

from raysp.config.experiment import Trial
from raysp.errors import BadInput, NotReady
from raysp.io.words import number
from raysp.kinds.population.case import Case, open_case
from raysp.kinds.population.metrics import METRICS
from raysp.kinds.population.page.calibration import calibration
from raysp.kinds.population.page.curves import curves
from raysp.kinds.population.page.inferred import inferred
from raysp.kinds.population.page.latents import asked, can_be_asked, worth
from raysp.kinds.population.page.masking import inside, masked
from raysp.kinds.population.page.overview import overview, overview_metric
from raysp.kinds.population.page.psths import psth
from raysp.kinds.population.page.rasters import raster
from raysp.kinds.population.page.scores import drawn_trial, headline, median_trial, tables
from raysp.kinds.population.page.speeds import has_intervals, speeds
from raysp.kinds.population.page.trajectories import trajectory
from raysp.kinds.population.page.units import units
from raysp.kinds.population.page.velocity import velocity
from raysp.report import provenance
from raysp.report.pages import Pages, render
from raysp.report.run_data import RunData, Task
from raysp.report.score_table import cell
from raysp.report.section import Drawn, Section
from raysp.report.style import Picture

FIGURE_SETS = 60
"""Tasks that get figures of their own; a run of thousands of unit subsets has tables only."""

OPEN_TABLES, OPEN_TASKS = 8, 2

OTHERS = 40
"""Times that figures of a model beside the best are drawn on one page, a second and a half each."""


def behavior(case: Case) -> Picture:
    """Draw what a split's behaviour allows: decoded velocity, or neural speed against produced intervals."""
    return speeds(case) if has_intervals(case) else velocity(case)


OF_A_TASK = (curves, units)
OF_THE_TASK = ("-curves", "-units", "-worth")
OF_A_TRIAL = (raster, psth, trajectory, behavior, calibration)
# Of models that have such a setting.
OF_SOME = {"mask_ratio": (masked, inside), "beta_initial": (inferred,)}


def section(data: RunData, pages: Pages, say: Callable[[str], None], at: str = "") -> Section:
    """Return what the page shows of a run's population splits.

    Args:
        data: of these splits' trials.
        pages: takes the figures.
        say: told what is being drawn.
        at: begins the names of places on the page.
    """
    first, found, tasks, room, without = Drawn(""), tables(data), [], OTHERS, 0
    first.add(overview, data)
    glance = [pages.image(picture) for picture in first.pictures]
    for task in data.tasks[:FIGURE_SETS]:
        say(f"drawing {task.name}")
        wanted = others(data, task)[:room]
        tasks.append(_task(data, task, pages, wanted))
        room, without = room - len(wanted), without + len(others(data, task)) - len(wanted)
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
        tasks=tasks,
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


def draw(data: RunData, task: Task) -> tuple[Trial | None, Drawn]:
    """Draw the figures of one task, and return whose predictions are shown; None where no trial is finished."""
    drawn = Drawn(f"{task.slug}-")
    for figure in (*OF_A_TASK, *((worth,) if asked(data) else ())):
        drawn.add(figure, data, task)
    trial = drawn_trial(data, task)
    if trial is None:
        drawn.notes.append("no predictions yet: no trial of this split is finished")
        return None, drawn
    add_trial(drawn, data, task, trial)
    return trial, drawn


def add_trial(drawn: Drawn, data: RunData, task: Task, trial: Trial) -> None:
    """Draw the figures of one trial's predictions, or note why they are not there."""
    try:
        case = open_case(data.run, data.root, trial, answers=answers_may_be_seen(data, task))
    except (BadInput, NotReady, OSError) as reason:
        drawn.notes.append(f"no figures of {trial.id}: {reason}")
        return
    some = [one for setting, each in OF_SOME.items() if setting in trial.hyperparameters for one in each]
    for figure in (*OF_A_TRIAL, *some):
        drawn.add(figure, case)


def others(data: RunData, task: Task) -> list[str]:
    """Return the models beside the best whose figures a reader may switch to: neither floor nor ceiling.

    Of the test phase there are none: its answers are looked at for the model that was chosen.
    """
    best = drawn_trial(data, task)
    if best is None or task.phase == "test":
        return []
    shown = dict.fromkeys(trial.shown for trial in data.finished(task))
    return [name for name in shown if name not in (best.shown, data.floor, data.ceiling)]


def answers_may_be_seen(data: RunData, task: Task) -> bool:
    """Tell whether figures may show a task's answers: those of the test phase only once it was scored on purpose."""
    return task.phase != "test" or not data.of(task).is_empty()


def _task(data: RunData, task: Task, pages: Pages, beside: list[str]) -> dict[str, object]:
    trial, drawn = draw(data, task)
    shared = len([picture for picture in drawn.pictures if trial is None or picture.name.endswith(OF_THE_TASK)])
    images = [pages.image(picture) for picture in drawn.pictures]
    metric = headline(data, task)
    best = cell(data, task, trial.shown, None, metric).mean if trial is not None and metric else None
    return {
        "task": task,
        "trial": trial,
        "score": f"{metric} {number(best)}" if best is not None else "",
        "images": images[:shared],
        "of_best": images[shared:],
        "others": [_other(data, task, model, pages) for model in beside],
        "notes": drawn.notes,
        "fits": provenance.fits(data, task),
        **data.progress(task),
    }


def _other(data: RunData, task: Task, model: str, pages: Pages) -> dict[str, object]:
    trial, drawn, metric = median_trial(data, task, model), Drawn(f"{task.slug}-{model}-"), headline(data, task)
    add_trial(drawn, data, task, trial)
    mean = cell(data, task, model, None, metric).mean if metric else None
    return {
        "trial": trial,
        "score": f"{metric} {number(mean)}" if mean is not None else "",
        "images": [pages.image(picture, inside=False) for picture in drawn.pictures],
        "notes": drawn.notes,
    }


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
