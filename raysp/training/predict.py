"""What a fitted model predicts, from what it may see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from raysp.data.splits.batch import to_device
from raysp.data.splits.population import TrialArrays
from raysp.models.prediction import Predicted, concatenate
from raysp.training.randomness import looking

if TYPE_CHECKING:
    from raysp.models.base import Model

BATCH = 256
"""Trials at a time; changes memory, not results."""


def predict(model: Model, trials: TrialArrays, device: torch.device | str, seed: int = 0) -> Predicted:
    """Return float32 arrays for all trials, in eval mode and without gradients, from held-in counts alone.

    Args:
        model: a fitted model, on `device`.
        trials: a part of a split; its held-out and forward counts are not shown to the model.
        device: where the model is.
        seed: of what the model draws, if it draws.
    """
    shown = to_device(TrialArrays(heldin=trials.heldin, rates=trials.rates), device)
    with looking(model, torch.device(device), seed):
        pieces = (shown.take(slice(start, start + BATCH)) for start in range(0, len(shown), BATCH))
        return concatenate([model.predict(piece.inputs()).numpy() for piece in pieces])
