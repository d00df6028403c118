"""One loop for every model that gradient descent fits: epochs, validation, best weights, exact resume."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from raysp.config.experiment import Training
from raysp.data.splits.batch import Batch, detached
from raysp.errors import BadInput
from raysp.training.averaging import Averaging
from raysp.training.device import precision
from raysp.training.job import Follow
from raysp.training.predict import BATCH
from raysp.training.randomness import Streams, looking
from raysp.training.schedule import is_over, learning_rate
from raysp.training.unseen import unseen_loss


def finite(loss: float | None) -> float | None:
    """Return a loss, None where it is not finite, which files cannot hold."""
    return loss if loss is not None and math.isfinite(loss) else None


class Diverged(BadInput):
    """The loss became infinite or NaN."""


@dataclass
class Progress:
    """How far training has come; all of it goes into the checkpoint.

    Attributes:
        curve: one row per epoch.
        best_epoch: the epoch with the lowest validation loss (the model's own), the last one without validation.
        best_loss: that loss.
        best: the weights after it.
    """

    curve: list[dict[str, Any]] = field(default_factory=list)
    best_epoch: int = 0
    best_loss: float = math.inf
    best: dict[str, torch.Tensor] = field(default_factory=dict)

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return len(self.curve)


class Descent:
    """A model being fitted by minibatch gradient descent, an epoch at a time.

    Args:
        model: on the device; changed in place.
        training: how.
        train: the trials to train on, on the device.
        validation: the trials that select the model; None follows `follow`.
        seed: of batches and masks.
        device: where.
        follow: epochs and learning rates to take over.
    """

    def __init__(
        self,
        model: nn.Module,
        training: Training,
        train: Batch,
        validation: Batch | None,
        seed: int,
        device: torch.device,
        follow: Follow | None = None,
    ) -> None:
        self.model, self.training, self.device, self.follow = model, training, device, follow
        # Truth is for ceilings; nothing that is trained may see it.
        self.train = dataclasses.replace(train, rates=None)
        self.validation = None if validation is None else dataclasses.replace(validation, rates=None)
        self.streams = Streams(seed, device)
        self.progress = Progress()
        self.averaging = Averaging(model, training)
        kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
        # One kernel for all weights: of models this small, the loop over them takes a tenth of a step.
        options = {"fused": True} if device.type in ("cpu", "cuda") else {}
        self.optimizer = kinds[training.optimizer](
            model.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay, **options
        )

    @property
    def steps(self) -> int:
        """Optimiser steps per epoch, of trials shared out evenly: a last batch of one trial would only add noise."""
        wanted = self.follow.steps if self.follow else 0
        return min(wanted or math.ceil(len(self.train) / self.training.batch_size), len(self.train))

    @property
    def epochs(self) -> int:
        """Epochs at most."""
        return self.follow.epochs if self.follow else self.training.epochs

    def over(self) -> bool:
        """Tell whether training has ended."""
        if self.follow:
            return self.progress.epoch >= self.follow.epochs
        return is_over(self.training, self.progress.epoch, self.progress.best_epoch)

    def step(self) -> dict[str, Any]:
        """Train one epoch, validate, keep the best weights; return the epoch's row of the curve.

        Raises:
            Diverged: a loss became infinite or NaN.
        """
        epoch, rate = self.progress.epoch + 1, self._learning_rate()
        row = {"epoch": epoch, "train_loss": self._train(rate), "validation_loss": None, "unseen_loss": None}
        row["learning_rate"] = rate
        self.averaging.after_epoch(epoch)
        if self.averaging.begins(epoch) and self.validation is not None:
            row["last_weights_loss"] = self.loss(self.validation)
        with self.shown():
            if self.validation is not None:
                row["validation_loss"] = self.loss(self.validation)
                row["unseen_loss"] = finite(unseen_loss(self.model, self.validation, self.device))
            self._refuse_divergence(row)
            self.progress.curve.append(row)
            loss = row["validation_loss"]
            if loss is None or loss < self.progress.best_loss:
                self._keep(epoch, math.inf if loss is None else loss)
        return row

    def shown(self) -> contextlib.AbstractContextManager:
        """Return a block in which the model has the weights that are validated and kept: averaged ones, if any."""
        return self.averaging.in_place(self.train)

    def loss(self, trials: Batch) -> float:
        """Return the mean loss over trials, in eval mode and float32; moves no random state."""
        total = weights = torch.zeros((), device=self.device)
        with looking(self.model, self.device):
            for start in range(0, len(trials), BATCH):
                piece = detached(trials.take(slice(start, start + BATCH)))
                found = self.model.loss(piece)
                weight = found.get("known", len(piece))
                total, weights = total + found["loss"] * weight, weights + weight
        return (total / weights).item()

    def state(self) -> dict[str, Any]:
        """Return everything that going on exactly needs: weights, optimiser, random state, progress."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": self.streams.state(),
            "averaging": self.averaging.state(),
            "progress": {item.name: getattr(self.progress, item.name) for item in dataclasses.fields(Progress)},
        }

    def fits(self, state: dict[str, Any]) -> bool:
        """Tell whether a saved state is of this model: the same weights by name and shape."""
        ours, theirs = self.model.state_dict(), state.get("model")
        if not isinstance(theirs, dict) or not all(isinstance(value, torch.Tensor) for value in theirs.values()):
            return False
        return {name: value.shape for name, value in ours.items()} == {n: value.shape for n, value in theirs.items()}

    def restore(self, state: dict[str, Any]) -> bool:
        """Go on from a saved state; False when it came from another kind of device, so that draws differ."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.progress = Progress(**state["progress"])
        self.averaging.restore(state["averaging"])
        return self.streams.restore(state["random"])

    def _learning_rate(self) -> float:
        if self.follow:
            return self.follow.learning_rates[self.progress.epoch]
        losses = [row["validation_loss"] for row in self.progress.curve]
        return learning_rate(self.training, self.progress.epoch + 1, losses)

    def _train(self, rate: float) -> float:
        self.model.train()
        if hasattr(self.model, "begin_epoch"):
            self.model.begin_epoch(self.progress.epoch + 1)
        self._set_rate(rate)
        total = torch.zeros((), device=self.device)
        for rows in self.batches():
            total += self._descend(self.train.take(rows, self.streams.masks)) * len(rows)
        return (total / len(self.train)).item()

    def batches(self) -> tuple[torch.Tensor, ...]:
        """Draw the batches of one epoch: indices of training trials."""
        order = torch.randperm(len(self.train), generator=self.streams.order).to(self.device)
        return order.tensor_split(self.steps)

    def one_step(self, rows: torch.Tensor, rate: float) -> float:
        """Take one optimiser step on some training trials at a learning rate; return the loss before it."""
        self.model.train()
        self._set_rate(rate)
        return self._descend(self.train.take(rows, self.streams.masks)).item()

    def _set_rate(self, rate: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def _descend(self, batch: Batch) -> torch.Tensor:
        self.optimizer.zero_grad(set_to_none=True)
        with precision(self.device, self.training.precision):
            loss = self.model.loss(batch)["loss"]
        # Memory is at its peak when gradients begin; what they need of the batch is kept for them.
        del batch
        loss.backward()
        if self.training.clip_norm:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.training.clip_norm)
        self.optimizer.step()
        self.averaging.after_step(self.progress.epoch + 1)
        return loss.detach()

    def _keep(self, epoch: int, loss: float) -> None:
        self.progress.best_epoch, self.progress.best_loss = epoch, loss
        self.progress.best = {name: value.detach().clone() for name, value in self.model.state_dict().items()}

    def _refuse_divergence(self, row: dict[str, Any]) -> None:
        losses = {name: row[name] for name in ("train_loss", "validation_loss") if row[name] is not None}
        wrong = [f"{name} {loss}" for name, loss in losses.items() if not math.isfinite(loss)]
        if wrong:
            raise Diverged(
                f"training diverged in epoch {row['epoch']} at learning rate {row['learning_rate']:.3g} ({wrong[0]}); "
                "try a lower training.learning_rate, some training.warmup_epochs, a smaller training.clip_norm "
                f"(now {self.training.clip_norm:g}), or training.precision float32"
            )
