"""Figures of movies: mean courses over repeats, rasters, and correlations of pairs of units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from raysp.config.experiment import Trial
from raysp.data.splits import store
from raysp.data.splits.movie import MovieAnswers, MovieSplit, Repeats
from raysp.errors import NotReady
from raysp.evaluation.movie_statistics import covariances, pairs
from raysp.kinds.movie.metrics import WHICH
from raysp.kinds.movie.runs_file import Forecast, read_runs
from raysp.report.run_data import RunData, Task
from raysp.report.style import INK, Picture, canvas, model_colours, picture, shared_legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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
    split, recorded = _recorded(data, trials)
    units, bins = _liveliest(recorded), slice(split.sizes.first, split.sizes.first + BINS)
    paint = model_colours([trial.shown for trial in trials], data.floor, data.ceiling)
    seconds = _seconds(split, recorded)[bins]
    with canvas(9.2, 0.9 + 1.1 * len(units)) as figure:
        grid = figure.subplots(len(units), 1, squeeze=False, sharex=True)[:, 0]
        look = {"color": INK, "alpha": 0.18, "linewidth": 0, "step": "mid", "label": "recorded"}
        for unit, axes in zip(units, grid, strict=True):
            axes.fill_between(seconds, recorded.spikes[:, bins, unit].mean(axis=0), **look)
            axes.set_ylabel(f"unit {split.unit_ids[unit]}")
        for trial in trials:
            rates = _of_movie(data, trial, recorded.movie).rates.mean(axis=0)
            for unit, axes in zip(units, grid, strict=True):
                axes.plot(seconds, rates[bins, unit], color=paint[trial.shown], linewidth=1.1, label=trial.shown)
        grid[-1].set_xlabel("time in the movie (s); spikes a bin")
        shared_legend(figure, loc="outside upper center")
        return picture(figure, __name__, "courses", repeats=len(recorded))


def correlations(data: RunData, task: Task, trials: Sequence[Trial]) -> Picture:
    """Draw noise, signal and total correlations of pairs of units, simulated against recorded ones.

    Raises:
        NotReady, BadInput: as `courses`; or there are fewer than two units.
    """
    split, recorded = _recorded(data, trials)
    if split.sizes.units < 2:
        raise NotReady("no correlations: there is one unit alone")
    first = split.sizes.first
    paint = model_colours([trial.shown for trial in trials], data.floor, data.ceiling)
    known = covariances([recorded.spikes[:, first:].astype(float)], 1)
    with canvas(9.2, 3.6) as figure:
        grid = figure.subplots(1, len(WHICH))
        for trial in trials:
            found = covariances([_of_movie(data, trial, recorded.movie).spikes[:, first:].astype(float)], 1)
            for which, axes in zip(WHICH, grid, strict=True):
                one, other = (pairs(each.correlations(which)[0]) for each in (known, found))
                axes.plot(one, other, ".", color=paint[trial.shown], markersize=5, label=trial.shown)
        for which, axes in zip(WHICH, grid, strict=True):
            _identity(axes)
            axes.set_xlabel(f"recorded {which} correlation")
        grid[0].set_ylabel("simulated")
        shared_legend(figure, loc="outside upper center")
        return picture(figure, __name__, "correlations", repeats=len(recorded))


def rasters(data: RunData, trial: Trial) -> Picture:
    """Draw the spikes of test repeats above those of as many free runs.

    Raises:
        NotReady, BadInput: as `courses`.
    """
    split, recorded = _recorded(data, [trial])
    simulated = _of_movie(data, trial, recorded.movie).spikes
    bins = slice(split.sizes.first, split.sizes.first + BINS)
    units, seconds = _liveliest(recorded)[: UNITS // 2], _seconds(split, recorded)[bins]
    shown = min(RUNS, len(recorded), len(simulated))
    with canvas(9.2, 4.0) as figure:
        grid = figure.subplots(2, len(units), squeeze=False, sharex=True)
        for row, (what, spikes) in enumerate((("recorded", recorded.spikes), (trial.shown, simulated))):
            for unit, axes in zip(units, grid[row], strict=True):
                run, place = np.nonzero(spikes[:shown, bins, unit])
                axes.plot(seconds[place], run, "|", color=INK, markersize=5, markeredgewidth=0.9)
                axes.set_ylim(shown - 0.5, -0.5)
                axes.set_yticks([])
                if row == 0:
                    axes.set_title(f"unit {split.unit_ids[unit]}")
            grid[row, 0].set_ylabel(what)
        for axes in grid[1]:
            axes.set_xlabel("time in the movie (s)")
        return picture(figure, __name__, "rasters", trial=trial, runs=shown)


def _recorded(data: RunData, trials: Sequence[Trial]) -> tuple[MovieSplit, Repeats]:
    """Return the split and the test repeats of the first movie that was shown more than once."""
    if not trials:
        raise NotReady("no figure of movies: no model is finished")
    store.same_data(data.root, trials[0])
    split, answers = store.load(data.root, trials[0].split), store.load_answers(data.root, trials[0].split)
    assert isinstance(split, MovieSplit)
    assert isinstance(answers, MovieAnswers)
    if (units := trials[0].units) is not None:
        split, answers = split.select(units), answers.select(units)
    found = next((one for one in answers.test if len(one) > 1), None)
    if found is None:
        raise NotReady("no figure of movies: none was shown more than once in the test part")
    return split, found


def _of_movie(data: RunData, trial: Trial, movie: int) -> Forecast:
    return next(one for one in read_runs(data.run.trial(trial.id).predictions) if one.movie == movie)


def _liveliest(recorded: Repeats) -> list[int]:
    rates = recorded.spikes.mean(axis=(0, 1))
    return np.sort(np.argsort(-rates, kind="stable")[:UNITS]).tolist()


def _seconds(split: MovieSplit, recorded: Repeats) -> np.ndarray:
    return np.arange(recorded.spikes.shape[1]) * split.sizes.bin_ms / 1000


def _identity(axes: Axes) -> None:
    low, high = (function((*axes.get_xlim(), *axes.get_ylim())) for function in (min, max))
    axes.plot([low, high], [low, high], color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.grid()
