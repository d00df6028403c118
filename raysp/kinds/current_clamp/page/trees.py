"""Trees of cells by Ward's method, with each cell's line below."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from raysp.errors import NotReady
from raysp.kinds.current_clamp.page.analyses import Analyses, Tree
from raysp.report.style import CORAL, INK, Picture, canvas, colours, legend, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STEP = 10
"""Between leaves, as scipy lays them out."""


def trees(analyses: Analyses) -> Picture:
    """Draw each model's tree of cells at each width of bins.

    Raises:
        NotReady: there is none.
    """
    found = analyses.trees()
    if not found:
        raise NotReady("no tree of cells: it wants several lines of more than 20 cells each")
    names = sorted({line for tree in found.values() for line in tree.lines})
    paint = dict(zip(names, colours(len(names)), strict=True))
    with canvas(9.6, 0.5 + 2.8 * len(found)) as figure:
        grid = figure.add_gridspec(2 * len(found), 1, height_ratios=[8, 1] * len(found))
        for place, (name, tree) in enumerate(found.items()):
            above = figure.add_subplot(grid[2 * place])
            order = _branches(above, tree)
            above.set(title=name, ylabel="distance")
            _strip(figure.add_subplot(grid[2 * place + 1], sharex=above), [paint[tree.lines[cell]] for cell in order])
        marks = {line: {"color": colour, "linewidth": 5} for line, colour in paint.items()}
        legend(figure, marks, loc="outside upper center")
        caption = (
            "Which cells Ward's method puts together, by scaled parameters, and at what distance; below each its line. "
            "Dashed: where the tree is cut into as many clusters as there are lines. Look for stretches of one colour."
        )
        return Picture("trees", "Trees of cells", caption, png(figure))


def _branches(axes: Axes, tree: Tree) -> list[int]:
    """Draw a tree; return its cells from left to right."""
    from matplotlib.collections import LineCollection
    from scipy.cluster import hierarchy

    found = hierarchy.dendrogram(tree.merges, no_plot=True)
    forks = [np.column_stack(one) for one in zip(found["icoord"], found["dcoord"], strict=True)]
    axes.add_collection(LineCollection(forks, colors=INK, linewidths=0.6))
    clusters, distances = len(set(tree.lines)), tree.merges[:, 2]
    axes.axhline(distances[-clusters : len(distances) - clusters + 2].mean(), color=CORAL, linestyle="--", linewidth=1)
    axes.set(xlim=(0, STEP * len(tree.lines)), ylim=(0, 1.05 * distances.max()))
    axes.tick_params(labelbottom=False, bottom=False)
    return list(found["leaves"])


def _strip(axes: Axes, paint: list[str]) -> None:
    axes.bar((np.arange(len(paint)) + 0.5) * STEP, 1, STEP, color=paint)
    axes.set(yticks=[], xticks=[], ylim=(0, 1), xlabel="cells")
