"""The learning rate and the end of training, as functions of what has happened: nothing of them needs a checkpoint."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from raysp.config.experiment import Training
from raysp.errors import present
from raysp.training.one_cycle import one_cycle

ANNEAL_EPOCHS = 10


def learning_rate(training: Training, epoch: int, losses: Sequence[float | None]) -> float:
    """Return the learning rate of an epoch.

    A linear rise over the warm-up epochs, then: constant; a half cosine that would reach 0 one epoch after the last
    (Loshchilov & Hutter 2017, one cycle); one cycle of three phases, see `one_cycle`; or halved whenever
    `plateau_patience` epochs brought no better loss. Once stochastic weight averaging has begun, its own rate.

    Args:
        training: how the model is fitted.
        epoch: from 1.
        losses: validation losses of all epochs before this one; None without validation.
    """
    start = round(training.average_from * training.epochs)
    if training.average == "swa" and epoch > start:
        return _annealed(
            training, epoch - start, learning_rate(replace(training, average="none"), max(start, 1), losses)
        )
    peak, warmup = training.learning_rate, training.warmup_epochs
    if epoch <= warmup:
        return peak * epoch / (warmup + 1)
    if training.schedule == "cosine":
        done = (epoch - 1 - warmup) / max(training.epochs - warmup, 1)
        return peak * 0.5 * (1.0 + math.cos(math.pi * done))
    if training.schedule == "one_cycle":
        return one_cycle(epoch - 1 - warmup, max(training.epochs - warmup, 1), peak)[0]
    if training.schedule == "plateau":
        return peak * 0.5 ** halvings([present(loss) for loss in losses[warmup:]], training.plateau_patience)
    return peak


def _annealed(training: Training, epochs: int, before: float) -> float:
    """Return the rate so many epochs into stochastic weight averaging: half a cosine to its own rate, then constant."""
    goal, done = training.average_rate * training.learning_rate, min(epochs / ANNEAL_EPOCHS, 1.0)
    return goal + (before - goal) * 0.5 * (1.0 + math.cos(math.pi * done))


def halvings(losses: Sequence[float], patience: int) -> int:
    """Return how often `patience` epochs in a row brought no loss below the best before them."""
    best, waited, count = math.inf, 0, 0
    for loss in losses:
        best, waited = (loss, 0) if loss < best else (best, waited + 1)
        if waited == patience:
            count, waited = count + 1, 0
    return count


def is_over(training: Training, epoch: int, best_epoch: int) -> bool:
    """Tell whether training ends after `epoch`: all epochs done, or `patience` of them without a better loss."""
    return epoch >= training.epochs or 0 < training.patience <= epoch - best_epoch
