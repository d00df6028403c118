"""Figures of what units do together, pair by pair and lag by lag."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from raysp.config.experiment import Trial
from raysp.errors import NotReady
from raysp.evaluation.movie_statistics import covariances
from raysp.kinds.movie.metrics import BY_LAG, CEILING, correlation
from raysp.kinds.movie.page.shown import of_movie, shown
from raysp.report.run_data import RunData, Task
from raysp.report.style import INK, Picture, canvas, colorbar, model_colours, panels, picture, shared_legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MEASURES = ("r", "R2")
MATRICES = 6
"""Models whose correlations are drawn pair by pair."""

BRIGHTEST = 98
"""Percentile of the entries at which colours end."""


def by_lag(data: RunData, task: Task) -> Picture:
    """Draw how like the recorded noise correlations are to the simulated ones, over lags, means over seeds.

    Raises:
        NotReady: nothing was scored, or there are too few pairs of units.
    """
    found = {
        model: {measure: _over_lags(data, task, model, measure, "") for measure in MEASURES} for model in task.models
    }
    drawn = {model: each for model, each in found.items() if any(max(one, default=0) for one in each.values())}
    if not drawn:
        raise NotReady(
            "no correlations by lag: fewer than three pairs of units have spikes, or the run was scored by an earlier "
            f"version; score it again: raysp evaluate {data.run.typed}"
        )
    paint = model_colours(task.models, data.floor, data.ceiling)
    with canvas(9.2, 3.2) as figure:
        for axes, measure in zip(figure.subplots(1, 2), MEASURES, strict=True):
            for model, each in drawn.items():
                axes.plot(*_points(each[measure]), "o-", color=paint[model], markersize=3.5, linewidth=1.1, label=model)
            ceilings = _over_lags(data, task, next(iter(drawn)), measure, CEILING)
            look = {"color": INK, "linewidth": 1.0, "linestyle": (0, (4, 3))}
            axes.plot(*_points(ceilings), label="training repeats", **look)
            axes.set_xlabel("lag (bins)")
            axes.set_ylabel(f"noise correlations, {measure}")
            axes.set_ylim(bottom=max(axes.get_ylim()[0], -2.0))
            axes.grid(axis="y")
        shared_legend(figure, loc="outside upper center")
        return picture(figure, __name__, "lags")


def matrices(data: RunData, trials: Sequence[Trial]) -> Picture:
    """Draw the noise correlation of each pair of units, recorded below the diagonal and simulated above.

    Raises:
        NotReady, BadInput: as `shown`; or there are fewer than two units.
    """
    known = shown(data, trials)
    split, drawn = known.split, trials[:MATRICES]
    if split.sizes.units < 2:
        raise NotReady("no correlations: there is one unit alone")
    simulated = [of_movie(data, trial, known.recorded.movie).spikes[:, split.sizes.first :] for trial in drawn]
    one, *others = (
        covariances([each.astype(float)], 1).correlations("noise")[0] for each in (known.scored, *simulated)
    )
    both = [np.tril(one, -1) + np.triu(other, 1) for other in others]
    most, columns = largest(np.stack(both)), 2 if len(drawn) == 4 else min(len(drawn), 3)
    with canvas(0.8 + 2.8 * columns, 0.5 + 3.0 * -(-len(drawn) // columns)) as figure:
        grid = panels(figure, len(drawn), columns)
        for axes, trial, matrix in zip(grid, drawn, both, strict=True):
            np.fill_diagonal(matrix, np.nan)
            image = axes.imshow(matrix, cmap="RdBu_r", vmin=-most, vmax=most)
            axes.set_title(trial.shown)
            label_units(axes, split.unit_ids)
        grid[0].set_ylabel("unit")
        colorbar(figure, image, grid, "noise correlation", shrink=0.7)
        return picture(figure, __name__, "matrices", repeats=len(known.recorded))


def largest(values: np.ndarray) -> float:
    """Return where a scale of colours ends on both sides."""
    sizes = np.abs(values[np.isfinite(values)])
    return max(float(np.percentile(sizes, BRIGHTEST)) if len(sizes) else 0.0, 1e-6)


def label_units(axes: Axes, units: np.ndarray) -> None:
    """Mark some rows and columns of a matrix by the units' numbers."""
    places = range(0, len(units), -(-len(units) // 8))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(places, [str(units[place]) for place in places])


def _over_lags(data: RunData, task: Task, model: str, measure: str, parameter: str) -> dict[int, float]:
    """Return lag -> mean over seeds, of the lags that have one."""
    name = correlation("noise", measure)
    names = {0: f"{name} ({parameter})" if parameter else name}
    names |= {lag: f"{name}{BY_LAG} ({lag}{f', {parameter}' if parameter else ''})" for lag in range(1, 99)}
    found = {lag: data.values.get((task.slug, model, one), {}) for lag, one in names.items()}
    known = {lag: [value for value in each.values() if value is not None] for lag, each in found.items()}
    return {lag: fmean(each) for lag, each in known.items() if each}


def _points(values: dict[int, float]) -> tuple[list[int], list[float]]:
    return list(values), list(values.values())
