"""Figures of movies: mean courses over repeats, rasters, and correlations of pairs of units."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator

from raysp.config.experiment import Trial
from raysp.errors import NotReady
from raysp.evaluation.movie_statistics import covariances, pairs
from raysp.kinds.movie.metrics import WHICH
from raysp.kinds.movie.page.shown import identity, of_movie, shown
from raysp.report.run_data import RunData, Task
from raysp.report.style import INK, Picture, canvas, model_colours, picture, shared_legend

UNITS, BINS = 6, 150
"""Units and bins that are drawn of more."""

RUNS = 12
"""Repeats, and free runs, of a raster."""


def courses(data: RunData, task: Task, trials: Sequence[Trial]) -> Picture:
    """Draw the mean over test repeats of the liveliest units, and over it the rates of each model's free runs.

    Raises:
        NotReady: nothing was predicted, the split is not prepared any more, or no movie has test repeats.
        BadInput: they are others than the trials were trained on, or damaged.
    """
    known = shown(data, trials)
    split, recorded = known.split, known.recorded
    units, bins = known.liveliest(UNITS), slice(split.sizes.first, split.sizes.first + BINS)
    paint = model_colours([trial.shown for trial in trials], data.floor, data.ceiling)
    seconds = known.seconds[bins]
    with canvas(9.2, 0.9 + 1.1 * len(units)) as figure:
        grid = figure.subplots(len(units), 1, squeeze=False, sharex=True)[:, 0]
        look = {"color": INK, "alpha": 0.18, "linewidth": 0, "step": "mid", "label": "recorded"}
        for unit, axes in zip(units, grid, strict=True):
            axes.fill_between(seconds, recorded.spikes[:, bins, unit].mean(axis=0), **look)
            axes.set_ylabel(f"unit {split.unit_ids[unit]}")
        for trial in trials:
            rates = of_movie(data, trial, recorded.movie).rates.mean(axis=0)
            for unit, axes in zip(units, grid, strict=True):
                axes.plot(seconds, rates[bins, unit], color=paint[trial.shown], linewidth=1.1, label=trial.shown)
        grid[-1].set_xlabel("time in the movie (s)")
        figure.supylabel("spikes per bin", fontsize=10)
        shared_legend(figure, loc="outside upper center")
        return picture(figure, __name__, "courses", repeats=len(recorded))


def correlations(data: RunData, task: Task, trials: Sequence[Trial]) -> Picture:
    """Draw noise, signal and total correlations of pairs of units, simulated against recorded ones.

    Raises:
        NotReady, BadInput: as `courses`; or there are fewer than two units.
    """
    there = shown(data, trials)
    recorded, first = there.recorded, there.split.sizes.first
    if there.split.sizes.units < 2:
        raise NotReady("no correlations: there is one unit alone")
    paint = model_colours([trial.shown for trial in trials], data.floor, data.ceiling)
    known = covariances([there.scored], 1)
    with canvas(9.2, 3.6) as figure:
        grid = figure.subplots(1, len(WHICH))
        for trial in trials:
            found = covariances([of_movie(data, trial, recorded.movie).spikes[:, first:].astype(float)], 1)
            for which, axes in zip(WHICH, grid, strict=True):
                one, other = (pairs(each.correlations(which)[0]) for each in (known, found))
                axes.plot(one, other, ".", color=paint[trial.shown], markersize=5, label=trial.shown)
        for which, axes in zip(WHICH, grid, strict=True):
            identity(axes)
            axes.set_xlabel(f"recorded {which} correlation")
            axes.xaxis.set_major_locator(MaxNLocator(4))
        grid[0].set_ylabel("simulated")
        shared_legend(figure, loc="outside upper center")
        return picture(figure, __name__, "correlations", repeats=len(recorded))


def rasters(data: RunData, trial: Trial) -> Picture:
    """Draw the spikes of test repeats above those of as many free runs.

    Raises:
        NotReady, BadInput: as `courses`.
    """
    known = shown(data, [trial])
    split, recorded = known.split, known.recorded
    simulated = of_movie(data, trial, recorded.movie).spikes
    bins = slice(split.sizes.first, split.sizes.first + BINS)
    units, seconds = known.liveliest(UNITS)[: UNITS // 2], known.seconds[bins]
    count = min(RUNS, len(recorded), len(simulated))
    with canvas(9.2, 4.0) as figure:
        grid = figure.subplots(2, len(units), squeeze=False, sharex=True)
        for row, (what, spikes) in enumerate((("recorded", recorded.spikes), (trial.shown, simulated))):
            for unit, axes in zip(units, grid[row], strict=True):
                run, place = np.nonzero(spikes[:count, bins, unit])
                axes.plot(seconds[place], run, "|", color=INK, markersize=5, markeredgewidth=0.9)
                axes.set_ylim(count - 0.5, -0.5)
                axes.set_yticks([])
                if row == 0:
                    axes.set_title(f"unit {split.unit_ids[unit]}")
            grid[row, 0].set_ylabel(what)
        for axes in grid[1]:
            axes.set_xlabel("time in the movie (s)")
        return picture(figure, __name__, "rasters", trial=trial, runs=count)
