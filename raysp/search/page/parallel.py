"""Parallel coordinates: one line per candidate through all its settings and its objectives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from raysp.errors import NotReady
from raysp.io.words import number, setting
from raysp.report.style import Look, Picture, canvas, picture
from raysp.search.objective import best_first
from raysp.search.page.view import WINNER, Scale, View, log_ticks, scales, short, view
from raysp.search.space import Values

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 400
"""Lines at most: the best ones and an even choice of the others."""


def parallel(seen: View) -> Picture:
    """Draw the candidates that have a value, coloured by the first objective; the best on top.

    Raises:
        NotReady: no candidate has ended.
    """
    chosen = _chosen(seen)
    if not chosen:
        raise NotReady("no parallel coordinates: no candidate of this study has ended yet")
    # Settings that play a part for some candidates only stand first: behind them no line is broken.
    found = sorted(scales(seen), key=lambda scale: not scale.entry.when)
    views = [seen, *(view(seen.result, name) for name in seen.definition.objectives[1:])]
    table = np.array([_row(seen.settings[n], found, views, n) for n in chosen])
    with canvas(9.6, 3.8) as figure:
        figure.set_layout_engine("none")
        axes = figure.add_axes((0.01, 0.14, 0.98, 0.85))
        _lines(axes, seen, chosen, table)
        for i, scale in enumerate(found):
            _axis(axes, i, scale.label, _ticks(scale))
        for i, one in enumerate(views, len(found)):
            ticks = [(_height(one, value), number(value, "short")) for value in _round(one.low, one.high)]
            _axis(axes, i, one.objective, ticks, strong=True)
        axes.set_xlim(-0.5, table.shape[1] - 0.5)
        axes.set_ylim(-0.03, 1.04)
        axes.set_axis_off()
        facts = {"stopped": "stopped" in seen.states, "shown": len(chosen), "best": MOST // 2}
        return picture(figure, __name__, "parallel", seen=seen, scales=found, **facts)


def _chosen(seen: View) -> list[int]:
    """Return the candidates to draw, worst first."""
    sign, half = best_first(seen.objective), MOST // 2
    ordered = sorted(seen.means, key=lambda n: sign * seen.means[n])
    if len(ordered) > MOST:
        rest = ordered[half:]
        ordered = ordered[:half] + [rest[i * len(rest) // half] for i in range(half)]
    if (winner := seen.result.winner) is not None and winner in seen.means and winner not in ordered:
        ordered.append(winner)
    return ordered[::-1]


def _row(mine: Values, found: Sequence[Scale], views: Sequence[View], number: int) -> list[float]:
    shares = [scale.share(mine[scale.entry.name], number) if scale.entry.name in mine else np.nan for scale in found]
    return shares + [_height(one, one.means[number]) if number in one.means else np.nan for one in views]


def _height(seen: View, value: float) -> float:
    """Return where a value lies on its objective's axis: 1 the best."""
    share = (seen.shown(value) - seen.low) / (seen.high - seen.low)
    return 1 - share if best_first(seen.objective) > 0 else share


def _lines(axes: Axes, seen: View, chosen: list[int], table: np.ndarray) -> None:
    import matplotlib
    from matplotlib.collections import LineCollection

    def colour(n: int) -> tuple[float, ...]:
        if seen.result.scores[n].state == "stopped":
            return (0.72, 0.72, 0.72, 0.6)
        bright = matplotlib.colormaps["viridis_r"](0.05 + 0.95 * _height(seen, seen.means[n]))
        return (*bright[:3], 0.75 if len(chosen) < 60 else 0.45)

    paint = [colour(n) for n in chosen]
    points = np.stack([np.broadcast_to(np.arange(table.shape[1]), table.shape), table], axis=2)
    # A gap where a setting plays no part leaves its neighbours without a line: a dot keeps them in sight.
    lonely = np.isfinite(table) & ~np.isfinite(np.pad(table, ((0, 0), (1, 1)), constant_values=np.nan)[:, 2:])
    xs, ys = points[lonely].T
    axes.scatter(xs, ys, s=5, c=[paint[row] for row in np.nonzero(lonely)[0]])
    axes.add_collection(LineCollection(list(points), colors=paint, linewidths=0.9))
    dashed: Look = {"colors": "#111111", "linewidths": 1.6, "linestyles": [(0, (3, 2))], "zorder": 3.5}
    strong: Look = {"colors": WINNER, "linewidths": 2.6, "zorder": 4}
    for n, look in ((seen.result.winner, strong), (seen.defaults, dashed)):
        if n is not None and n in chosen:
            axes.add_collection(LineCollection([points[chosen.index(n)]], **look))


def _axis(axes: Axes, place: int, name: str, ticks: list[tuple[float, str]], *, strong: bool = False) -> None:
    axes.plot([place, place], [0, 1], color="#333333", linewidth=1.6 if strong else 0.9, zorder=5)
    weight, name = "bold" if strong else None, name.replace("_", "\n")
    axes.text(place, -0.07, name, ha="center", va="top", fontsize=8.5, fontweight=weight)
    axes.hlines([height for height, _ in ticks], place - 0.03, place, color="#333333", linewidth=0.8, zorder=5)
    for height, text in ticks:
        box = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.75}
        axes.text(place - 0.05, height, text, ha="right", va="center", fontsize=7.5, bbox=box, zorder=6)


def _ticks(scale: Scale) -> list[tuple[float, str]]:
    if scale.places:
        return [((i + 0.5) / len(scale.places), short(text)) for i, text in enumerate(scale.places)]
    whole = scale.entry.kind == "int"
    values = log_ticks(scale.low, scale.high) if scale.entry.log else _round(scale.low, scale.high, whole=whole)
    inner = [(scale.share(float(value)), setting(float(value))) for value in values]
    ends = [(0.0, setting(scale.low)), (1.0, setting(scale.high))]
    return ends + [one for one in inner if 0.07 < one[0] < 0.93]


def _round(low: float, high: float, *, whole: bool = False) -> list[float]:
    """Return a few round numbers between two ends."""
    from matplotlib.ticker import MaxNLocator

    return [
        float(value) for value in MaxNLocator(nbins=5, integer=whole).tick_values(low, high) if low <= value <= high
    ]
