"""The objective against each setting that varied, one panel per setting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from raysp.errors import NotReady
from raysp.report.style import FAINT, Picture, canvas, png
from raysp.search.page.scale import Scale, coupled, scales, unplaced
from raysp.search.page.view import DEFAULTS, WINNER, View, edge_marks, frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS, PAINT = 4, "viridis_r"
MOST = 20
"""Panels at most."""


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
    rows = -(-len(shown) // columns)
    width, height = 9.6, 0.2 + 2.3 * rows
    with canvas(width, height) as figure:
        # Fixed margins: looking for them takes longer than the drawing.
        figure.set_layout_engine("none")
        margins = {"left": 0.8 / width, "right": 0.9, "top": 1 - 0.1 / height, "bottom": 0.78 / height}
        axes = figure.subplots(
            rows, columns, squeeze=False, sharey=True, gridspec_kw=margins | {"hspace": 0.48, "wspace": 0.09}
        )
        for one, scale in zip(axes.ravel(), shown, strict=False):
            points = _panel(one, seen, scale)
        for one in axes.ravel()[len(shown) :]:
            one.set_visible(False)
        for row in axes:
            frame(row[0], seen)
        bar = figure.add_axes((0.915, margins["bottom"], 0.012, margins["top"] - margins["bottom"]))
        figure.colorbar(points, cax=bar, label="candidate", ticks=MaxNLocator(6, integer=True))
        return Picture("slices", "Objective against each setting", _caption(seen, found), png(figure))


def _panel(axes: Axes, seen: View, scale: Scale) -> Any:
    from matplotlib.collections import LineCollection

    placed = {n: x for n in seen.settings if (x := _x(seen, scale, n)) is not None}
    dots = [dot for dot in seen.dots if dot.value is not None and not dot.final and dot.candidate in placed]
    edge_marks(axes, [placed[dot.candidate] for dot in dots], [dot.value for dot in dots], seen)
    inside = [dot for dot in dots if not seen.beyond(dot.value)]
    last = max(len(seen.result.candidates) - 1, 1)
    done, stopped = ([dot for dot in inside if dot.state == state] for state in ("done", "stopped"))
    look = {"c": [dot.candidate for dot in done], "vmin": 0, "vmax": last, "cmap": PAINT, "s": 9, "alpha": 0.75}
    points = axes.scatter([placed[dot.candidate] for dot in done], [dot.value for dot in done], **look)
    edges = [points.to_rgba(dot.candidate, alpha=0.75) for dot in stopped]
    look = {"facecolors": "none", "edgecolors": edges, "s": 11, "linewidths": 0.8}
    axes.scatter([placed[dot.candidate] for dot in stopped], [dot.value for dot in stopped], **look)
    several = {n: ends for n, ends in _several(seen).items() if n in placed}
    means = [(placed[n], seen.shown(y)) for n, y in seen.means.items() if n in several]
    spans = [[(placed[n], low), (placed[n], high)] for n, (low, high) in several.items()]
    axes.add_collection(LineCollection(spans, colors="#9A9A9A", linewidths=0.7, zorder=0))
    if means:
        axes.plot(*zip(*means, strict=True), linestyle="none", marker="_", markersize=6, color="#444444", zorder=2)
    for number, marker, colour, size in ((seen.defaults, "D", DEFAULTS, 6), (seen.result.winner, "*", WINNER, 12)):
        if number in placed and number in seen.means:
            look = {"markeredgecolor": "white", "markeredgewidth": 0.6, "zorder": 5}
            axes.plot(
                placed[number], seen.shown(seen.means[number]), marker=marker, markersize=size, color=colour, **look
            )
    scale.apply(axes)
    axes.grid(axis="y", color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    return points


def _x(seen: View, scale: Scale, number: int) -> float | None:
    mine = seen.settings[number]
    return scale.at(mine[scale.entry.name], number) if scale.entry.name in mine else None


def _several(seen: View) -> dict[int, tuple[float, float]]:
    """Return (lowest, highest) drawn value of the candidates with several seeds."""
    found: dict[int, list[float]] = {}
    for dot in seen.dots:
        if dot.value is not None and not dot.final:
            found.setdefault(dot.candidate, []).append(seen.shown(dot.value))
    return {number: (min(values), max(values)) for number, values in found.items() if len(values) > 1}


def _caption(seen: View, found: list[Scale]) -> str:
    joined = " Seeds of a candidate are joined, a dash at their mean." if _several(seen) else ""
    hollow = " Hollow: stopped by ASHA." if any(dot.state == "stopped" for dot in seen.dots) else ""
    some = " A candidate is missing where the setting plays no part." if any(s.entry.when for s in found) else ""
    more = f" The first {MOST} of {len(found)} settings." if len(found) > MOST else ""
    return (
        f"One dot per trial, coloured by the candidate's number; black diamond: defaults, red star: winner. Settings "
        f"varied together, so a slope here may belong to another setting.{joined}{hollow}{some}"
        f"{coupled(seen)}{unplaced(seen, found)}{seen.note()}{more}"
    )
