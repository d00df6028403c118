"""What a trial of labelled sequences is fitted to: the training part, or that with what validates."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from raysp.config.experiment import Training, Trial
from raysp.data.splits.header import Header
from raysp.data.splits.labelled_batch import LabelledBatch
from raysp.data.splits.labelled_sequences import Labelled, LabelledSequencesSplit, SequenceAnswers
from raysp.errors import BadInput
from raysp.evaluation.classification import accuracy, cross_entropy, vote
from raysp.kinds.labelled_sequences.inputs import check_start
from raysp.models import catalog
from raysp.models.sequence_classifier import SequenceClassifier
from raysp.training import trial as trials
from raysp.training.closed_form import fit_itself
from raysp.training.fitted import Fitted
from raysp.training.job import Job
from raysp.training.randomness import looking

if TYPE_CHECKING:
    from raysp.models.base import Model

LOOK = 500
"""Samples at a time; changes memory, not results."""


class SampleBatches:
    """Samples on the device, see `raysp.training.batches`.

    Args:
        train: to train on.
        validation: that select the model; None for none.
        device: where.
        seed: of what is drawn in evaluation.
    """

    betas, by_step = (0.9, 0.999), False
    units: tuple[int, ...] = ()

    def __init__(self, train: Labelled, validation: Labelled | None, device: torch.device, seed: int) -> None:
        self._device, self._seed, self._aside = device, seed, validation
        self.train, self.size = LabelledBatch.of(train, device), len(train)
        self.held = None if validation is None else LabelledBatch.of(validation, device)
        self.selected_on = "nothing" if validation is None else "validation"

    def draw(self, generator: torch.Generator, steps: int) -> tuple[torch.Tensor, ...]:
        """Return all training samples in a random order, on the device."""
        return torch.randperm(self.size, generator=generator).to(self._device).tensor_split(steps)

    def batch(self, chosen: torch.Tensor, generator: torch.Generator) -> LabelledBatch:
        """Return some training samples."""
        return self.train.take(chosen, generator)

    def validation(self) -> Iterator[LabelledBatch]:
        """Yield the validation samples."""
        return _pieces(self.held)

    def whole(self) -> Iterator[LabelledBatch]:
        """Yield the training samples."""
        return _pieces(self.train)

    def show(self, model: Model, piece: LabelledBatch) -> None:
        """Let a model say of which class samples are."""
        cast(SequenceClassifier, model).logits(piece.sequences, 1)

    def unseen(self, model: Model) -> float | None:
        """Return the cross-entropy of the first readout of what validates, nats."""
        if self._aside is None:
            return None
        found = logits_of(model, self._aside.sequences, self._device, self._seed, 1)
        return cross_entropy(found[:, 0], self._aside.labels)

    def measured(self, model: Model) -> dict[str, float]:
        """Return the accuracies of what validates."""
        return {} if self._aside is None else accuracies(model, self._aside, self._device, self._seed)


def learner(
    job: Job, split: LabelledSequencesSplit, answers: SequenceAnswers | None = None
) -> tuple[Model, SampleBatches]:
    """Return a new model, and its data. Raises BadInput as `check_training` does."""
    check_training(job.training)
    train, validation = split.train, split.validation
    trained, aside = (train, validation) if job.follow is None else (train.joined(validation), None)
    model = trials.new_model(job, split.sizes)
    for name in job.trial.inputs or ():
        model.start(job.inputs(name), job.trial.seed)
    return model, SampleBatches(trained, aside, job.place, job.trial.seed)


def fit(job: Job, split: LabelledSequencesSplit, answers: SequenceAnswers | None = None) -> Fitted:
    """Fit a trial's model; the test part is not shown to it."""
    if not catalog.fits_itself(job.trial.model):
        return trials.fit(job, lambda job: learner(job, split))
    shown = split.training()
    return fit_itself(job, split.sizes, shown, (shown, functools.partial(_validated, job, shown.validation)))


def logits_of(
    model: Model, sequences: np.ndarray, device: torch.device, seed: int, readouts: int | None = None
) -> np.ndarray:
    """Return (samples, readouts, classes) float32, in eval mode and without gradients.

    Args:
        model: on the device.
        sequences: (samples, steps, features).
        device: where the model is.
        seed: of what the model draws, if it draws.
        readouts: steps with zero input; None for as many as the model's settings say.
    """
    count = model.config.readouts if readouts is None else readouts
    with looking(model, device, seed):
        pieces = torch.as_tensor(sequences).split(LOOK)
        return torch.cat([model.logits(piece.to(device), count).float().cpu() for piece in pieces]).numpy()


def accuracies(model: Model, part: Labelled, device: torch.device, seed: int) -> dict[str, float]:
    """Return the validation part's accuracy at the first readout, and that of the vote of all."""
    found = logits_of(model, part.sequences, device, seed)
    first, voted = accuracy(found[:, 0].argmax(axis=-1), part.labels), accuracy(vote(found), part.labels)
    return {"validation accuracy": first, "validation vote accuracy": voted}


def check_training(how: Training) -> None:
    """Refuse settings that mean nothing for samples with a validation part of their own. Raises BadInput."""
    if how.validate_on != "train":
        raise BadInput(
            "labelled sequences have a validation part of their own, and test labels select nothing: expected "
            f"training.validate_on 'train', got {how.validate_on!r}"
        )


def check(model: Model, training: Training | None, header: Header) -> None:
    """Refuse, before anything is trained, what would be refused when training begins. Raises BadInput."""
    if training is not None:
        check_training(training)
    check_start(model)


def parts_in_words(trial: Trial, split: LabelledSequencesSplit) -> str:
    """Return how many samples train, validate and test, in words."""
    train, validation, sizes = len(split.train), len(split.validation), split.sizes
    if trial.training is not None and trial.training.refit:
        return f"{train} training and {validation} validation samples, then all of them; {len(split.test)} test samples"
    return (
        f"{train} training, {validation} validation and {len(split.test)} test samples of {sizes.steps} steps, "
        f"{sizes.classes} classes"
    )


def _validated(job: Job, part: Labelled, model: Model) -> dict[str, float]:
    first = logits_of(model, part.sequences, job.place, job.trial.seed, 1)[:, 0]
    loss = cross_entropy(first, part.labels)
    return {"unseen_loss": loss, **accuracies(model, part, job.place, job.trial.seed)}


def _pieces(samples: LabelledBatch | None) -> Iterator[LabelledBatch]:
    if samples is not None:
        yield from (samples.take(slice(start, start + LOOK)) for start in range(0, len(samples), LOOK))
