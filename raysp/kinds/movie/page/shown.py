"""What figures of movies are drawn from: a split's test repeats beside a trial's predictions and couplings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from raysp.config.experiment import Trial
from raysp.data.splits import store
from raysp.data.splits.movie import MovieAnswers, MovieSplit, Repeats, Truth
from raysp.errors import NotReady
from raysp.io import files
from raysp.kinds.movie.connectivity_file import NAME, read_connectivity
from raysp.kinds.movie.runs_file import Forecast, read_runs
from raysp.report.run_data import RunData
from raysp.report.style import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Shown:
    """The test repeats of the first movie that was shown more than once.

    Attributes:
        split: with the trials' units.
        recorded: the repeats.
        truth: how generated spikes came about; None of recorded ones.
    """

    split: MovieSplit
    recorded: Repeats
    truth: Truth | None

    @property
    def seconds(self) -> np.ndarray:
        """(frames,) when each bin begins."""
        return np.arange(self.recorded.spikes.shape[1]) * self.split.sizes.bin_ms / 1000

    @property
    def scored(self) -> np.ndarray:
        """(repeats, bins, units) spikes of the bins that are scored."""
        return self.recorded.spikes[:, self.split.sizes.first :].astype(float)

    def liveliest(self, count: int) -> list[int]:
        """Return the places of the units with most spikes, ascending."""
        rates = self.recorded.spikes.mean(axis=(0, 1))
        return np.sort(np.argsort(-rates, kind="stable")[:count]).tolist()


def shown(data: RunData, trials: Sequence[Trial]) -> Shown:
    """Return what was recorded for trials of one task.

    Raises:
        NotReady: no model is finished, the split is not prepared any more, or no movie has test repeats.
        BadInput: the data are others than the trials were trained on, or damaged.
    """
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
    return Shown(split, found, answers.truth)


def of_movie(data: RunData, trial: Trial, movie: int) -> Forecast:
    """Return what a trial predicts for a movie."""
    return next(one for one in read_runs(data.run.trial(trial.id).predictions) if one.movie == movie)


def has_couplings(data: RunData, trial: Trial) -> bool:
    """Tell whether a trial left what a spike of one unit adds to another."""
    return files.exists(_path(data, trial))


def couplings(data: RunData, trial: Trial) -> np.ndarray:
    """Return (post, pre, lags), the recorded units first; see `read_connectivity`."""
    return read_connectivity(_path(data, trial), trial)


def _path(data: RunData, trial: Trial) -> str:
    return files.join(data.run.trial(trial.id).path, NAME)


def identity(axes: Axes) -> None:
    """Draw the line on which both axes are equal, over the same span of both."""
    low, high = (function((*axes.get_xlim(), *axes.get_ylim())) for function in (min, max))
    axes.plot([low, high], [low, high], color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.grid()
