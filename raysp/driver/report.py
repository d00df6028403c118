"""One self-contained page per run: no network, no script, readable in ten years and on paper."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import raysp
from raysp.driver.draw import FIGURE_SETS, Drawn, draw, draw_overview
from raysp.evaluation.score import number
from raysp.io import files
from raysp.kinds.population.page.overview import overview_metric
from raysp.kinds.population.page.scores import COLUMNS, Cell, cell, facts, headline, tables
from raysp.kinds.stimulus.page.page import write_train_page
from raysp.report import provenance
from raysp.report.failures import failures
from raysp.report.pages import Pages, template
from raysp.report.run_data import Material, read_material
from raysp.runs.folder import RunFolder

OPEN_TABLES, OPEN_TASKS = 8, 2

PAGE, TRAIN_PAGE = "report.html", "spike-trains.html"
"""The second holds the recordings in one piece of a run that has both kinds of data."""


def write_report(run: RunFolder, root: str, report: Callable[[str], None] | None = None) -> str:
    """Write a run's report.html and its PNGs into runs/<run>/report/, from what lies on disk alone.

    Args:
        run: the run folder.
        root: the data root, for the splits and their answers.
        report: told what is being drawn.

    Returns:
        The page's path.

    Raises:
        NotReady: nothing was ever run there.
        BadInput: the run's record is damaged.
    """
    material, pages = read_material(run, root), Pages(run)
    rates, trains = material.only("population"), material.only("stimulus")
    if trains.tasks:
        path = write_train_page(trains, pages, TRAIN_PAGE if rates.tasks else PAGE, report)
    if rates.tasks or not trains.tasks:
        path = _write_rates_page(rates, pages, [task.name for task in trains.tasks], report)
    pages.sweep()
    return path


def _write_rates_page(
    material: Material, pages: Pages, elsewhere: Sequence[str], report: Callable[[str], None] | None
) -> str:
    first, notes = draw_overview(material)
    overview = [pages.image(picture) for picture in first]
    sections = []
    for task in material.tasks[:FIGURE_SETS]:
        if report is not None:
            report(f"drawing {task.name}")
        sections.append(_section(material, pages, draw(material, task)))
    context = _context(material, overview, notes, sections) | {"elsewhere": elsewhere, "train_page": TRAIN_PAGE}
    path = files.join(material.run.report, PAGE)
    files.write_text(path, template("report.html").render(**context))
    return path


def _context(
    material: Material, overview: list[dict[str, str]], notes: list[str], sections: list[dict[str, Any]]
) -> dict[str, Any]:
    submitted = provenance.submissions(material)
    states = list(material.states.values())
    found = tables(material)
    return {
        "run": material.run,
        "made": time.strftime("%Y-%m-%d %H:%M"),
        "version": raysp.__version__,
        "last": submitted[-1] if submitted else {},
        "submissions": submitted,
        "counts": {state: states.count(state) for state in ("done", "failed", "started", "missing")},
        "total": len(states),
        "standin": _standin(material),
        "material": material,
        "tables": found,
        "sources": _sources(found),
        "columns": COLUMNS,
        "heat": _heat(material),
        "overview": overview,
        "notes": [*material.problems, *notes],
        "sections": sections,
        "without_figures": [task.name for task in material.tasks[FIGURE_SETS:]],
        "failures": failures(material),
        "data": provenance.data(material),
        "seeds": sorted({trial.seed for trial in material.trials}),
        "open_tables": len(found) <= OPEN_TABLES,
        "open_tasks": OPEN_TASKS,
    }


def _section(material: Material, pages: Pages, drawn: Drawn) -> dict[str, Any]:
    task, trial = drawn.task, drawn.trial
    metric = headline(material, task)
    best = cell(material, task, trial.shown, metric) if trial is not None and metric else Cell()
    done = len(material.finished(task))
    return {
        "task": task,
        "trial": trial,
        "score": f"{metric} {number(best.mean)}" if best.mean is not None else "",
        "state": f"{done} of {len(task.trials)} trials done",
        "complete": done == len(task.trials),
        "images": [pages.image(picture) for picture in drawn.pictures],
        "notes": drawn.notes,
        "fits": provenance.fits(material, task),
    }


def _standin(material: Material) -> str:
    """Return which of the data are generated: "all", "some" or ""."""
    flags = [one.standin for one in provenance.data(material)]
    return "all" if all(flags) else "some" if any(flags) else ""


def _sources(found: Sequence[Any]) -> list[str]:
    return list(dict.fromkeys(one.source for table in found for one in table.published))


def _heat(material: Material) -> dict[str, Any] | None:
    """Return the headline metric of every task and model, with each cell's place between zero and the row's best."""
    metric = overview_metric(material)
    if metric is None:
        return None
    rows = []
    for task in material.tasks:
        if headline(material, task) != metric:
            continue
        means = [cell(material, task, model, metric).mean for model in material.models]
        top = max((mean for mean in means if mean is not None), default=0.0)
        shares = [0.0 if mean is None or top <= 0 else max(mean, 0.0) / top for mean in means]
        dataset, bin_ms = facts(material, task)
        rows.append(
            {"task": task, "dataset": dataset, "bin_ms": bin_ms, "cells": list(zip(means, shares, strict=True))}
        )
    return {"metric": metric, "models": material.models, "rows": rows}
