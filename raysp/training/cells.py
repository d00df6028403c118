"""One loop for the networks of many cells of one recording: the same windows for all, best weights for each."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from raysp.config.experiment import Training
from raysp.data.splits.stimulus import StimulusSplit
from raysp.data.splits.windows import Tape, Windows, last_starts, window_starts
from raysp.errors import BadInput
from raysp.models.windowed import WindowModel
from raysp.training.descent import Descent, Diverged, Progress
from raysp.training.device import precision
from raysp.training.one_cycle import one_cycle
from raysp.training.randomness import Streams, looking
from raysp.training.schedule import is_over, learning_rate

BETAS = (0.9, 0.99)
LOOK = 768
"""Validation windows at a time, those of each cell counted; changes memory, not results."""


@dataclass
class CellProgress(Progress):
    """How far training has come, and how far each cell.

    Attributes:
        best_epochs: (cells,) the epoch of each cell's lowest validation loss.
        best_losses: (cells,) that loss.
    """

    best_epochs: torch.Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.int64))
    best_losses: torch.Tensor = field(default_factory=lambda: torch.zeros(0))


class CellDescent:
    """Networks being fitted by minibatch gradient descent, an epoch at a time.

    All draws (windows, shifts, dropout) are made once for all cells, and the loss is the sum of the cells': each cell's
    weights come out as if it were trained alone, but for the rounding of sums that are ordered otherwise when there are
    more of them. Which cells the others are changes no bit.

    Args:
        model: on the device; changed in place.
        training: how.
        split: the recording; its test part is not touched.
        tape: the same on the device.
        seed: of windows and dropout.
    """

    follow = None
    fits = Descent.fits

    def __init__(self, model: WindowModel, training: Training, split: StimulusSplit, tape: Tape, seed: int) -> None:
        check_training(training)
        self.model, self.training, self.tape, self.device = model, training, tape, tape.device
        where = f"{split.name}, training windows"
        config = model.config
        starts = window_starts(split.parts["train"], model.reach, config.train_stride, where)
        latest = last_starts(split.parts["train"], model.reach, starts)
        self._starts, self._latest = torch.as_tensor(starts), torch.as_tensor(latest)
        where = f"{split.name}, validation windows"
        chosen = window_starts(split.parts["validation"], model.reach, config.validation_stride, where)
        self.validation = torch.as_tensor(chosen).to(self.device)
        self.streams = Streams(seed, self.device)
        cells = split.sizes.cells
        self.progress = CellProgress(
            best_epochs=torch.zeros(cells, dtype=torch.int64), best_losses=torch.full((cells,), math.inf)
        )
        kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
        self.optimizer = kinds[training.optimizer](
            model.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay, betas=BETAS, fused=True
        )

    @property
    def steps(self) -> int:
        """Optimiser steps per epoch, of windows shared out evenly."""
        return math.ceil(len(self._starts) / self.training.batch_size)

    @property
    def epochs(self) -> int:
        """Epochs at most."""
        return self.training.epochs

    def over(self) -> bool:
        """Tell whether training has ended: for every cell, where patience ends it."""
        return is_over(self.training, self.progress.epoch, int(self.progress.best_epochs.max()))

    def shown(self) -> contextlib.AbstractContextManager:
        """Return a block in which the model has the weights that are validated: those it has."""
        return contextlib.nullcontext()

    def step(self) -> dict[str, Any]:
        """Train one epoch, validate, keep each cell's best weights; return the epoch's row of the curve.

        Raises:
            Diverged: a cell's loss became infinite or NaN.
        """
        epoch = self.progress.epoch + 1
        trained, rate = self._train(epoch)
        self._refuse_divergence(trained, "train", epoch, rate)
        losses = self.losses(self.validation)
        self._refuse_divergence(losses, "validation", epoch, rate)
        row = {
            "epoch": epoch,
            "train_loss": trained.mean().item(),
            "validation_loss": losses.mean().item(),
            "unseen_loss": None,
            "learning_rate": rate,
        }
        self.progress.curve.append(row)
        self._keep(epoch, losses)
        return row

    def losses(self, starts: torch.Tensor) -> torch.Tensor:
        """Return each cell's mean loss over windows, (cells,), in eval mode and float32; moves no random state."""
        total = 0.0
        with looking(self.model, self.device):
            for piece in starts.split(max(LOOK // len(self.tape.spikes), 1)):
                total = total + self.model.loss(self._windows(piece))["each"].float() * len(piece)
        return (total / len(starts)).cpu()

    def state(self) -> dict[str, Any]:
        """Return everything that going on exactly needs: weights, optimiser, random state, progress."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": self.streams.state(),
            "progress": {item.name: getattr(self.progress, item.name) for item in dataclasses.fields(CellProgress)},
        }

    def restore(self, state: dict[str, Any]) -> bool:
        """Go on from a saved state; False when it came from another kind of device, so that draws differ."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.progress = CellProgress(**state["progress"])
        return self.streams.restore(state["random"])

    def _windows(self, starts: torch.Tensor) -> Windows:
        return self.tape.windows(starts, self.model.reach.before)

    def _train(self, epoch: int) -> tuple[torch.Tensor, float]:
        """Return each cell's mean loss over the epoch, and the epoch's last learning rate."""
        self.model.train()
        done, total = (epoch - 1) * self.steps, torch.zeros(len(self.tape.spikes), device=self.device)
        rate = 0.0
        for step, starts in enumerate(self.batches()):
            rate = self._set_rate(*self._rate(epoch, done + step))
            total += self._descend(starts.to(self.device)) * len(starts)
        return (total / len(self._starts)).cpu(), rate

    def one_step(self, starts: torch.Tensor, rate: float) -> float:
        """Take one optimiser step on some windows at a learning rate; return the cells' mean loss before it."""
        self.model.train()
        self._set_rate(rate, BETAS[0])
        return self._descend(starts.to(self.device)).mean().item()

    def batches(self) -> tuple[torch.Tensor, ...]:
        """Draw the windows of one epoch in batches: every training window once, each shifted by less than a stride."""
        order, stride = self.streams.order, self.model.config.train_stride
        shift = torch.randint(stride, self._starts.shape, generator=order)
        starts = torch.minimum(self._starts + shift, self._latest)
        return starts[torch.randperm(len(starts), generator=order)].tensor_split(self.steps)

    def _descend(self, starts: torch.Tensor) -> torch.Tensor:
        windows = dataclasses.replace(self._windows(starts), generator=self.streams.masks)
        self.optimizer.zero_grad(set_to_none=True)
        with precision(self.device, self.training.precision):
            found = self.model.loss(windows)
        found["loss"].backward()
        if self.training.clip_norm:
            self._clip(self.training.clip_norm)
        self.optimizer.step()
        return found["each"].detach().float()

    def _clip(self, largest: float) -> None:
        """Clip the gradient of each cell's weights by that cell's norm, so that none knows of another's."""
        grads = [weights.grad for weights in self.model.parameters() if weights.grad is not None]
        if not self.model.one_per_cell:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), largest)
            return
        norm = sum(grad.flatten(1).square().sum(dim=1) for grad in grads).sqrt()
        factor = (largest / (norm + 1e-6)).clamp(max=1.0)
        for grad in grads:
            grad.mul_(factor.view(-1, *[1] * (grad.ndim - 1)))

    def _rate(self, epoch: int, step: int) -> tuple[float, float]:
        """Return the learning rate and the momentum of a step."""
        if self.training.schedule == "one_cycle":
            return one_cycle(step, self.steps * self.training.epochs, self.training.learning_rate)
        losses = [row["validation_loss"] for row in self.progress.curve]
        return learning_rate(self.training, epoch, losses), BETAS[0]

    def _set_rate(self, rate: float, momentum: float) -> float:
        for group in self.optimizer.param_groups:
            group["lr"], group["betas"] = rate, (momentum, BETAS[1])
        return rate

    def _keep(self, epoch: int, losses: torch.Tensor) -> None:
        progress, mean = self.progress, losses.mean().item()
        if mean < progress.best_loss:
            progress.best_epoch, progress.best_loss = epoch, mean
        if not self.model.one_per_cell:
            losses = losses.new_full(losses.shape, mean)
        better = losses < progress.best_losses
        if self.training.patience:
            # Alone, a cell's training would have ended here; that of others may go on.
            better &= epoch - 1 - progress.best_epochs < self.training.patience
        progress.best_losses = torch.where(better, losses, progress.best_losses)
        progress.best_epochs = torch.where(better, epoch, progress.best_epochs)
        if not better.any():
            return
        now = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        if progress.best and self.model.one_per_cell:
            chosen = better.to(self.device)
            for name, value in now.items():
                mask = chosen.view(-1, *[1] * (value.ndim - 1))
                now[name] = torch.where(mask, value, progress.best[name].to(value.device))
        progress.best = now

    def _refuse_divergence(self, losses: torch.Tensor, part: str, epoch: int, rate: float) -> None:
        wrong = np.flatnonzero(~np.isfinite(losses.numpy()))
        if len(wrong):
            raise Diverged(
                f"training diverged in epoch {epoch} at learning rate {rate:.3g} ({part} loss of {len(wrong)} of "
                f"{len(losses)} cells is not finite); try a lower training.learning_rate or training.precision float32"
            )


def check_training(training: Training) -> None:
    """Refuse settings that mean nothing for the windows of a recording.

    Raises:
        BadInput: averaged weights, a refit, validation on the evaluation part, a rate that follows the loss (one rate
            is for all cells), or a warm-up before a cycle that has its own were asked for.
    """
    refused = {"average": "none", "refit": False, "validate_on": "train"}
    for name, only in refused.items():
        if (value := getattr(training, name)) != only:
            raise BadInput(f"a recording in one piece has training.{name} {only!r} alone, got {value!r}")
    if training.schedule == "plateau":
        raise BadInput(
            "a recording in one piece expected training.schedule constant, cosine or one_cycle, got 'plateau': one "
            "learning rate is for all cells, and would follow their mean loss"
        )
    if training.schedule == "one_cycle" and training.warmup_epochs:
        raise BadInput(
            f"training.schedule one_cycle rises by itself: expected training.warmup_epochs 0, got "
            f"{training.warmup_epochs}"
        )


def check_goes(model: WindowModel, parts: Mapping[str, Sequence[Sequence[int]]], training: Training | None) -> None:
    """Refuse, before anything is trained, what would be refused when training begins.

    Args:
        model: may be without memory for its weights.
        parts: of the recording, name -> stretches.
        training: how it is fitted; None where it fits itself.

    Raises:
        BadInput: a part is shorter than a window, or a training setting means nothing here.
    """
    stretches = {name: [(first, last) for first, last in part] for name, part in parts.items()}
    window_starts(stretches["test"], model.reach, model.step, "test part")
    if training is not None:
        check_training(training)
        window_starts(stretches["train"], model.reach, model.config.train_stride, "training part")
        window_starts(stretches["validation"], model.reach, model.config.validation_stride, "validation part")
