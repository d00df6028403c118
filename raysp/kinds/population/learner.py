"""What a trial of a population is fitted to: binned trials, some of them set aside to select the model."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch

from raysp.config.experiment import Training, Trial
from raysp.data.splits.batch import Batch, to_device
from raysp.data.splits.population import Answers, PopulationSplit, TrialArrays
from raysp.errors import BadInput, present
from raysp.evaluation.live import live_metrics
from raysp.io.words import counted
from raysp.kinds.population.gain import set_right
from raysp.models import catalog
from raysp.training import trial as training
from raysp.training.closed_form import fit_itself
from raysp.training.fitted import Fitted
from raysp.training.job import Job
from raysp.training.predict import BATCH, predict
from raysp.training.unseen import unseen_each, unseen_loss, unseen_of_members
from raysp.training.validation import validation_mask

if TYPE_CHECKING:
    from raysp.models.base import Model


class TrialBatches:
    """Trials on the device, see `raysp.training.batches`.

    Args:
        train: to train on.
        validation: that select the model; None for none.
        device: where.
        seed: of what is drawn in evaluation.
        selected_on: what the validation trials are.
    """

    betas, by_step = (0.9, 0.999), False
    units: tuple[int, ...] = ()

    def __init__(
        self, train: TrialArrays, validation: TrialArrays | None, device: torch.device, seed: int, selected_on: str
    ) -> None:
        self._aside, self._device, self._seed = validation, device, seed
        self.train, self.size, self.bins = _on(device, train), len(train), train.heldin.shape[1]
        self.held = None if validation is None else _on(device, validation)
        self.selected_on = "nothing" if validation is None else selected_on

    def draw(self, generator: torch.Generator, steps: int) -> tuple[torch.Tensor, ...]:
        """Return all training trials in a random order, on the device."""
        return torch.randperm(self.size, generator=generator).to(self._device).tensor_split(steps)

    def batch(self, chosen: torch.Tensor, generator: torch.Generator) -> Batch:
        """Return some training trials."""
        return self.train.take(chosen, generator)

    def validation(self) -> Iterator[Batch]:
        """Yield the validation trials."""
        return _pieces(present(self.held))

    def whole(self) -> Iterator[Batch]:
        """Yield the training trials."""
        return _pieces(self.train)

    def show(self, model: Model, piece: Batch) -> None:
        """Let a model predict what is held out from what it may see."""
        model.predict(piece.inputs())

    def unseen(self, model: Model) -> float | torch.Tensor | None:
        """Return the Poisson loss of held-out units and forward bins, of each member side by side; None without any."""
        if self.held is None:
            return None
        of = unseen_of_members if hasattr(model, "predict_each") and model.lanes else unseen_loss
        return of(model, self.held, self._device, self._seed)

    def measured(self, model: Model) -> dict[str, float]:
        """Return the live metrics of the validation trials."""
        if self._aside is None:
            return {}
        return live_metrics(predict(model, self._aside, self._device, self._seed), self._aside)


def learner(job: Job, split: PopulationSplit, answers: Answers | None = None) -> tuple[Model, TrialBatches]:
    """Return a new model that starts from the training trials, and its data.

    Args:
        job: what to fit and where.
        split: the trial's units already selected.
        answers: of the evaluation trials, for `validate_on="eval"` alone.

    Raises:
        BadInput: there are too few trials, or no answers to select on.
    """
    train, validation = _parts(job, split, answers)
    selected_on = "eval" if job.training.validate_on == "eval" else "validation"
    batches = TrialBatches(train, validation, job.place, job.trial.seed, selected_on)
    model = training.new_model(job, split.sizes)
    if hasattr(model, "start"):
        model.start(train)
    return model, batches


def fit(job: Job, split: PopulationSplit, answers: Answers | None = None) -> Fitted:
    """Fit a trial's model; see `learner` and `raysp.training.trial.fit`."""
    if not catalog.fits_itself(job.trial.model):
        fitted = training.fit(job, lambda job: learner(job, split, answers))
        return fitted if job.purpose == "search" else set_right(job, fitted, split)
    part, trials = None, split.train
    if len(trials) > 1:
        aside = validation_mask(trials, Training())
        part = trials.take(~aside), functools.partial(_validated, job, trials.take(aside))
    return fit_itself(job, split.sizes, trials, part)


def each_unseen(job: Job, fitted: Fitted, split: PopulationSplit) -> list[float]:
    """Return the loss of each validation trial, in the order of the training trials; none where none is set aside."""
    if len(split.train) < 2:
        return []
    aside = split.train.take(validation_mask(split.train, job.trial.training or Training()))
    return unseen_each(fitted.model, _on(job.place, aside), job.place, job.trial.seed)


def selected_on(trial: Trial) -> str:
    """Return what a trial's weights were selected on, in words."""
    training = trial.training
    if training is None:
        return "nothing"
    if trial.follows is not None:
        return "the validation-phase trial it follows"
    if training.validate_on == "eval":
        return "evaluation trials"
    return "validation trials of the training part" + (", then trained on all of it" if training.refit else "")


def parts_in_words(trial: Trial, split: PopulationSplit) -> str:
    """Return how many trials train, validate and evaluate, in words. Raises BadInput as `validation_mask` does."""
    training, count = trial.training, len(split.train)
    aside = 0
    if training is not None and training.validate_on != "eval" and trial.follows is None:
        aside = int(validation_mask(split.train, training).sum())
    between = f", {aside} validation" if aside else ""
    return f"{count - aside} training{between} and {counted(len(present(split.eval)), 'evaluation trial')}"


def _validated(job: Job, trials: TrialArrays, model: Model) -> dict[str, float]:
    found = live_metrics(predict(model, trials, job.place, job.trial.seed), trials)
    loss = unseen_loss(model, to_device(trials, job.place), job.place, job.trial.seed)
    return found if loss is None else found | {"unseen_loss": loss}


def _parts(job: Job, split: PopulationSplit, answers: Answers | None) -> tuple[TrialArrays, TrialArrays | None]:
    if job.follow is not None:
        return split.train, None
    if job.training.validate_on == "eval":
        if answers is None:
            raise BadInput(f"validate_on eval needs the answers of {split.name}'s evaluation trials, got none")
        return split.train, answers.trials
    aside = validation_mask(split.train, job.training)
    return split.train.take(~aside), split.train.take(aside)


def _on(device: torch.device, trials: TrialArrays) -> Batch:
    # Truth is for ceilings; nothing that is trained may see it.
    return dataclasses.replace(to_device(trials, device), rates=None)


def _pieces(trials: Batch) -> Iterator[Batch]:
    return (trials.take(slice(start, start + BATCH)) for start in range(0, len(trials), BATCH))
