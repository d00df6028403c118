"""The course of a search: objectives by candidate, learning curves through ASHA's rungs, one objective by another."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any, Literal

from raysp.errors import NotReady
from raysp.io import files
from raysp.report.style import CORAL, INK, PALETTE, Look, Picture, canvas, picture, shared_legend
from raysp.runs.curve import read_curve
from raysp.search.objective import best_first
from raysp.search.outcome import State, front
from raysp.search.page.view import DEFAULTS, FAILED, WINNER, Dot, View, edge_marks, frame, robust_range, star, view

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from raysp.search.study import Candidate, Part

MANY = 150
"""Candidates from which marks are drawn smaller."""

FINAL, START = "#6A3D9A", "#E69F00"
MARKS = {"defaults": ("D", DEFAULTS, "defaults"), "start": ("s", START, "warm start")}
"""Marker, colour and name of the candidates that no sampler proposed."""

MOST = 60
"""Learning curves at most, spread evenly over the candidates."""


def history(seen: View) -> Picture:
    """Draw each objective against candidate number, one panel per objective.

    Raises:
        NotReady: no trial has ended.
    """
    if not seen.dots:
        raise NotReady("no history: no trial of this study has ended yet")
    views = [seen, *(view(seen.result, name) for name in seen.definition.objectives[1:])]
    with canvas(9.6, 0.9 + 2.9 * len(views)) as figure:
        axes = figure.subplots(len(views), 1, squeeze=False, sharex=True)[:, 0]
        for one, each in zip(axes, views, strict=True):
            _course(one, each)
        axes[-1].set_xlabel("candidate, in the order of proposal")
        shared_legend(figure, loc="outside upper center", ncols=5)
        return picture(figure, __name__, "history", seen=seen)


def learning(seen: View) -> Picture:
    """Draw the objective by epoch, rungs as upright lines, stopped trials ending where they were stopped.

    Raises:
        NotReady: the study has no rungs, or no trial has a curve.
        BadInput: a curve is damaged.
    """
    rungs = seen.definition.rungs
    if not rungs:
        raise NotReady("no learning curves: they are drawn for studies with ASHA")
    ran = [dot for dot in seen.dots if not dot.final]
    found = [(dot, curve) for dot in _chosen(seen, ran) if (curve := _curve(seen, dot))]
    if not found:
        raise NotReady("no learning curves: no trial of this study has one yet")
    values = [value for _, curve in found for epoch, value in curve if epoch >= rungs[0] - 1]
    with canvas(9.6, 3.6) as figure:
        axes = figure.subplots()
        for dot, curve in found:
            _learned(axes, seen, dot, curve)
        for rung in rungs:
            axes.axvline(rung, color=CORAL, linewidth=0.9, linestyle=(0, (3, 2)), zorder=0, label="rung")
        axes.set_ylim(*robust_range(values, best_first(seen.objective)))
        axes.set_xlim(left=0)
        axes.set_xlabel("epoch")
        axes.set_ylabel(f"{seen.objective}\n({seen.better})")
        shared_legend(figure, loc="outside upper center")
        facts = {"rungs": rungs, "shown": len(found), "ran": len(ran)}
        return picture(figure, __name__, "learning", seen=seen, **facts)


def pareto(seen: View) -> Picture:
    """Draw the candidates by their first two objectives, with the Pareto front of these two.

    Raises:
        NotReady: the study has one objective, or no candidate has ended.
    """
    from matplotlib.ticker import MaxNLocator

    names, result = seen.definition.objectives[:2], seen.result
    if len(names) < 2:
        raise NotReady("no Pareto front: the study has one objective")
    both = left, right = [view(result, name) for name in names]
    done = [n for n in result.order if n in left.means and n in right.means]
    if not done:
        raise NotReady("no Pareto front: no candidate of this study has ended yet")
    places = {n: (left.shown(left.means[n]), right.shown(right.means[n])) for n in done}
    with canvas(6.4, 4.6) as figure:
        axes = figure.subplots()
        xs, ys = zip(*places.values(), strict=True)
        points = axes.scatter(xs, ys, c=done, cmap="viridis_r", s=22, alpha=0.85, zorder=3)
        best = sorted(front({n: result.scores[n] for n in done}, names), key=left.means.__getitem__)
        # Between two candidates of the front only their worse values together are known to be reachable.
        xs, ys = zip(*(places[n] for n in best), strict=True)
        where: Literal["post", "pre"] = "post" if best_first(names[0]) > 0 else "pre"
        axes.step(xs, ys, where=where, label="Pareto front", color=WINNER, linewidth=1.3, zorder=2)
        star(axes, seen, places, (8, 14), zorder=4)
        for one, axis in zip(both, "xy", strict=True):
            margin = 0.02 * (one.high - one.low)
            limits, label = (one.low - margin, one.high + margin), f"{one.objective} ({one.better})"
            axes.set(**{f"{axis}lim": limits, f"{axis}label": label})
        axes.grid()
        figure.colorbar(points, ax=axes, label="candidate", pad=0.02, ticks=MaxNLocator(6, integer=True))
        figure.legend(loc="outside upper center", ncols=3)
        clipped = left.clipped or right.clipped
        return picture(figure, __name__, "front", names=seen.definition.objectives, clipped=clipped)


def _course(axes: Axes, seen: View) -> None:
    from matplotlib.ticker import MaxNLocator

    _dots(axes, seen)
    _special(axes, seen)
    if best := seen.running_best():
        xs, ys = zip(*best, (len(seen.result.candidates) - 1, best[-1][1]), strict=True)
        axes.step(xs, [seen.shown(y) for y in ys], where="post", color=WINNER, linewidth=1.3, label="best so far")
    frame(axes, seen)
    if failed := sorted({dot.candidate for dot in seen.dots if dot.state == "failed"}):
        look: Look = {"linestyle": "none", "marker": "|", "markersize": 9, "markeredgewidth": 1.6, "color": FAILED}
        axes.plot(failed, [0.015] * len(failed), transform=axes.get_xaxis_transform(), label="failed", **look)
    pad = 0.8 + 0.01 * len(seen.result.candidates)
    axes.set_xlim(-pad, len(seen.result.candidates) - 1 + pad)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y")


def _dots(axes: Axes, seen: View) -> None:
    """Draw every trial, and every mean that is neither the defaults' nor a warm start's."""
    small, several = len(seen.result.candidates) > MANY, len(seen.definition.seeds) > 1
    for state, name, look in (
        ("done", "trial (one seed)", {"markerfacecolor": PALETTE[5], "markeredgewidth": 0}),
        ("stopped", "stopped by ASHA", {"markerfacecolor": "none", "markeredgecolor": "#8A8A8A"}),
    ):
        own = [(dot, value) for dot, value in seen.own if dot.state == state]
        inside = [(dot.candidate, value) for dot, value in own if not seen.beyond(value)]
        if several or state == "stopped":
            _plot(axes, inside, "o", 2.4 if small else 3.8, label=name, **look)
    edge_marks(axes, [dot.candidate for dot, _ in seen.own], [value for _, value in seen.own], seen)
    # Beside the search's own marks, since the same candidate has both.
    final = [(d.candidate + 0.3, seen.shown(d.value)) for d in seen.dots if d.value is not None and d.final]
    _plot(axes, final, "x", 5, label="final (fresh seed)", markeredgecolor=FINAL, markeredgewidth=1.3)
    proposed = [c.number for c in seen.result.candidates if c.source not in MARKS]
    ended = [(n, seen.means[n]) for n in proposed if n in seen.means and seen.result.scores[n].state == "done"]
    inside = [(n, mean) for n, mean in ended if not seen.beyond(mean)]
    look = {"markerfacecolor": PALETTE[0], "markeredgecolor": "white", "markeredgewidth": 0.6, "zorder": 4}
    name = "candidate (mean over seeds)" if several else "candidate"
    _plot(axes, inside, "o", 3.5 if small else 6.0, label=name, **look)


def _special(axes: Axes, seen: View) -> None:
    means = {n: seen.shown(mean) for n, mean in seen.means.items()}
    for source, (marker, colour, name) in MARKS.items():
        places = [
            (c.number, means[c.number]) for c in seen.result.candidates if c.source == source and c.number in means
        ]
        look = {"markerfacecolor": colour, "markeredgecolor": "white", "markeredgewidth": 0.6, "zorder": 5}
        _plot(axes, places, marker, 7, label=name, **look)
    if (winner := seen.result.winner) in means:
        look = {"markerfacecolor": "none", "markeredgecolor": WINNER, "markeredgewidth": 1.6, "zorder": 6}
        _plot(axes, [(winner, means[winner])], "o", 12, label="winner", **look)


def _plot(axes: Axes, places: Sequence[tuple[float, float]], marker: str, size: float, **look: Any) -> None:
    if places:
        axes.plot(*zip(*places, strict=True), linestyle="none", marker=marker, markersize=size, color=INK, **look)


def _chosen(seen: View, ran: list[Dot]) -> list[Dot]:
    """Return the trials to draw, the winner's and the defaults' among them and last."""
    marked = [dot for dot in ran if dot.candidate in (seen.result.winner, seen.defaults)][:MOST]
    others = [dot for dot in ran if dot not in marked]
    room = min(MOST - len(marked), len(others))
    return [others[i * len(others) // room] for i in range(room)] + marked


def _curve(seen: View, dot: Dot) -> list[tuple[int, float]]:
    """Return (epoch, objective) of a seed; where chunks of units are trials of their own, the mean over units."""
    definition, candidate = seen.definition, seen.result.candidates[dot.candidate]
    each = [_curve_of(seen, candidate, part) for part in definition.parts([dot.seed])]
    epochs = [epoch for epoch in each[0] if all(epoch in one for one in each)]
    return [(epoch, fmean([one[epoch] for one in each], definition.weights)) for epoch in epochs]


def _curve_of(seen: View, candidate: Candidate, part: Part) -> dict[int, float]:
    study = seen.result.study
    trial = study.trial(candidate, *part)
    path = study.run.trial(trial.id).curve
    rows = read_curve(path, trial) if files.exists(path) else []
    found = [(row["epoch"], row.get(seen.objective)) for row in rows]
    return {int(epoch): value for epoch, value in found if epoch is not None and value is not None}


def _learned(axes: Axes, seen: View, dot: Dot, curve: list[tuple[int, float]]) -> None:
    xs, ys = zip(*curve, strict=True)
    looks: dict[State, Look] = {
        "done": {"color": "#5B8DB8", "linewidth": 0.9, "alpha": 0.8, "label": "ended by itself"},
        "stopped": {"color": "#A8A8A8", "linewidth": 0.8, "alpha": 0.8, "label": "stopped by ASHA"},
        "failed": {"color": "#B3261E", "linewidth": 0.8, "linestyle": ":", "label": "failed"},
    }
    look = looks[dot.state]
    if dot.candidate == seen.defaults:
        look = {"color": DEFAULTS, "linewidth": 1.4, "linestyle": (0, (3, 2)), "label": "defaults"}
    if dot.candidate == seen.result.winner:
        look = {"color": WINNER, "linewidth": 1.9, "label": "winner"}
    axes.plot(xs, ys, **look)
    if dot.state == "stopped":
        axes.plot(xs[-1], ys[-1], marker="o", markersize=3.6, markerfacecolor="white", color=look["color"])
