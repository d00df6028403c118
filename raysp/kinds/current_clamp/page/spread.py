"""Explained variance side by side: recordings and models as violins, and what fits were chosen by against the test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from raysp.errors import NotReady
from raysp.kinds.current_clamp.metrics import EVR
from raysp.kinds.current_clamp.page.numbers import Numbers, median_within
from raysp.report.run_data import Task
from raysp.report.style import CEILING, GREY, Picture, canvas, legend, model_colours, panels, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PolyCollection

LOWEST, HIGHEST = -0.2, 1.1
FEWEST, MOST = 8, 60
"""Cells from which on there is a violin, and up to which each is a point."""

WIDTH, COLUMNS = 0.8, 3


def violins(found: list[tuple[Task, Numbers]]) -> Picture:
    """Draw how explained variance is spread over cells: recordings side by side, in each its models and its ceiling.

    Raises:
        NotReady: nothing was scored.
    """
    shown = [(task, numbers) for task, numbers in found if numbers.fitted]
    if not shown:
        raise NotReady("no violins of explained variance: nothing was scored yet")
    names = list(dict.fromkeys(model for _, numbers in shown for model in numbers.fitted))
    paint = model_colours(names, "", "")
    with canvas(9.6, 3.4) as figure:
        axes = figure.subplots()
        for place, (_, numbers) in enumerate(shown):
            width = WIDTH / len(numbers.fitted)
            for at, model in enumerate(numbers.fitted):
                values = list(numbers.values.get((model, EVR), {}).values())
                _one(axes, place + (at - (len(numbers.fitted) - 1) / 2) * width, values, width, paint[model])
            if numbers.ceilings:
                ends = place - WIDTH / 2, place + WIDTH / 2
                axes.hlines(np.median(list(numbers.ceilings.values())), *ends, color=CEILING, linestyle="--")
        axes.axhline(0, color=GREY, linewidth=0.8)
        axes.set_xticks(range(len(shown)), [task.name for task, _ in shown])
        axes.set(ylabel="explained-variance ratio", ylim=(LOWEST - 0.05, HIGHEST + 0.05))
        marks = {model: {"color": paint[model], "linewidth": 5} for model in names}
        legend(figure, marks | {"ceiling": {"color": CEILING, "linestyle": "--"}}, loc="outside upper center")
        caption = (
            f"Test currents. Bars: medians; points: cells, where there are {MOST} at most; dashed: the median of what "
            f"a perfect model would come to. Values below {LOWEST} are drawn there."
        )
        return Picture("evr-violins", "Explained variance by recording", caption, png(figure))


def validated(found: list[tuple[Task, Numbers]]) -> Picture:
    """Draw explained variance on what fits were chosen by against that on test currents, a panel per model.

    Raises:
        NotReady: no model has both.
    """
    points: dict[str, dict[str, np.ndarray]] = {}
    for task, numbers in found:
        for model in numbers.neurons:
            fits = numbers.of(model).select("validation_evr", "test_evr")
            both = fits.drop_nulls().drop_nans().to_numpy()
            if len(both):
                points.setdefault(model, {})[task.name] = np.clip(both, LOWEST, HIGHEST)
    if not points:
        raise NotReady("no explained variance on validation against test: no model with parameters has both")
    names = list(dict.fromkeys(name for own in points.values() for name in own))
    paint = model_colours(names, "", "")
    with canvas(3.1 * min(len(points), COLUMNS) + 0.3, 0.5 + 3.1 * -(-len(points) // COLUMNS)) as figure:
        for axes, (model, own) in zip(panels(figure, len(points), COLUMNS), points.items(), strict=True):
            limits = [LOWEST - 0.05, HIGHEST + 0.05]
            axes.plot(limits, limits, color=GREY, linewidth=1)
            for name, both in own.items():
                axes.plot(*both.T, "o", color=paint[name], alpha=0.6, markersize=4)
            axes.set(
                xlabel="EVR on validation", ylabel="EVR on test", title=model, xlim=limits, ylim=limits, aspect="equal"
            )
        marks = {name: {"color": paint[name], "marker": "o", "linestyle": ""} for name in names}
        legend(figure, marks, loc="outside upper center")
        caption = (
            "Each point is a cell: the explained-variance ratio that its fit was chosen by, and that on test "
            "currents; below the line, validation promised too much. The published protocol validates on sweeps that "
            "it trains on."
        )
        return Picture("evr-validated", "Explained variance, validation against test", caption, png(figure))


def _one(axes: Axes, place: float, known: Sequence[float], width: float, colour: str) -> None:
    if not known:
        return
    values = np.clip(known, LOWEST, HIGHEST)
    if len(values) >= FEWEST and np.ptp(values) > 0:
        found = axes.violinplot(values, [place], widths=0.9 * width, showextrema=False)
        for body in cast("list[PolyCollection]", found["bodies"]):
            body.set(facecolor=colour, alpha=0.35)
    if len(values) <= MOST:
        axes.plot(np.full(len(values), place), values, "o", color=colour, alpha=0.6, markersize=3)
    ends = place - 0.4 * width, place + 0.4 * width
    axes.hlines(median_within(known, LOWEST, HIGHEST), *ends, color=colour, linewidth=2.5)
