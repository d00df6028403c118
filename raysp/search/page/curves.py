"""Learning curves of a study that ASHA thinned out: who went on at each rung."""

from __future__ import annotations

from typing import Any

from raysp.errors import NotReady
from raysp.io import files
from raysp.report.style import CORAL, Picture, canvas, png
from raysp.runs.curve import read_curve
from raysp.search.objective import best_first
from raysp.search.page.view import DEFAULTS, WINNER, Dot, View, robust_range

MOST = 60
"""Curves at most, spread evenly over the candidates."""

Curve = list[tuple[int, float]]


def learning(seen: View) -> Picture:
    """Draw the objective by epoch, rungs as upright lines, stopped trials ending where they were stopped.

    Raises:
        NotReady: the study has no rungs, or no trial has a curve.
        BadInput: a curve is damaged.
    """
    rungs = seen.result.study.definition.rungs
    if not rungs:
        raise NotReady("no learning curves: they are drawn for studies with ASHA")
    chosen = _chosen(seen)
    found = [(dot, curve) for dot in chosen if (curve := _curve(seen, dot))]
    if not found:
        raise NotReady("no learning curves: no trial of this study has one yet")
    values = [value for _, curve in found for epoch, value in curve if epoch >= rungs[0] - 1]
    low, high = robust_range(values, best_first(seen.objective))
    with canvas(9.6, 3.6) as figure:
        axes = figure.subplots()
        for dot, curve in found:
            _draw(axes, seen, dot, curve)
        for i, rung in enumerate(rungs):
            label = "rung" if not i else None
            axes.axvline(rung, color=CORAL, linewidth=0.9, linestyle=(0, (3, 2)), zorder=0, label=label)
        axes.set_ylim(low, high)
        axes.set_xlim(left=0)
        axes.set_xlabel("epoch")
        axes.set_ylabel(f"{seen.objective}\n({seen.better})")
        handles = dict(zip(*axes.get_legend_handles_labels()[::-1], strict=True))
        figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=len(handles))
        return Picture("learning", "Learning curves and rungs", _caption(seen, len(found), rungs), png(figure))


def _chosen(seen: View) -> list[Dot]:
    """Return the trials to draw, the winner's and the defaults' among them and last."""
    ran = [dot for dot in seen.dots if not dot.final]
    marked = [dot for dot in ran if dot.candidate in (seen.result.winner, seen.defaults)][:MOST]
    others = [dot for dot in ran if dot not in marked]
    room = min(MOST - len(marked), len(others))
    return [others[i * len(others) // room] for i in range(room)] + marked


def _curve(seen: View, dot: Dot) -> Curve:
    study = seen.result.study
    trial = study.trial(seen.result.candidates[dot.candidate], dot.seed)
    path = study.run.trial(trial.id).curve
    rows: list[dict[str, Any]] = read_curve(path, trial) if files.exists(path) else []
    return [(int(row["epoch"]), row[seen.objective]) for row in rows if row.get(seen.objective) is not None]


def _draw(axes: Any, seen: View, dot: Dot, curve: Curve) -> None:
    xs, ys = zip(*curve, strict=True)
    look = {"color": "#5B8DB8", "linewidth": 0.9, "alpha": 0.8, "label": "ended by itself"}
    if dot.state == "stopped":
        look = {"color": "#A8A8A8", "linewidth": 0.8, "alpha": 0.8, "label": "stopped by ASHA"}
    if dot.state == "failed":
        look = {"color": "#B3261E", "linewidth": 0.8, "linestyle": ":", "label": "failed"}
    if dot.candidate == seen.defaults:
        look = {"color": DEFAULTS, "linewidth": 1.4, "linestyle": (0, (3, 2)), "label": "defaults"}
    if dot.candidate == seen.result.winner:
        look = {"color": WINNER, "linewidth": 1.9, "label": "winner"}
    axes.plot(xs, ys, **look)
    if dot.state == "stopped":
        axes.plot(xs[-1], ys[-1], marker="o", markersize=3.6, markerfacecolor="white", color=look["color"])


def _caption(seen: View, drawn: int, rungs: tuple[int, ...]) -> str:
    halving = seen.result.study.definition.halving
    ran = sum(not dot.final for dot in seen.dots)
    compared = "the lowest loss so far" if seen.objective == "validation_loss" else "its value"
    fewer = f" {drawn} of {ran} trials." if drawn < ran else ""
    return (
        f"{seen.objective} on validation trials by epoch. ASHA compares {compared} at epochs "
        f"{', '.join(map(str, rungs))} and lets about one in {halving.reduction} go on; hollow: stopped there. The "
        f"range is that of the first rung and after.{fewer}"
    )
