"""Explained variance over cells: how it is spread, model by model, and one model against another, cell by cell."""

from __future__ import annotations

import numpy as np
from matplotlib.ticker import MaxNLocator

from raysp.errors import NotReady
from raysp.kinds.current_clamp.metrics import EVR
from raysp.kinds.current_clamp.page.numbers import Numbers, median_within
from raysp.report.run_data import Task
from raysp.report.style import (
    CEILING,
    CORAL,
    GREY,
    INK,
    Look,
    Picture,
    canvas,
    model_colours,
    panels,
    png,
    shared_legend,
)

LOWEST, HIGHEST, STEP = -0.2, 1.19, 0.05
COLUMNS = 3
MANY, TILES = 300, 60
"""More cells are drawn as tiles, so many along an axis: of points that lie on each other nothing can be told."""


def histograms(found: list[tuple[Task, Numbers]]) -> Picture:
    """Draw how explained variance is spread over cells: a panel per recording, a line per model, medians below.

    Raises:
        NotReady: nothing was scored.
    """
    shown = [(task, numbers) for task, numbers in found if numbers.fitted]
    if not shown:
        raise NotReady("no histograms of explained variance: nothing was scored yet")
    names = list(dict.fromkeys(model for _, numbers in shown for model in numbers.fitted))
    paint, edges = model_colours(names, "", ""), np.arange(LOWEST, 1.2, STEP)
    with canvas(3.3 * min(len(shown), COLUMNS), 0.8 + 2.3 * -(-len(shown) // COLUMNS)) as figure:
        for axes, (task, numbers) in zip(panels(figure, len(shown), COLUMNS, sharex=True), shown, strict=True):
            for model in numbers.fitted:
                values = list(numbers.values.get((model, EVR), {}).values())
                axes.hist(
                    np.clip(values, LOWEST, HIGHEST),
                    edges.tolist(),
                    histtype="step",
                    color=paint[model],
                    linewidth=1.5,
                    label=model,
                )
                if values:
                    middle = median_within(values, LOWEST, HIGHEST)
                    axes.plot(middle, 0, "^", color=paint[model], clip_on=False, markersize=8, zorder=5)
            if numbers.ceilings:
                axes.axvline(np.median(list(numbers.ceilings.values())), color=CEILING, linestyle="--", label="ceiling")
            axes.set_title(task.name)
            axes.set_ylim(bottom=0)
            axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        figure.supxlabel("explained-variance ratio on test currents")
        figure.supylabel("cells")
        shared_legend(figure, loc="outside upper center")
        caption = (
            "Each line counts the cells of one model; triangles: medians; dashed: the median of what a perfect model "
            f"would come to. Values below {LOWEST} are drawn there. Look for a peak at 0: dead cells."
        )
        return Picture("evr", "Explained variance over cells", caption, png(figure))


def pairs(numbers: Numbers) -> Picture:
    """Draw the explained variance of the best model against each other with parameters, cell by cell.

    Raises:
        NotReady: fewer than two models have parameters.
    """
    main = numbers.main
    others = [model for model in numbers.neurons if model != main]
    if main is None or not others:
        raise NotReady("no comparison of fits cell by cell: fewer than two models with parameters were scored")
    with canvas(3.2 * min(len(others), COLUMNS) + 0.4, 0.3 + 3.2 * -(-len(others) // COLUMNS)) as figure:
        for axes, other in zip(panels(figure, len(others), COLUMNS), others, strict=True):
            mine, theirs = numbers.values.get((main, EVR), {}), numbers.values.get((other, EVR), {})
            shared = sorted(mine.keys() & theirs.keys())
            low = min([0.0, *(min(mine[unit], theirs[unit]) for unit in shared)])
            limits = (max(low, -1.0) - 0.05, 1.1)
            axes.plot(limits, limits, color=GREY, linewidth=1)
            both = [[one[unit] for unit in shared] for one in (theirs, mine)]
            x, y = np.clip(both, limits[0], limits[1])
            if len(shared) > MANY:
                look: Look = {
                    "extent": (*limits, *limits),
                    "bins": "log",
                    "mincnt": 1,
                    "cmap": "viridis_r",
                    "linewidths": 0,
                }
                figure.colorbar(axes.hexbin(x, y, gridsize=TILES, **look), ax=axes, label="cells", shrink=0.7)
            else:
                axes.plot(x, y, "o", color=INK, alpha=0.5, markersize=4)
            if shared:
                axes.plot(
                    *(median_within(one, *limits) for one in both), "P", color=CORAL, markersize=10, label="medians"
                )
            axes.set(xlabel=f"EVR of {other}", ylabel=f"EVR of {main}", xlim=limits, ylim=limits, aspect="equal")
        caption = (
            "Each point is a cell, or each tile several where there are many: the explained-variance ratio on test "
            "currents by two models; above the line the model of the ordinate is the better one. Cells without a fit "
            "by either are not drawn. Coral: medians."
        )
        return Picture("pairs", "The best model against others, cell by cell", caption, png(figure))
