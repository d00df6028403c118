"""What training a trial gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from raysp.config.note import CurveRow
from raysp.errors import present
from raysp.models.calibration import Calibration
from raysp.training.job import Follow

if TYPE_CHECKING:
    from raysp.models.base import Model


@dataclass(frozen=True)
class Fitted:
    """A fitted model and how it came about.

    Attributes:
        model: with its best weights, in eval mode, on `device`.
        curve: one row per epoch: epoch, train_loss and validation_loss (both the model's own), unseen_loss (the one to
            compare models by, see `raysp.training.unseen`), learning_rate, seconds since the start, and live metrics of
            the validation trials where they were measured; the best epoch's row always has them. A model that fits
            itself has one row, epoch 0, when there were validation trials to measure it on.
        device: where it was computed.
        seconds: of training, all attempts together.
        best_epoch: the epoch whose weights these are; 0 for a model that fits itself.
        epochs: epochs trained.
        learning_rates: one per epoch up to the best.
        steps: of the optimiser, per epoch; 0 for a model that fits itself.
        validation_loss: the model's own, at the best epoch; None without validation, and where it fits itself.
        selected_on: "validation" (training trials set aside), "eval" (evaluation trials), or "nothing".
        units: number of a unit -> its own "best epoch" and "validation loss" there, where a model has units of its own;
            epoch 0 of one that has no weights, since its loss was never finite.
        diverged: numbers of the units whose loss became infinite or NaN while that of others did not.
        selected: the model before it was fitted anew to all training data; None where it was not.
        calibration: what is made of its rates of trials; None leaves them as they are.
        selected_calibration: the same of the rates of `selected`.
    """

    model: Model
    curve: list[CurveRow]
    device: torch.device
    seconds: float
    best_epoch: int = 0
    epochs: int = 0
    learning_rates: list[float] = field(default_factory=list)
    steps: int = 0
    validation_loss: float | None = None
    selected_on: str = "nothing"
    units: dict[int, dict[str, float]] = field(default_factory=dict)
    diverged: tuple[int, ...] = ()
    selected: Model | None = None
    calibration: Calibration | None = None
    selected_calibration: Calibration | None = None

    @property
    def parameters(self) -> int:
        """How many numbers gradient descent fitted."""
        return sum(weights.numel() for weights in self.model.parameters())

    @property
    def lost(self) -> tuple[int, ...]:
        """Numbers of the units that have no weights to predict from."""
        return tuple(unit for unit, found in self.units.items() if not found["best epoch"])

    @property
    def follow(self) -> Follow:
        """What a fit to all training data takes over."""
        alone = getattr(self.model, "lanes", None) is not None
        lanes = tuple(int(found["best epoch"]) for found in self.units.values()) if alone else ()
        epochs = max(lanes, default=self.best_epoch)
        rates = tuple(present(row["learning_rate"]) for row in self.curve[:epochs])
        return Follow(epochs, rates, self.steps, lanes)
