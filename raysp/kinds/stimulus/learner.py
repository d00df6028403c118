"""What a trial of a continuous recording is fitted to: windows of its training part, the same ones for every unit."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import torch

from raysp.config.experiment import Training
from raysp.data.splits.header import Header
from raysp.data.splits.stimulus import StimulusSplit
from raysp.data.splits.windows import Tape, Windows, last_starts, window_starts
from raysp.errors import BadInput
from raysp.models import catalog
from raysp.models.windowed import WindowModel
from raysp.training import trial as trials
from raysp.training.closed_form import fit_itself
from raysp.training.fitted import Fitted
from raysp.training.job import Job

if TYPE_CHECKING:
    from raysp.models.base import Model

LOOK = 768
"""Validation windows at a time, those of each unit counted; changes memory, not results."""


class WindowBatches:
    """Windows of a recording on the device, see `raysp.training.batches`.

    Args:
        model: whose windows.
        split: the recording; its test part is not touched.
        tape: the same on the device.
        whole: train on the validation part too, and validate on nothing.
    """

    betas, by_step = (0.9, 0.99), True

    def __init__(self, model: WindowModel, split: StimulusSplit, tape: Tape, *, whole: bool = False) -> None:
        self._tape, self._before, self._stride = tape, model.reach.before, model.config.train_stride
        self.units, self.selected_on = tape.units, "nothing" if whole else "validation"
        stretches = trained_on(split, whole=whole)
        starts = window_starts(stretches, model.reach, self._stride, f"{split.name}, training windows")
        self.starts, self.size = torch.as_tensor(starts), len(starts)
        self._latest = torch.as_tensor(last_starts(stretches, model.reach, starts))
        where = f"{split.name}, validation windows"
        chosen = window_starts(split.parts["validation"], model.reach, model.config.validation_stride, where)
        self.held = torch.as_tensor(chosen).to(tape.device)

    def draw(self, generator: torch.Generator, steps: int) -> tuple[torch.Tensor, ...]:
        """Return every training window once, each shifted by less than a stride, in a random order."""
        shift = torch.randint(self._stride, self.starts.shape, generator=generator)
        starts = torch.minimum(self.starts + shift, self._latest)
        return starts[torch.randperm(len(starts), generator=generator)].tensor_split(steps)

    def batch(self, chosen: torch.Tensor, generator: torch.Generator) -> Windows:
        """Return the windows that begin there."""
        return dataclasses.replace(self._windows(chosen.to(self._tape.device)), generator=generator)

    def validation(self) -> Iterator[Windows]:
        """Yield the windows of the validation part, without shift."""
        return self._pieces(self.held)

    def whole(self) -> Iterator[Windows]:
        """Yield the training windows without shift."""
        return self._pieces(self.starts.to(self._tape.device))

    def show(self, model: Model, piece: Windows) -> None:
        """Let a model say what it says of windows."""
        cast(WindowModel, model).output(piece)

    def unseen(self, model: Model) -> None:
        """Return None: the loss that models are compared by is of counts in bins."""

    def measured(self, model: Model) -> dict[str, float]:
        """Return nothing: spike trains are scored once they are predicted."""
        return {}

    def _pieces(self, starts: torch.Tensor) -> Iterator[Windows]:
        return (self._windows(piece) for piece in starts.split(max(LOOK // len(self._tape.spikes), 1)))

    def _windows(self, starts: torch.Tensor) -> Windows:
        return self._tape.windows(starts, self._before)


def learner(job: Job, split: StimulusSplit, answers: None = None) -> tuple[Model, WindowBatches]:
    """Return a new model that starts from the training part, and its data.

    Raises:
        BadInput: a part is shorter than a window, or a training setting means nothing here.
    """
    check_training(job.training)
    model, tape, whole = trials.new_model(job, split.sizes), Tape.of(split, job.place), job.follow is not None
    model.start(tape, trained_on(split, whole=whole))
    return model, WindowBatches(cast(WindowModel, model), split, tape, whole=whole)


def fit(job: Job, split: StimulusSplit, answers: None = None) -> Fitted:
    """Fit a trial's networks; each unit keeps its weights of lowest validation loss."""
    if catalog.fits_itself(job.trial.model):
        return fit_itself(job, split.sizes, split)
    return trials.fit(job, lambda job: learner(job, split))


def trained_on(split: StimulusSplit, *, whole: bool) -> tuple[tuple[int, int], ...]:
    """Return the stretches of the training part, and those of the validation part too where it selects nothing."""
    return split.parts["train"] + (split.parts["validation"] if whole else ())


def check_training(how: Training) -> None:
    """Refuse settings that mean nothing for the windows of a recording.

    Raises:
        BadInput: validation on the evaluation part, a rate that follows the loss (one rate is for all units), or a
            warm-up before a cycle that has its own were asked for.
    """
    if how.validate_on != "train":
        raise BadInput(
            f"a continuous recording has a validation part of its own: expected training.validate_on 'train', got "
            f"{how.validate_on!r}"
        )
    if how.schedule == "plateau":
        raise BadInput(
            "a continuous recording expected training.schedule constant, cosine or one_cycle, got 'plateau': one "
            "learning rate is for all units, and would follow their mean loss"
        )
    if how.schedule == "one_cycle" and how.warmup_epochs:
        raise BadInput(
            f"training.schedule one_cycle rises by itself: expected training.warmup_epochs 0, got {how.warmup_epochs}"
        )


def check(model: WindowModel, training: Training | None, header: Header) -> None:
    """Refuse, before anything is trained, what would be refused when training begins.

    Args:
        model: may be without memory for its weights.
        training: how it is fitted; None where it fits itself.
        header: of the recording, with its parts.

    Raises:
        BadInput: a part is shorter than a window, or a training setting means nothing here.
    """
    stretches = {name: [(first, last) for first, last in part] for name, part in header.parts.items()}
    window_starts(stretches["test"], model.reach, model.step, "test part")
    if training is not None:
        check_training(training)
        window_starts(stretches["train"], model.reach, model.config.train_stride, "training part")
        window_starts(stretches["validation"], model.reach, model.config.validation_stride, "validation part")
