"""The Poisson likelihood of spike counts, in float32 whatever the model computed in, over the bins that are known."""

from __future__ import annotations

import torch

from raysp.errors import BadInput
from raysp.objectives.loss import Loss

MAX_LOG_RATE = 7.0
"""Natural log of expected spikes per bin: 1,097, above what any unit fires. Beyond it exp is continued by its tangent
in the loss, so that the loss stays finite and convex and its gradient points back, and is held there in rates."""


def rates(log_rates: torch.Tensor) -> torch.Tensor:
    """Return expected spikes per bin, float32, finite for any finite log rate (held at exp(MAX_LOG_RATE))."""
    return log_rates.float().clamp(max=MAX_LOG_RATE).exp()


def negative_log_likelihood(log_rates: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """Return -ln p(counts) of a Poisson law for every entry, without the term ln(counts!) that no rate changes.

    exp(l) - y l, with y the count and l the log rate; exp continued by its tangent above `MAX_LOG_RATE`.

    Args:
        log_rates: any shape, natural log of expected spikes per bin.
        counts: the same shape, spikes per bin, no NaN.

    Raises:
        BadInput: the shapes differ.
    """
    if log_rates.shape != counts.shape:
        raise BadInput(f"log rates and counts expected one shape, got {_shape(log_rates)} and {_shape(counts)}")
    log_rates, counts = log_rates.float(), counts.float()
    tangent = 1.0 + torch.relu(log_rates - MAX_LOG_RATE)
    return rates(log_rates) * tangent - counts * log_rates


def poisson_loss(log_rates: torch.Tensor, counts: torch.Tensor) -> Loss:
    """Return the mean negative log-likelihood over the known entries.

    Args:
        log_rates: (trials, bins, units) natural log of expected spikes per bin.
        counts: (trials, bins, units) spikes per bin; NaN marks what is unknown and adds nothing, nor any gradient.

    Raises:
        BadInput: the shapes differ.
    """
    known = ~torch.isnan(counts)
    entries = negative_log_likelihood(log_rates, torch.nan_to_num(counts))
    return Loss.mean((entries * known).sum(), known.sum())


def repeats_loss(log_rates: torch.Tensor, counts: torch.Tensor, repeats: torch.Tensor) -> Loss:
    """Return the mean negative log-likelihood over bins and repeats, where one rate stands for several repeats.

    Args:
        log_rates: (currents, bins) natural log of expected spikes per bin.
        counts: (currents, bins) mean spikes per bin of the repeats, no NaN.
        repeats: (currents, bins) how many there are; a bin with none adds nothing, nor any gradient.

    Raises:
        BadInput: the shapes differ.
    """
    entries = negative_log_likelihood(log_rates, counts)
    return Loss.mean((entries * repeats).sum(), repeats.sum())


def _shape(tensor: torch.Tensor) -> tuple[int, ...]:
    return tuple(tensor.shape)
