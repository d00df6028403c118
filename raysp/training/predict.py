"""What a fitted model predicts, from what it may see."""

from __future__ import annotations

import torch
from torch import nn

from raysp.data.splits.batch import Batch, to_device
from raysp.data.splits.population import Trials
from raysp.models.prediction import Prediction, concatenate
from raysp.training.randomness import looking

BATCH = 256
"""Trials at a time; changes memory, not results."""


def predict(model: nn.Module, trials: Trials, device: torch.device | str, batch_size: int = BATCH) -> Prediction:
    """Return float32 arrays for all trials, in eval mode and without gradients, from held-in counts alone.

    Args:
        model: a fitted model, on `device`.
        trials: a part of a split; its held-out and forward counts are not shown to the model.
        device: where the model is.
        batch_size: trials at a time.
    """
    shown = Trials(heldin=trials.heldin, rates=trials.rates)
    return predict_batch(model, to_device(shown, device), torch.device(device), batch_size)


def predict_batch(model: nn.Module, trials: Batch, device: torch.device, batch_size: int = BATCH) -> Prediction:
    """Return the same for trials that are on the device already."""
    with looking(model, device):
        pieces = (trials.take(slice(start, start + batch_size)) for start in range(0, len(trials), batch_size))
        return concatenate([model.predict(piece.inputs()).numpy() for piece in pieces])
