"""What a fit is asked for, and what it may ask of whoever runs it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn

import torch

from raysp.config.experiment import Training, Trial
from raysp.config.note import Report
from raysp.errors import BadInput
from raysp.training import device as devices


@dataclass(frozen=True)
class Follow:
    """What a finished trial of the validation phase settled, for the trial that trains on all training trials.

    Attributes:
        epochs: epochs to train, exactly.
        learning_rates: one for each of them.
        steps: optimiser steps of each epoch: with more trials, batches grow instead, since it is steps at a learning
            rate that were selected. 0 takes as many as the batch size asks for.
        lanes: of a model with several lanes, how many of the epochs each is trained; empty for all of them.
        weights: of its calibration, see `models.calibration`.
    """

    epochs: int
    learning_rates: tuple[float, ...]
    steps: int = 0
    lanes: tuple[int, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.epochs < 1 or len(self.learning_rates) < self.epochs:
            raise BadInput(
                f"a followed trial expected at least one epoch and a learning rate for each, got {self.epochs} epochs "
                f"and {len(self.learning_rates)} learning rates; run that trial again"
            )


@dataclass(frozen=True)
class Member:
    """A member of a population that is trained as a lane of one model: its trial, and the seed of its first weights."""

    trial: Trial
    seed: int


def _not_here(name: str) -> NoReturn:
    raise BadInput(f"the trial starts from {name} of another run, which are not here; run it as an experiment")


@dataclass(frozen=True)
class Job:
    """One trial's fit. All but the trial, `purpose`, `follow`, `lanes` and `members` leaves its numbers as they are.

    Attributes:
        trial: what to fit.
        device: "auto", "cpu", "cuda" or "cuda:<number>".
        purpose: "final", or "search" where only the numbers of the validation part are wanted: a model that fits
            itself is then not fitted again to all training data.
        follow: train on all training data, for so many epochs at these learning rates, without validation.
        checkpoint: stage ("fit", "refit") -> file to resume from, written every 30 s and at the stage's end; None
            keeps nothing.
        report: called with each epoch's row, with a "phase", and with a "warning".
        keep_going: asked once after each epoch, and between stages; False saves the state and stops.
        enough: asked with the number of epochs done; True ends training there, as if the epochs were over.
        measure_at: epochs with live metrics, beside those that the training settings ask for.
        inputs: name -> the columns of a table of another run that the trial starts from.
        lanes: of a model with several lanes, the training settings of each, which may differ in learning rate and
            weight decay; empty where all have the trial's.
        members: of a population, which are the lanes; empty where a model is no population's.
    """

    trial: Trial
    device: str = "auto"
    purpose: Literal["final", "search"] = "final"
    follow: Follow | None = None
    checkpoint: Callable[[str], str | None] = lambda stage: None
    report: Report = lambda note: None
    keep_going: Callable[[], bool] = lambda: True
    enough: Callable[[int], bool] = lambda epoch: False
    measure_at: Collection[int] = ()
    inputs: Callable[[str], Mapping[str, Sequence[Any]]] = _not_here
    lanes: tuple[Training, ...] = ()
    members: tuple[Member, ...] = ()

    @property
    def place(self) -> torch.device:
        """The device. Raises BadInput or NotReady, see `device.choose`."""
        return devices.choose(self.device)

    @property
    def training(self) -> Training:
        """How the model is fitted. Raises BadInput where the trial does not say."""
        if self.trial.training is None:
            raise BadInput(
                f"model {self.trial.model} is fitted by gradient descent: expected training settings, got none"
            )
        return self.trial.training
