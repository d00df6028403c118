"""The course of a search: every trial's objective against its candidate's number, and the best so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from raysp.errors import NotReady
from raysp.report.style import FAINT, INK, PALETTE, Picture, canvas, png
from raysp.search.page.view import FAILED, FINAL, MARKS, WINNER, View, edge_marks, frame, view
from raysp.search.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MANY = 150
"""Candidates from which marks are drawn smaller."""


def history(result: Result) -> Picture:
    """Draw each objective against candidate number, one panel per objective.

    Raises:
        NotReady: no trial has ended.
    """
    views = [view(result, name) for name in result.study.definition.objectives]
    if not views[0].dots:
        raise NotReady("no history: no trial of this study has ended yet")
    with canvas(9.6, 0.9 + 2.9 * len(views)) as figure:
        axes = figure.subplots(len(views), 1, squeeze=False, sharex=True)[:, 0]
        for one, seen in zip(axes, views, strict=True):
            _panel(one, seen)
        axes[-1].set_xlabel("candidate, in the order of proposal")
        handles = {name: handle for one in axes for handle, name in zip(*one.get_legend_handles_labels(), strict=True)}
        figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=min(len(handles), 5))
        return Picture("history", "Course of the search", _caption(views[0]), png(figure))


def _panel(axes: Axes, seen: View) -> None:
    from matplotlib.ticker import MaxNLocator

    small = len(seen.result.candidates) > MANY
    _dots(axes, seen, small)
    _means(axes, seen, 3.5 if small else 6.0)
    _special(axes, seen)
    best = seen.running_best()
    if best:
        ends = [*best, (len(seen.result.candidates) - 1, best[-1][1])]
        xs, ys = zip(*ends, strict=True)
        axes.step(xs, [seen.shown(y) for y in ys], where="post", color=WINNER, linewidth=1.3, label="best so far")
    frame(axes, seen)
    failed = sorted({dot.candidate for dot in seen.dots if dot.state == "failed"})
    if failed:
        look = {"linestyle": "none", "marker": "|", "markersize": 9, "markeredgewidth": 1.6, "color": FAILED}
        axes.plot(failed, [0.015] * len(failed), transform=axes.get_xaxis_transform(), label="failed", **look)
    pad = 0.8 + 0.01 * len(seen.result.candidates)
    axes.set_xlim(-pad, len(seen.result.candidates) - 1 + pad)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y", color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)


def _dots(axes: Axes, seen: View, small: bool) -> None:
    own = [dot for dot in seen.dots if dot.value is not None and not dot.final]
    several = len(seen.result.study.definition.seeds) > 1
    for state, name, look in (
        ("done", "trial (one seed)", {"markerfacecolor": PALETTE[5], "markeredgewidth": 0}),
        ("stopped", "stopped by ASHA", {"markerfacecolor": "none", "markeredgecolor": "#8A8A8A"}),
    ):
        inside = [dot for dot in own if dot.state == state and not seen.beyond(dot.value)]
        if inside and (several or state == "stopped"):
            size = 2.4 if small else 3.8
            _plot(axes, [d.candidate for d in inside], [d.value for d in inside], "o", size, label=name, **look)
    edge_marks(axes, [d.candidate for d in own], [d.value for d in own], seen)
    final = [dot for dot in seen.dots if dot.value is not None and dot.final]
    if final:
        # Beside the search's own marks, since the same candidate has both.
        xs, ys = [d.candidate + 0.3 for d in final], [seen.shown(d.value) for d in final]
        _plot(axes, xs, ys, "x", 5, label="final (fresh seed)", markeredgecolor=FINAL, markeredgewidth=1.3)


def _means(axes: Axes, seen: View, size: float) -> None:
    from_sampler = {c.number for c in seen.result.candidates if c.source not in MARKS}
    inside = [(n, y) for n, y in seen.means.items() if n in from_sampler and not seen.beyond(y)]
    inside = [(n, y) for n, y in inside if seen.result.scores[n].state == "done"]
    if inside:
        xs, ys = zip(*inside, strict=True)
        name = "candidate (mean over seeds)" if len(seen.result.study.definition.seeds) > 1 else "candidate"
        face = {"markerfacecolor": PALETTE[0], "markeredgecolor": "white", "markeredgewidth": 0.6}
        _plot(axes, xs, ys, "o", size, label=name, zorder=4, **face)


def _special(axes: Axes, seen: View) -> None:
    for candidate in seen.result.candidates:
        mean = seen.means.get(candidate.number)
        if candidate.source not in MARKS or mean is None:
            continue
        marker, colour = MARKS[candidate.source]
        label = {"defaults": "defaults", "start": "warm start"}[candidate.source]
        face = {"markerfacecolor": colour, "markeredgecolor": "white", "markeredgewidth": 0.6}
        _plot(axes, [candidate.number], [seen.shown(mean)], marker, 7, label=label, zorder=5, **face)
    winner = seen.result.winner
    if winner is not None and winner in seen.means:
        face = {"markerfacecolor": "none", "markeredgecolor": WINNER, "markeredgewidth": 1.6}
        _plot(axes, [winner], [seen.shown(seen.means[winner])], "o", 12, label="winner", zorder=6, **face)


def _plot(axes: Axes, xs: Sequence[float], ys: Sequence[float], marker: str, size: float, **look: object) -> None:
    known = axes.get_legend_handles_labels()[1]
    if look.get("label") in known:
        look.pop("label")
    axes.plot(xs, ys, linestyle="none", marker=marker, markersize=size, color=INK, **look)


def _caption(seen: View) -> str:
    seeds = len(seen.result.study.definition.seeds)
    spread = f" Each candidate was trained from {seeds} seeds." if seeds > 1 else ""
    return (
        f"Value on validation trials of the training part, at the best epoch of each trial.{spread} The defaults are "
        f"the experiment's own settings.{seen.note()}"
    )
