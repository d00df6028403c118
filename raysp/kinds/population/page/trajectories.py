"""Latent trajectories of the evaluation trials in their first three principal components."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from raysp.evaluation.components import principal_components
from raysp.kinds.population.case import Case
from raysp.report.style import PALETTE, Look, Picture, canvas, colours, legend, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_TRIALS, FEW_TRIALS = 150, 40
ENDS = (("start", 0, "#009E73", "o"), ("end", -1, "#C8102E", "s"))


def trajectory(case: Case) -> Picture:
    """Draw the latents of up to 150 evaluation trials; of a model without latents, its rates."""
    latents, condition = case.latents(), case.known.condition
    source = "Latents" if latents is not None else "Predicted rates (the model has no latents)"
    points = case.prediction.rates if latents is None else latents
    projected, explained = principal_components(points, 3)
    # A model says something of the bins after a trial's end, too, but no trial is there.
    ended = np.isnan(case.known.heldin[:, : points.shape[1]]).all(axis=2)
    projected[:, : ended.shape[1]][ended] = np.nan
    trials = np.unique(np.linspace(0, len(points) - 1, min(len(points), MOST_TRIALS)).astype(int))
    with canvas(9.6, 4.6) as figure:
        for view in range(2):
            axes = _axes(figure, view, projected.shape[2])
            _lines(axes, projected[trials], None if condition is None else condition[trials])
        marker = {"linestyle": "none", "markersize": 5}
        marks = {name: {"marker": one, "color": colour, **marker} for name, _, colour, one in ENDS}
        legend(figure, marks, loc="outside lower center")
        shares = " + ".join(f"{100 * share:.0f}" for share in explained)
        total = f"{100 * explained.sum():.0f} % of the variance ({shares})"
        figure.suptitle(f"{len(explained)} of {points.shape[2]} dimensions explain {total}")
        facts = {"source": source, "shown": len(trials), "trials": len(points), "coloured": condition is not None}
        return picture(figure, __name__, "latents", **facts)


def _axes(figure: Figure, view: int, dimensions: int) -> Axes:
    if dimensions == 3:
        axes = figure.add_subplot(1, 2, view + 1, projection="3d")
        axes.view_init(elev=24, azim=-60 + 90 * view)
        axes.set_box_aspect((1, 1, 0.85), zoom=0.95)
        for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
            axis.set_ticklabels([])
            axis.set_pane_color((0.97, 0.97, 0.97, 1.0))
            axis._axinfo["grid"].update(color="#DDDDDD", linewidth=0.5)
        axes.set_zlabel("PC 3", labelpad=-12)
    else:
        axes = figure.add_subplot(1, 2, view + 1)
    three = dimensions == 3
    axes.set_xlabel("PC 1" if dimensions > 1 else "bin", labelpad=-10 if three else None)
    axes.set_ylabel("PC 2" if dimensions > 1 else "PC 1", labelpad=-10 if three else None)
    return axes


def _lines(axes: Axes, points: np.ndarray, condition: np.ndarray | None) -> None:
    if points.shape[2] == 1:
        bins = np.broadcast_to(np.arange(points.shape[1], dtype=float)[:, None], (*points.shape[:2], 1))
        points = np.concatenate([bins, points], axis=2)
    paint = _paint(len(points), condition)
    look: Look = {"alpha": 0.85, "linewidth": 1.2} if len(points) < FEW_TRIALS else {"alpha": 0.45, "linewidth": 0.8}
    lines = [one for line in points if len(one := line[np.isfinite(line).all(axis=1)])]
    for line, colour in zip(points, paint, strict=True):
        axes.plot(*line[np.isfinite(line).all(axis=1)].T, color=colour, **look)
    for _, place, colour, marker in ENDS:
        ends = np.array([line[place] for line in lines])
        axes.plot(*ends.T, linestyle="none", marker=marker, markersize=2.4, color=colour)


def _paint(count: int, condition: np.ndarray | None) -> list[str]:
    if condition is None:
        return [PALETTE[0]] * count
    known = np.unique(condition[condition >= 0])
    table = dict(zip(known.tolist(), colours(len(known)), strict=True))
    return [table.get(int(c), "#BBBBBB") for c in condition]
