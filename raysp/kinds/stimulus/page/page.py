"""What a run's page shows of its continuous recordings: how like the recorded spike trains the predicted ones are."""

from __future__ import annotations

from collections.abc import Callable

from raysp.data.splits.stimulus import PARTS
from raysp.errors import NotReady
from raysp.kinds.stimulus.lines import METRICS, SIGMAS, SIGN
from raysp.kinds.stimulus.page import tables
from raysp.kinds.stimulus.page.case import open_case
from raysp.kinds.stimulus.page.curves import interval_curves, width_curves
from raysp.kinds.stimulus.page.numbers import Numbers, read_numbers
from raysp.kinds.stimulus.page.spikes import averages, rasters
from raysp.kinds.stimulus.page.training import learning, unit_fits
from raysp.kinds.stimulus.page.windows import arrays, kernels
from raysp.report.pages import Pages, render
from raysp.report.run_data import RunData, Task
from raysp.report.section import Drawn, Section

FIGURE_SETS = 20
"""Recordings that get figures of their own; the tables are of all."""

OPEN = 2
OF_SCORES = (width_curves, interval_curves)
OF_UNITS = (rasters, arrays, averages, kernels)
OF_TRAINING = (learning,)


def section(data: RunData, pages: Pages, say: Callable[[str], None], at: str = "") -> Section:
    """Return what the page shows of a run's continuous recordings.

    Args:
        data: of these recordings' trials.
        pages: takes the figures.
        say: told what is being drawn.
        at: begins the names of places on the page.
    """
    recordings = []
    for i, task in enumerate(data.tasks):
        say(f"drawing {task.name}")
        recordings.append(_recording(data, task, pages, figures=i < FIGURE_SETS))
    html = render(
        "kinds/stimulus/page/page.html",
        run=data.run,
        root=data.root,
        at=at,
        recordings=recordings,
        open=OPEN,
        parts=PARTS,
        tables=tables,
        meaning={name: METRICS[name].meaning for name, _ in tables.COLUMNS},
        measures=list(SIGN),
        sigmas=(SIGMAS[0], SIGMAS[-1]),
    )
    size = f"{len(data.models)} × {len(data.tasks)} × {len(data.seeds)}"
    return Section(
        title="Continuous recordings",
        html=html,
        facts=(("models × recordings × seeds", size),),
        links=((f"{at}scores", "Scores"), (f"{at}figures", "Figures by recording")),
        problems=data.incomplete("means below are over the units of those that are"),
    )


def draw(data: RunData, task: Task, numbers: Numbers) -> Drawn:
    """Draw the figures of one recording; what cannot be drawn becomes a note and stops nothing else."""
    drawn = Drawn(f"{task.slug}-")
    for of_scores in OF_SCORES if numbers.lines else ():
        drawn.add(of_scores, numbers)
    try:
        case = open_case(data, task, numbers)
    except NotReady as reason:
        drawn.notes.append(str(reason))
    else:
        for of_units in OF_UNITS:
            drawn.add(of_units, case)
        drawn.notes += case.problems
    for of_training in OF_TRAINING:
        drawn.add(of_training, data, task)
    drawn.notes = list(dict.fromkeys(drawn.notes))
    return drawn


def _recording(data: RunData, task: Task, pages: Pages, *, figures: bool) -> dict[str, object]:
    numbers = read_numbers(data, task)
    drawn = draw(data, task, numbers) if figures else Drawn("")
    return {
        **data.progress(task),
        "task": task,
        "seeds": len({trial.seed for trial in task.trials}),
        "header": data.header(task),
        "numbers": numbers,
        "scores": tables.scores(data, task),
        "planned": len(tables.planned_units(task)),
        "fits": list(unit_fits(data, task)),
        "images": [pages.image(picture) for picture in drawn.pictures],
        "notes": drawn.notes,
    }
