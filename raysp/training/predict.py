"""What a fitted model predicts, from what it may see."""

from __future__ import annotations

import torch
from torch import nn

from raysp.data.batch import Batch, to_device
from raysp.data.split import Trials
from raysp.models.prediction import Prediction, concatenate
from raysp.objectives.poisson import poisson_loss
from raysp.training.randomness import looking

BATCH = 256
"""Trials at a time; changes memory, not results."""

LEAST_RATE = 1e-9
"""Expected spikes per bin; what nlb_tools scores a rate of zero as."""


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


def unseen_loss(prediction: Prediction, trials: Trials) -> dict[str, float]:
    """Return {"validation_loss": ...}: the mean Poisson loss over what the model was not shown.

    That is held-out neurons and forward bins; held-in counts are the input, and copying them would look good. Nothing
    is returned where a split has neither.

    Args:
        prediction: rates of the trials, (trials, bins, neurons), held-in neurons first.
        trials: with all counts that are known.
    """
    shown, found = trials.heldin.shape[2], prediction.numpy()
    pairs = [(found.rates[..., shown:], trials.heldout)]
    if found.rates_forward is not None:
        forward = found.rates_forward
        pairs += [(forward[..., :shown], trials.heldin_forward), (forward[..., shown:], trials.heldout_forward)]
    known = [(torch.as_tensor(r).flatten(), torch.as_tensor(c).flatten()) for r, c in pairs if c is not None]
    if not sum(counts.numel() for _, counts in known):
        return {}
    rates, counts = (torch.cat(parts) for parts in zip(*known, strict=True))
    return {"validation_loss": poisson_loss(rates.clamp(min=LEAST_RATE).log(), counts)["loss"].item()}
