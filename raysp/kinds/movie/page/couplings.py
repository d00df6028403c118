"""Figures of couplings: what a spike of one unit adds to another, and to itself, beside the truth where it is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator

from raysp.config.experiment import Trial
from raysp.errors import NotReady
from raysp.evaluation.movie_statistics import pairs, pearson, r2
from raysp.io.words import number
from raysp.kinds.movie.page.lags import label_units, largest
from raysp.kinds.movie.page.shown import Shown, couplings, has_couplings, identity, shown
from raysp.report.run_data import RunData, Task
from raysp.report.style import INK, Look, Picture, canvas, colorbar, model_colours, panels, picture, shared_legend

FILTERS, MATRICES = 12, 4
"""Units whose own filters are drawn of more, and models whose couplings are."""


def connectivity(data: RunData, task: Task, trials: Sequence[Trial]) -> Picture:
    """Draw what a spike of a unit adds to another, summed over lags; beside the truth, where it is known.

    Raises:
        NotReady, BadInput: as of `filters`; or there are fewer than two units.
    """
    coupled, known = _coupled(data, trials)
    units, paint = known.split.sizes.units, _paint(data, trials)
    if units < 2:
        raise NotReady("no connectivity: there is one unit alone")
    mine = {trial.shown: couplings(data, trial)[:units, :units].sum(axis=2) for trial in coupled[:MATRICES]}
    true = _true(known)
    drawn = mine | ({} if true is None else {"truth": true.sum(axis=2)})
    count = len(drawn) + (true is not None)
    columns = 2 if count == 4 else min(count, 3)
    with canvas(3.1 * columns, 0.3 + 3.1 * -(-count // columns)) as figure:
        grid = panels(figure, count, columns)
        for axes, (name, matrix) in zip(grid, drawn.items(), strict=False):
            colorbar(figure, _matrix(axes, matrix, name, known.split.unit_ids), axes, "added to the drive", shrink=0.7)
        if true is not None:
            _against(
                grid[-1], pairs(true.sum(axis=2)[None]), {name: pairs(one[None]) for name, one in mine.items()}, paint
            )
        return picture(figure, __name__, "connectivity", known=true is not None)


def filters(data: RunData, task: Task, trials: Sequence[Trial]) -> Picture:
    """Draw what a unit's own spike adds to it, bin by bin, of each model that has couplings.

    Raises:
        NotReady: no model has any; and as `shown`.
        BadInput: as `shown` and `read_connectivity`.
    """
    coupled, known = _coupled(data, trials)
    true, units, paint = _true(known), known.liveliest(FILTERS), _paint(data, trials)
    with canvas(9.2, 0.8 + 1.5 * -(-len(units) // 4)) as figure:
        grid = panels(figure, len(units), 4, sharex=True, sharey=True)
        found = {trial.shown: couplings(data, trial) for trial in coupled} | ({} if true is None else {"truth": true})
        for name, weights in found.items():
            look: Look = {"color": INK, "linestyle": (0, (4, 3))} if name == "truth" else {"color": paint[name]}
            lags = np.arange(1, weights.shape[2] + 1)
            for unit, axes in zip(units, grid, strict=True):
                axes.plot(lags, weights[unit, unit], marker=".", linewidth=1.1, markersize=4, label=name, **look)
        for unit, axes in zip(units, grid, strict=True):
            axes.axhline(0.0, color=INK, linewidth=0.5)
            axes.set_title(f"unit {known.split.unit_ids[unit]}")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.tick_params(labelbottom=True)
        figure.supxlabel("bins since the unit's own spike", fontsize=9)
        figure.supylabel("added to the drive", fontsize=9)
        shared_legend(figure, loc="outside upper center")
        return picture(figure, __name__, "filters")


def _coupled(data: RunData, trials: Sequence[Trial]) -> tuple[list[Trial], Shown]:
    """Return the trials that have couplings, and what was recorded for them."""
    found = [trial for trial in trials if has_couplings(data, trial)]
    if not found:
        raise NotReady("no couplings: no finished model has any")
    return found, shown(data, found)


def _paint(data: RunData, trials: Sequence[Trial]) -> dict[str, str]:
    return model_colours([trial.shown for trial in trials], data.floor, data.ceiling)


def _true(known: Shown) -> np.ndarray | None:
    """Return the true couplings of the recorded units, (post, pre, lags); None where nobody knows them."""
    if known.truth is None:
        return None
    units = np.flatnonzero(known.truth.units >= 0)
    return known.truth.couplings[np.ix_(units, units)]


def _matrix(axes: Axes, matrix: np.ndarray, name: str, units: np.ndarray) -> AxesImage:
    between = np.where(np.eye(len(matrix), dtype=bool), np.nan, matrix)
    most = largest(between)
    image = axes.imshow(between, cmap="RdBu_r", vmin=-most, vmax=most)
    axes.set_title(name)
    axes.set_xlabel("from unit")
    axes.set_ylabel("to unit")
    label_units(axes, units)
    return image


def _against(axes: Axes, true: np.ndarray, models: Mapping[str, np.ndarray], paint: Mapping[str, str]) -> None:
    for name, mine in models.items():
        label = f"{name}: r {number(float(pearson(true, mine)), 'brief')}, R2 {number(r2(true, mine), 'brief')}"
        axes.plot(true, mine, ".", color=paint[name], markersize=4, label=label)
    identity(axes)
    axes.set_title("against the truth")
    axes.set_xlabel("true coupling")
    axes.set_ylabel("the model's")
    axes.set_box_aspect(1)
    axes.legend(fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.2))
