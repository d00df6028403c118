"""The page of recordings in one piece: how like the recorded spike trains the predicted ones are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from raysp.kinds.stimulus.page.draw import draw_trains
from raysp.kinds.stimulus.page.fits import about, cell_fits
from raysp.kinds.stimulus.page.gains import WIDTHS as GAIN_WIDTHS
from raysp.kinds.stimulus.page.gains import gains
from raysp.kinds.stimulus.page.numbers import SIGMAS, Numbers, read_numbers
from raysp.kinds.stimulus.page.overall import METRICS as OVERALL_METRICS
from raysp.kinds.stimulus.page.overall import overall
from raysp.kinds.stimulus.page.scores import COLUMNS, MEANING, WIDTHS, better, score_table
from raysp.report.pages import Pages, render
from raysp.report.run_data import RunData, Task
from raysp.report.section import Section

FIGURE_SETS = 20
"""Recordings that get figures of their own; the tables are of all."""

OPEN = 2


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
        at=at,
        sections=recordings,
        open=OPEN,
        columns=COLUMNS,
        widths=WIDTHS,
        gain_widths=GAIN_WIDTHS,
        overall_metrics=OVERALL_METRICS,
        shown_widths=(SIGMAS[0], SIGMAS[-1]),
        meaning=MEANING,
        better=better,
    )
    size = f"{len(data.models)} × {len(data.tasks)} × {len(data.seeds)}"
    return Section(
        title="Continuous recordings",
        html=html,
        facts=(("models × recordings × seeds", size),),
        links=((f"{at}scores", "Scores"), (f"{at}figures", "Figures by recording")),
        problems=data.incomplete("means below are over the cells of those that are"),
    )


def _recording(material: RunData, task: Task, pages: Pages, *, figures: bool) -> dict[str, Any]:
    numbers = read_numbers(material, task)
    drawn = draw_trains(material, task, numbers) if figures else None
    done = len(material.finished(task))
    return {
        "task": task,
        "about": about(material, task),
        "table": score_table(material, task, numbers),
        "gains": gains(numbers),
        "overall": overall(numbers),
        "poisson": bool(numbers.having("poisson")),
        "networks": bool(numbers.having("network")),
        "further": any(not line.published for line in numbers.having("network")),
        "state": f"{done} of {len(task.trials)} trials done",
        "complete": done == len(task.trials),
        "fits": cell_fits(material, task),
        "images": [pages.image(picture) for picture in drawn.pictures] if drawn else [],
        "notes": drawn.notes if drawn else (),
        "seeds": _seeds(numbers),
    }


def _seeds(numbers: Numbers) -> bool:
    """Tell whether any number is a mean over several seeds."""
    return any(high > 1 for _, high in numbers.seeds.values())
