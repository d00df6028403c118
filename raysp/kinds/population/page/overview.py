"""All splits at a glance: each model's score, between its floor and its ceiling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from raysp.errors import NotReady, present
from raysp.kinds.population.page.scores import HEADLINES, facts, headline
from raysp.report.run_data import RunData, Task
from raysp.report.score_table import Cell, cell
from raysp.report.style import PALETTE, Look, Picture, canvas, model_colours, picture, shared_legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS = "osD^vPX*"
MOST_ROWS = 60
PHASES = {"val": "validation phase", "test": "test phase"}


def overview(data: RunData) -> Picture:
    """Draw the headline metric of every model on every split, validation and test phase side by side.

    Raises:
        NotReady: nothing was scored.
    """
    metric = overview_metric(data)
    if metric is None:
        raise NotReady(f"no overview: nothing was scored yet; run: raysp evaluate {data.run.name}")
    tasks = [task for task in data.tasks if headline(data, task) == metric]
    phases = {name: found for name in PHASES if (found := [task for task in tasks if task.phase == name])}
    labels = list(dict.fromkeys(_label(data, task) for task in tasks))[:MOST_ROWS]
    with canvas(9.6, 1.3 + 0.3 * len(labels)) as figure:
        grid = figure.subplots(1, len(phases), squeeze=False, sharey=True, sharex=True)[0]
        for axes, (phase, found) in zip(grid, phases.items(), strict=True):
            _panel(axes, data, found, labels, metric)
            axes.set_title(PHASES[phase] if len(phases) > 1 else "")
        shared_legend(figure, loc="outside upper center", ncols=6)
        present = {model for task in tasks for model in task.models}
        roles = (("grey: the floor", data.floor), ("black: the ceiling", data.ceiling))
        marks = [f"{role} ({model})" for role, model in roles if model in present]
        return picture(figure, __name__, "overview", metric=metric, marks=marks)


def overview_metric(data: RunData) -> str | None:
    """Return the headline metric of most use: the first of HEADLINES by which any task is ranked."""
    found = {headline(data, task) for task in data.tasks}
    return next((name for name in HEADLINES if name in found), None)


def _panel(axes: Axes, data: RunData, tasks: Sequence[Task], labels: list[str], metric: str) -> None:
    rows = {label: i for i, label in enumerate(labels)}
    paint = model_colours(data.models, data.floor, data.ceiling)
    others = [name for name in data.models if name not in (data.floor, data.ceiling)]
    marks = dict(zip(PALETTE, MARKERS, strict=True))
    markers = {name: marks.get(paint[name], "o") for name in others}
    for task in tasks:
        if (label := _label(data, task)) not in rows:
            continue
        for model in task.models:
            found = cell(data, task, model, None, metric)
            if found.mean is not None:
                _mark(axes, model, found, rows[label], paint[model], markers.get(model))
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.axvline(0, color="#BBBBBB", linewidth=0.8, zorder=0)
    axes.grid(axis="both")
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(f"{metric} (bits per spike)" if metric == "co-bps" else metric)


def _mark(axes: Axes, model: str, found: Cell, row: int, colour: str, marker: str | None) -> None:
    style: Look
    if marker is None:
        style = {"marker": "|", "markersize": 13, "markeredgewidth": 2.2}
    else:
        style = {"marker": marker, "markersize": 6, "markeredgewidth": 0.6, "markeredgecolor": "white", "zorder": 3}
    mean = present(found.mean)
    axes.errorbar(mean, row, xerr=found.sd, color=colour, linestyle="none", elinewidth=1.1, label=model, **style)


def _label(data: RunData, task: Task) -> str:
    dataset, bin_ms = facts(data, task)
    if dataset == task.split or bin_ms is None:
        return task.name
    return f"{dataset}{task.name.removeprefix(task.split)}  {bin_ms:g} ms"
