"""What a trial of movies is fitted to: the training repeats, and those that validate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from raysp.config.experiment import Training, Trial
from raysp.data.splits.header import Header
from raysp.data.splits.movie import MovieAnswers, MovieSplit
from raysp.errors import BadInput, expect
from raysp.kinds.movie.batches import LEAST, RepeatBatches
from raysp.kinds.movie.forecast import clamped_nats
from raysp.kinds.movie.metrics import VALIDATION_NATS
from raysp.kinds.movie.validated import validated
from raysp.training import trial as trials
from raysp.training.closed_form import fit_itself
from raysp.training.fitted import Fitted
from raysp.training.job import Job

if TYPE_CHECKING:
    from raysp.models.base import Model


def learner(job: Job, split: MovieSplit, answers: MovieAnswers | None = None) -> tuple[Model, RepeatBatches]:
    """Return a new model, started from the training repeats, and its data.

    Raises:
        BadInput: as of `check_training`; or a movie has fewer than two validation repeats.
    """
    check_training(job.training)
    few = min(split.validation, key=len)
    expect(
        job.follow is not None or len(few) >= LEAST,
        f"{split.name} expected two or more validation repeats of a movie, got {len(few)} of {few.movie}",
    )
    model = trials.new_model(job, split.sizes)
    if hasattr(model, "start"):
        model.start(split)
    return model, RepeatBatches(split, job.place, job.trial.seed, whole=job.follow is not None)


def fit(job: Job, split: MovieSplit, answers: MovieAnswers | None = None) -> Fitted:
    """Fit by the one loop, or let a model fit itself; the test part is not shown to it."""
    if job.trial.training is not None:
        return trials.fit(job, lambda job: learner(job, split))
    seen = split.training()

    def measured(model: Model) -> dict[str, float]:
        nats = clamped_nats(model, seen, seen.validation, job.place)
        return {VALIDATION_NATS: nats, **validated(model, seen, job.place, job.trial.seed)}

    return fit_itself(job, split.sizes, seen, (seen, measured))


def check_training(how: Training) -> None:
    """Refuse settings that mean nothing for movies, which have validation repeats of their own. Raises BadInput."""
    if how.validate_on != "train":
        raise BadInput(
            "movies have validation repeats of their own, and test repeats select nothing: expected "
            f"training.validate_on 'train', got {how.validate_on!r}"
        )
    expect(
        how.batch_size >= LEAST,
        f"training.batch_size expected two or more repeats of a movie, whose differences are what they have of their "
        f"own, got {how.batch_size}",
    )


def check(model: Model, training: Training | None, header: Header) -> None:
    """Refuse, before anything is trained, what would be refused when training begins. Raises BadInput."""
    if training is not None:
        check_training(training)


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
