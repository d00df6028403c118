"""Weights averaged while training goes on: stochastic weight averaging, or an exponential moving average."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypedDict

import torch

from raysp.config.experiment import Training
from raysp.training.batches import Batches

if TYPE_CHECKING:
    from raysp.models.base import Model


class Averaged(TypedDict):
    """What going on with an average needs: the mean of the weights so far, and of how many."""

    mean: dict[str, torch.Tensor]
    count: int


class Averaging:
    """Mean weights beside those that are trained; from the epoch on at which it begins, they are what is validated.

    SWA (Izmailov et al. 2018): the plain mean of the weights after each epoch. EMA: after each optimiser step,
    mean <- d mean + (1 - d) weights, with d = min(decay, (1 + n) / (10 + n)) after n steps.

    Args:
        model: being trained.
        training: `average`, `average_from`, `average_decay`.
    """

    def __init__(self, model: Model, training: Training) -> None:
        self._model, self._training = model, training
        self._mean: dict[str, torch.Tensor] = {}
        self._count = 0

    def begins(self, epoch: int) -> bool:
        """Tell whether weights of this epoch (from 1) go into the mean."""
        training = self._training
        return training.average != "none" and epoch > first_epoch(training)

    def after_step(self, epoch: int) -> None:
        """Take in the weights after an optimiser step; SWA does nothing here."""
        if self._training.average == "ema" and self.begins(epoch):
            self._take(1.0 - min(self._training.average_decay, (1 + self._count) / (10 + self._count)))

    def after_epoch(self, epoch: int) -> None:
        """Take in the weights after an epoch; EMA does nothing here."""
        if self._training.average == "swa" and self.begins(epoch):
            self._take(1.0 / (self._count + 1))

    @contextlib.contextmanager
    def in_place(self, batches: Batches) -> Iterator[None]:
        """Put the mean weights into the model for the block; nothing happens before averaging has begun.

        Statistics of batch normalisation are those of the training data seen whole, as in evaluation: means of
        statistics taken under masks would be of other inputs.
        """
        if not self._count:
            yield
            return
        before = {name: value.detach().clone() for name, value in self._model.state_dict().items()}
        self._model.load_state_dict({**before, **self._mean})
        try:
            refresh(self._model, batches)
            yield
        finally:
            self._model.load_state_dict(before)

    def state(self) -> Averaged:
        """Return what going on exactly needs."""
        return {"mean": self._mean, "count": self._count}

    def restore(self, state: Averaged) -> None:
        """Go on from a saved state."""
        weights = dict(self._model.named_parameters())
        self._mean = {name: value.to(weights[name].device) for name, value in state["mean"].items()}
        self._count = state["count"]

    @torch.no_grad()
    def _take(self, share: float) -> None:
        for name, weights in self._model.named_parameters():
            if name in self._mean:
                self._mean[name].lerp_(weights, share)
            else:
                self._mean[name] = weights.detach().clone()
        self._count += 1


def first_epoch(training: Training) -> int:
    """Return the last epoch before averaging begins."""
    return round(training.average_from * training.epochs)


@torch.no_grad()
def refresh(model: Model, batches: Batches) -> None:
    """Take batch normalisation's statistics anew, over the training data with everything visible.

    Nothing is drawn and no other part of the model leaves its mode. A part of a model that keeps such statistics has
    `running_mean`, `momentum` and `reset_running_stats` as torch's own.
    """
    norms: list[Any] = [module for module in model.modules() if getattr(module, "running_mean", None) is not None]
    if not norms:
        return
    modes, momenta = [module.training for module in model.modules()], [norm.momentum for norm in norms]
    model.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.train()
    for number, piece in enumerate(batches.whole(), start=1):
        for norm in norms:
            # The plain mean over batches, each batch counting the same.
            norm.momentum = 1.0 / number
        batches.show(model, piece)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    for module, mode in zip(model.modules(), modes, strict=True):
        module.training = mode
