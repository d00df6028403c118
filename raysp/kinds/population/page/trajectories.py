"""Latent trajectories of the evaluation trials in their first three principal components, pair by pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from raysp.evaluation.components import principal_components
from raysp.kinds.population.case import Case
from raysp.report.style import PALETTE, Look, Picture, canvas, colours, legend, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_TRIALS, FEW_TRIALS = 150, 40
ENDS = (("start", 0, "#009E73", "o"), ("end", -1, "#C8102E", "s"))
PAIRS = {1: ((0, 1),), 2: ((0, 1),), 3: ((0, 1), (0, 2), (1, 2))}
"""Components that stand against each other, by how many there are; a single one stands against the bins."""


def trajectory(case: Case) -> Picture:
    """Draw the latents of up to 150 evaluation trials; of a model without latents, its rates.

    In planes, not in perspective: a distance on paper is one between latents, of the same scale in every panel.
    """
    latents, condition = case.latents(), case.known.condition
    source = "Latents" if latents is not None else "Predicted rates (the model has no latents)"
    points = case.prediction.rates if latents is None else latents
    # A model says something of the bins outside of a trial, too, but no trial is there.
    there = np.ones(points.shape[:2], dtype=bool)
    ended = np.isnan(case.known.heldin[:, : points.shape[1]]).all(axis=2)
    there[:, : ended.shape[1]] = ~ended
    projected, explained = principal_components(points, 3, there)
    projected[~there] = np.nan
    trials = np.unique(np.linspace(0, len(points) - 1, min(len(points), MOST_TRIALS)).astype(int))
    found = len(explained)
    names = [f"PC {place + 1} ({100 * share:.0f} %)" for place, share in enumerate(explained)]
    if found == 1:
        bins = np.broadcast_to(np.arange(points.shape[1], dtype=float)[:, None], projected.shape)
        projected, names = np.concatenate([bins, projected], axis=2), ["bin", *names]
    pairs = PAIRS[found]
    with canvas(9.6, 3.4 if len(pairs) > 1 else 4.0) as figure:
        grid = figure.subplots(1, len(pairs), squeeze=False)[0]
        for axes, pair in zip(grid, pairs, strict=True):
            _lines(axes, projected[trials][..., pair], None if condition is None else condition[trials])
            axes.set_xlabel(names[pair[0]])
            axes.set_ylabel(names[pair[1]])
            if found > 1:
                axes.set_aspect("equal", adjustable="datalim")
        marker = {"linestyle": "none", "markersize": 5}
        marks = {name: {"marker": one, "color": colour, **marker} for name, _, colour, one in ENDS}
        legend(figure, marks, loc="outside lower center")
        total = f"{100 * explained.sum():.0f} % of the variance"
        figure.suptitle(f"{found} of {points.shape[2]} dimensions explain {total}")
        facts = {"source": source, "shown": len(trials), "trials": len(points), "coloured": condition is not None}
        return picture(figure, __name__, "latents", **facts)


def _lines(axes: Axes, points: np.ndarray, condition: np.ndarray | None) -> None:
    """Draw (trials, bins, 2) as a line each, with its ends."""
    from matplotlib.collections import LineCollection

    few = len(points) < FEW_TRIALS
    look: Look = {"alpha": 0.85, "linewidths": 1.2} if few else {"alpha": 0.45, "linewidths": 0.8}
    known = [line[np.isfinite(line).all(axis=1)] for line in points]
    there = [place for place, line in enumerate(known) if len(line)]
    paint = _paint(len(points), condition)
    lines = [known[place] for place in there]
    axes.add_collection(LineCollection(lines, colors=[paint[place] for place in there], **look))
    for _, place, colour, marker in ENDS:
        ends = np.array([line[place] for line in lines])
        axes.plot(*ends.T, linestyle="none", marker=marker, markersize=2.4, color=colour)
    axes.autoscale_view()


def _paint(count: int, condition: np.ndarray | None) -> list[str]:
    if condition is None:
        return [PALETTE[0]] * count
    known = np.unique(condition[condition >= 0])
    table = dict(zip(known.tolist(), colours(len(known)), strict=True))
    return [table.get(int(c), "#BBBBBB") for c in condition]
