"""What the settings of a search do: the objective and other numbers against each, and which of them mattered."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

import numpy as np

from raysp.errors import NotReady
from raysp.report.style import CORAL, GREY, PALETTE, Look, Picture, canvas, panels, picture
from raysp.search.importance import FORESTS, importance
from raysp.search.page.view import Scale, View, edge_marks, frame, scales, star

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection

COLUMNS, MOST = 4, 20
"""Panels beside each other, and at most."""

MEASURES = ("validation_loss", "unseen_loss", "true-rate R2", "roughness", "co-bps", "fp-bps")
FEW = 30
"""Candidates below which the order of importance means little."""


def slices(seen: View) -> Picture:
    """Draw the first objective against each setting that the search chose.

    Raises:
        NotReady: no trial has a value yet.
    """
    from matplotlib.ticker import MaxNLocator

    if not any(dot.value is not None for dot in seen.dots):
        raise NotReady("no slices: no trial of this study has a value yet")
    found = scales(seen)
    shown = found[:MOST]
    columns = min(COLUMNS, max(len(shown), 2))
    width, height = 9.6, 0.2 + 2.3 * -(-len(shown) // columns)
    with canvas(width, height) as figure:
        # Fixed margins: looking for them takes longer than the drawing.
        figure.set_layout_engine("none")
        margins = {"left": 0.8 / width, "right": 0.9, "top": 1 - 0.1 / height, "bottom": 0.78 / height}
        spaces = {"hspace": 0.48, "wspace": 0.09}
        grid = panels(figure, max(len(shown), 2), columns, sharey=True, gridspec_kw=margins | spaces)
        for axes, scale in zip(grid, shown, strict=False):
            points = _slice(axes, seen, scale)
        for axes in grid[len(shown) :]:
            axes.set_visible(False)
        for axes in grid[::columns]:
            frame(axes, seen)
        bar = figure.add_axes((0.915, margins["bottom"], 0.012, margins["top"] - margins["bottom"]))
        figure.colorbar(points, cax=bar, label="candidate", ticks=MaxNLocator(6, integer=True))
        several = bool(_several(seen))
        return picture(figure, __name__, "slices", seen=seen, scales=found, most=MOST, several=several)


def measures(seen: View) -> Picture:
    """Draw each number that the trials report against the one setting that varied, seed by seed and on average.

    Raises:
        NotReady: several settings varied, or no trial reports a number.
    """
    found = scales(seen)
    if len(found) != 1:
        raise NotReady(f"no curves: {len(found)} settings varied, expected one")
    (scale,) = found
    points = {name: values for name in MEASURES if (values := _points(seen, scale, name))}
    if not points:
        raise NotReady("no curves: no trial has a value yet")
    with canvas(3.2 * len(points), 2.8) as figure:
        for axes, (name, values) in zip(panels(figure, len(points), len(points)), points.items(), strict=True):
            for place, ys in values.items():
                axes.plot([place] * len(ys), ys, "o", color=GREY, markersize=4, alpha=0.7)
            axes.plot(list(values), [statistics.fmean(ys) for ys in values.values()], color=CORAL, linewidth=1.6)
            axes.grid(axis="y")
            axes.set_title(name)
            scale.apply(axes)
        return picture(figure, __name__, "measures", label=scale.label)


def importances(seen: View) -> Picture:
    """Draw the importance of the settings that all candidates have.

    Raises:
        NotReady: too few candidates have ended.
    """
    found = importance(seen.result, seen.low, seen.high)
    names = list(found.shares)[::-1]
    means, spread = zip(*(found.shares[name] for name in names), strict=True)
    with canvas(7.2, 0.8 + 0.3 * len(names)) as figure:
        axes = figure.subplots()
        axes.barh(names, means, height=0.62, color=PALETTE[0])
        axes.errorbar(means, range(len(names)), xerr=spread, linestyle="none", color="#333333", elinewidth=1, capsize=2)
        axes.set_xlim(0, max(1.08 * max(m + s for m, s in zip(means, spread, strict=True)), 0.1))
        axes.set_xlabel(f"importance for {seen.objective} (bars add up to 1)")
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")
        facts = {"found": found, "forests": FORESTS, "few": FEW, "stopped": seen.states.count("stopped")}
        return picture(figure, __name__, "importance", seen=seen, **facts)


def _slice(axes: Axes, seen: View, scale: Scale) -> PathCollection:
    from matplotlib.collections import LineCollection

    name = scale.entry.name
    values = {n: scale.at(mine[name], n) for n, mine in seen.settings.items() if name in mine}
    placed = {n: x for n, x in values.items() if x is not None}
    dots = [(dot, value) for dot, value in seen.own if dot.candidate in placed]
    edge_marks(axes, [placed[dot.candidate] for dot, _ in dots], [value for _, value in dots], seen)
    inside = [(dot, value) for dot, value in dots if not seen.beyond(value)]
    done, stopped = ([one for one in inside if one[0].state == state] for state in ("done", "stopped"))
    look: Look = {
        "vmin": 0,
        "vmax": max(len(seen.result.candidates) - 1, 1),
        "cmap": "viridis_r",
        "s": 9,
        "alpha": 0.75,
    }
    numbers = [dot.candidate for dot, _ in done]
    points = axes.scatter([placed[n] for n in numbers], [value for _, value in done], c=numbers, **look)
    edges = [points.to_rgba(np.asarray(dot.candidate), alpha=0.75) for dot, _ in stopped]
    look = {"facecolors": "none", "edgecolors": edges, "s": 11, "linewidths": 0.8}
    axes.scatter([placed[dot.candidate] for dot, _ in stopped], [value for _, value in stopped], **look)
    several = {n: ends for n, ends in _several(seen).items() if n in placed}
    spans = [[(placed[n], low), (placed[n], high)] for n, (low, high) in several.items()]
    axes.add_collection(LineCollection(spans, colors="#9A9A9A", linewidths=0.7, zorder=0))
    means = {n: (placed[n], seen.shown(mean)) for n, mean in seen.means.items() if n in placed}
    if joined := [place for n, place in means.items() if n in several]:
        axes.plot(*zip(*joined, strict=True), linestyle="none", marker="_", markersize=6, color="#444444", zorder=2)
    star(axes, seen, means, (6, 12), markeredgewidth=0.6, zorder=5)
    scale.apply(axes)
    axes.grid(axis="y")
    return points


def _several(seen: View) -> dict[int, tuple[float, float]]:
    """Return (lowest, highest) drawn value of the candidates with several seeds."""
    found: dict[int, list[float]] = {}
    for dot, value in seen.own:
        found.setdefault(dot.candidate, []).append(seen.shown(value))
    return {number: (min(values), max(values)) for number, values in found.items() if len(values) > 1}


def _points(seen: View, scale: Scale, metric: str) -> dict[float, list[float]]:
    """Return place on the axis, ascending -> the metric of each of its trials."""
    found: dict[float, list[float]] = {}
    for (number, seed), outcome in seen.result.outcomes.items():
        place = scale.at(seen.settings[number].get(scale.entry.name))
        if place is not None and metric in outcome.values and seed in seen.definition.seeds:
            found.setdefault(place, []).append(outcome.values[metric])
    return dict(sorted(found.items()))
