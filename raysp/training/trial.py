"""One trial in one process: from a split to a fitted model, resumed from its checkpoint where there is one."""

from __future__ import annotations

from torch import nn

from raysp.config.experiment import Training
from raysp.data.splits.batch import to_device
from raysp.data.splits.population import PopulationSplit, Targets, TrainingPart, Trials
from raysp.data.splits.stimulus import StimulusSplit
from raysp.errors import BadInput
from raysp.models import catalog
from raysp.training.attempt import Attempt
from raysp.training.cell_trial import fit_cells
from raysp.training.closed_form import fit_itself
from raysp.training.descent import Descent, Diverged
from raysp.training.fitted import Fitted
from raysp.training.job import Follow, Job
from raysp.training.memory import check_fits
from raysp.training.predict import predict
from raysp.training.randomness import seeded
from raysp.training.validation import validation_mask

__all__ = ["Diverged", "Fitted", "Follow", "Job", "fit_trial", "predict"]


def fit_trial(
    job: Job,
    split: PopulationSplit | TrainingPart | StimulusSplit,
    targets: Targets | None = None,
    stage: str = "fit",
) -> Fitted:
    """Fit a trial's model; the same trial on the same kind of device gives the same numbers.

    Args:
        job: what to fit, where, and whom to ask and tell.
        split: its data, the trial's neurons already selected.
        targets: the evaluation trials' answers, for `validate_on="eval"` alone.
        stage: of the job, whose checkpoint is another one's.

    Raises:
        BadInput: the checkpoint is another trial's, a setting is wrong, or there are too few trials.
        Diverged: the loss became infinite or NaN.
        Interrupted: `keep_going` said stop.
        NotReady: a GPU was asked for and there is none.
    """
    trial, place = job.trial, job.place

    def make() -> nn.Module:
        settings = dict(trial.settings)
        check_fits(catalog.on_paper(trial.model, settings, split.sizes), place, f"model {trial.model}")
        return catalog.build(trial.model, settings, split.sizes).to(place)

    with seeded(trial.seed, place):
        if isinstance(split, StimulusSplit):
            return fit_cells(job, split, make)
        if catalog.fits_itself(trial.model):
            return fit_itself(job, split.train, make)
        train, validation = _parts(job, split, targets)
        there = None if validation is None else to_device(validation, place)
        descent = Descent(make(), job.training, to_device(train, place), there, trial.seed, place, job.follow)
        if hasattr(descent.model, "start"):
            descent.model.start(train)
        attempt = Attempt(job, descent, validation, stage)
        attempt.resume()
        attempt.finish()
        return attempt.fitted("nothing" if validation is None else _selected_on(job.training))


def _parts(job: Job, split: PopulationSplit | TrainingPart, targets: Targets | None) -> tuple[Trials, Trials | None]:
    training = job.training
    if job.follow is not None:
        return split.train, None
    if training.validate_on == "eval":
        if targets is None:
            raise BadInput(f"validate_on eval needs the answers of {split.name}'s evaluation trials, got none")
        return split.train, targets.trials
    aside = validation_mask(split.train, training)
    return split.train.take(~aside), split.train.take(aside)


def _selected_on(training: Training) -> str:
    return "eval" if training.validate_on == "eval" else "validation"
