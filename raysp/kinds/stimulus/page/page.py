"""The page of recordings in one piece: how like the recorded spike trains the predicted ones are."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import raysp
from raysp.io import files
from raysp.kinds.stimulus.page.draw import draw_trains
from raysp.kinds.stimulus.page.fits import about, cell_fits
from raysp.kinds.stimulus.page.gains import WIDTHS as GAIN_WIDTHS
from raysp.kinds.stimulus.page.gains import gains
from raysp.kinds.stimulus.page.numbers import SIGMAS, Numbers, read_numbers
from raysp.kinds.stimulus.page.overall import METRICS as OVERALL_METRICS
from raysp.kinds.stimulus.page.overall import overall
from raysp.kinds.stimulus.page.scores import COLUMNS, MEANING, WIDTHS, better, count, score_table, spell
from raysp.report import provenance
from raysp.report.failures import failures
from raysp.report.pages import Pages, template
from raysp.report.run_data import Material, Task

FIGURE_SETS = 20
"""Recordings that get figures of their own; the tables are of all."""

OPEN = 2


def write_train_page(material: Material, pages: Pages, name: str, report: Callable[[str], None] | None = None) -> str:
    """Write the page of a run's recordings in one piece and its PNGs.

    Args:
        material: of these recordings' trials.
        pages: takes the figures.
        name: the page's file name in the run's report folder.
        report: told what is being drawn.

    Returns:
        The page's path.
    """
    sections = []
    for i, task in enumerate(material.tasks):
        if report is not None:
            report(f"drawing {task.name}")
        sections.append(_section(material, task, pages, figures=i < FIGURE_SETS))
    path = files.join(material.run.report, name)
    files.write_text(path, template("trains.html").render(**_context(material, sections)))
    return path


def _section(material: Material, task: Task, pages: Pages, *, figures: bool) -> dict[str, Any]:
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


def _context(material: Material, sections: list[dict[str, Any]]) -> dict[str, Any]:
    submitted = provenance.submissions(material)
    states = list(material.states.values())
    flags = [one.standin for one in provenance.data(material)]
    return {
        "run": material.run,
        "made": time.strftime("%Y-%m-%d %H:%M"),
        "version": raysp.__version__,
        "last": submitted[-1] if submitted else {},
        "submissions": submitted,
        "counts": {state: states.count(state) for state in ("done", "failed", "started", "missing")},
        "total": len(states),
        "standin": "all" if all(flags) else "some" if any(flags) else "",
        "models": material.models,
        "problems": material.problems,
        "sections": sections,
        "open": OPEN,
        "failures": failures(material),
        "data": provenance.data(material),
        "seeds": sorted({trial.seed for trial in material.trials}),
        "columns": COLUMNS,
        "widths": WIDTHS,
        "gain_widths": GAIN_WIDTHS,
        "overall_metrics": OVERALL_METRICS,
        "shown_widths": (SIGMAS[0], SIGMAS[-1]),
        "meaning": MEANING,
        "better": better,
        "spell": spell,
        "count": count,
    }
