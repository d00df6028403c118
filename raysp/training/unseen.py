"""The loss that models are compared by while they train: of what none of them was shown, in one unit for all."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch

from raysp.data.splits.batch import Batch
from raysp.objectives.poisson import negative_log_likelihood
from raysp.training.randomness import looking

if TYPE_CHECKING:
    from raysp.models.base import Model
    from raysp.models.prediction import Prediction

BATCH = 256
"""Trials at a time; changes memory, not results."""

LEAST_RATE = 1e-9
"""Expected spikes per bin; what nlb_tools scores a rate of zero as."""


def unseen_loss(model: Model, trials: Batch, device: torch.device, seed: int = 0) -> float | None:
    """Return a model's mean Poisson loss over held-out units and forward bins, from held-in counts alone.

    Nats per known entry (one unit in one bin), without the term ln(counts!) that no rate changes. Held-in counts are
    the input, and copying them would look good: they are left out. The random state does not move.

    Args:
        model: any that predicts, on the device.
        trials: with all counts that are known, on the device.
        device: where.
        seed: of what the model draws, if it draws.

    Returns:
        None where no such entry is known, as in a split without held-out units and forward bins; not finite where
        the rates are not.
    """
    found = _means(lambda batch: [model.predict(batch)], model, trials, device, seed)
    return None if found is None else found.item()


def unseen_of_members(model: Model, trials: Batch, device: torch.device, seed: int = 0) -> torch.Tensor | None:
    """Return that loss of each member of a population, (lanes,) on the CPU; arguments as above."""
    found = _means(model.predict_each, model, trials, device, seed, max(BATCH // (model.lanes or 1), 1))
    return None if found is None else found.cpu()


def unseen_each(model: Model, trials: Batch, device: torch.device, seed: int = 0) -> list[float]:
    """Return that loss of each trial by itself, NaN where a trial has no such entry; arguments as above."""
    found = []
    with looking(model, device, seed):
        for start in range(0, len(trials), BATCH):
            piece = trials.take(slice(start, start + BATCH))
            pairs = _entries(piece)
            rates = model.predict(piece.inputs()) if pairs else None
            given = [(getattr(rates, part), units, counts) for part, units, counts in pairs]
            for i in range(len(piece)):
                one = [_losses(None if r is None else r[i : i + 1], units, c[i : i + 1]) for r, units, c in given]
                total, known = (float(sum(loss[k] for loss in one)) for k in (0, 1))
                found.append(total / known if known else math.nan)
    return found


def _means(
    predict: Callable[[Batch], Sequence[Prediction[torch.Tensor]]],
    model: Model,
    trials: Batch,
    device: torch.device,
    seed: int,
    at_once: int = BATCH,
) -> torch.Tensor | None:
    """Return (predictions,) the mean loss of each prediction that is made; None where no entry is known."""
    total = known = torch.zeros((), device=device, dtype=torch.float64)
    with looking(model, device, seed):
        for start in range(0, len(trials), at_once):
            piece = trials.take(slice(start, start + at_once))
            if pairs := _entries(piece):
                found = predict(piece.inputs())
                for part, units, counts in pairs:
                    each = [_losses(getattr(rates, part), units, counts) for rates in found]
                    total = total + torch.stack([torch.as_tensor(entries, device=device) for entries, _ in each])
                    known = known + each[0][1]
    return None if not known.item() else total / known


def _entries(trials: Batch) -> list[tuple[str, slice, torch.Tensor]]:
    """Return (part of a prediction, its units, counts) of all that is not shown and known."""
    heldin = trials.heldin.shape[2]
    shown, hidden = slice(None, heldin), slice(heldin, None)
    cases = [
        ("rates", hidden, trials.heldout),
        ("rates_forward", shown, trials.heldin_forward),
        ("rates_forward", hidden, trials.heldout_forward),
    ]
    return [(part, units, counts) for part, units, counts in cases if counts is not None and counts.numel()]


def _losses(
    rates: torch.Tensor | None, units: slice, counts: torch.Tensor
) -> tuple[torch.Tensor | float, torch.Tensor | int]:
    """Return the sum of the losses of known entries, and how many they are; nothing of what is not predicted."""
    if rates is None:
        return 0.0, 0
    log_rates = torch.as_tensor(rates, device=counts.device)[..., units].float().clamp(min=LEAST_RATE).log()
    seen = ~torch.isnan(counts)
    entries = negative_log_likelihood(log_rates, torch.nan_to_num(counts))
    return (entries * seen).sum(dtype=torch.float64), seen.sum()
