"""What a trial of movies is fitted to: the training repeats, and those that validate."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from raysp.config.experiment import Training, Trial
from raysp.data.splits.header import Header
from raysp.data.splits.movie import MovieAnswers, MovieSplit
from raysp.errors import BadInput
from raysp.kinds.movie.forecast import clamped_nats
from raysp.kinds.movie.metrics import VALIDATION_NATS
from raysp.training.closed_form import fit_itself
from raysp.training.fitted import Fitted
from raysp.training.job import Job

if TYPE_CHECKING:
    from raysp.models.base import Model


def learner(job: Job, split: MovieSplit, answers: MovieAnswers | None = None) -> NoReturn:
    """Refuse: models of movies fit themselves. Raises BadInput."""
    raise _no_descent(job.trial.model)


def fit(job: Job, split: MovieSplit, answers: MovieAnswers | None = None) -> Fitted:
    """Let a model fit itself; the test part is not shown to it.

    Raises:
        BadInput: it has no `fit`.
    """
    if job.trial.training is not None:
        raise _no_descent(job.trial.model)
    seen = split.training()

    def measured(model: Model) -> dict[str, float]:
        return {VALIDATION_NATS: clamped_nats(model, seen, seen.validation, job.place)}

    return fit_itself(job, split.sizes, seen, (seen, measured))


def check(model: Model, training: Training | None, header: Header) -> None:
    """Refuse, before anything is trained, a model that gradient descent would fit. Raises BadInput."""
    if training is not None:
        raise _no_descent(type(model).__module__.rpartition(".")[2])


def words(trial: Trial, split: MovieSplit) -> str:
    """Return how many repeats train, validate and test, in words."""
    train, validation, test = (sum(map(len, part)) for part in (split.train, split.validation, split.test))
    new = len({one.movie for one in split.test if split.is_new(one.movie)})
    others = f", {new} new movies among the last" if new else ""
    frames = " and ".join(map(str, split.sizes.lengths))
    return (
        f"{train} training, {validation} validation and {test} test repeats{others}; {split.sizes.units} units, "
        f"{frames} frames"
    )


def _no_descent(name: str) -> BadInput:
    return BadInput(f"model {name} expected fit(split, stages): models of movies fit themselves, none has a loss")
