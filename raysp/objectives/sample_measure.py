"""Summary statistics of simulated spikes beside recorded ones, as losses (sample-and-measure, Bellec et al. 2021).

`rates` are probabilities of a spike in a bin, `samples` the spikes that were drawn from them, both (trials, bins,
units) of a model's own runs; `spikes` are recorded, (repeats, bins, units), as many repeats as there are.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch.nn import functional

from raysp.objectives.noise_covariances import noise_covariances

Statistic = Literal["consistent", "published"]
LEAST_RATE = 1e-6
"""Mean rates are kept so far from 0 and 1 in a logarithm."""

LEAST_SQUARE = 1e-12
"""Of recorded covariances, where they are what a relative error is relative to."""


def clamped_loss(logits: torch.Tensor, spikes: torch.Tensor) -> torch.Tensor:
    """Return minus the log-likelihood of recorded spikes a bin and unit, given logits one bin ahead."""
    return functional.binary_cross_entropy_with_logits(logits, spikes)


def psth_loss(rates: torch.Tensor, spikes: torch.Tensor) -> torch.Tensor:
    """Return the cross-entropy of the mean over repeats under the mean over trials; lowest where they are the same.

    >>> one, other = torch.full((2, 1, 1), 0.5), torch.tensor([[[1.0]], [[0.0]]])
    >>> round(psth_loss(one, other).item(), 4)
    0.6931
    """
    mean = rates.mean(dim=0).clamp(LEAST_RATE, 1 - LEAST_RATE)
    return functional.binary_cross_entropy(mean, spikes.mean(dim=0))


def rate_loss(rates: torch.Tensor, spikes: torch.Tensor) -> torch.Tensor:
    """Return the squared error of units' rates over the mean square of the recorded ones.

    The product of the errors of two halves of the trials, whose expectation does not depend on how many they are.

    >>> round(rate_loss(torch.full((4, 1, 1), 0.6), torch.tensor([[[1.0]], [[0.0]]])).item(), 4)
    0.04
    """
    recorded = spikes.mean(dim=(0, 1))
    one, other = (half.mean(dim=(0, 1)) - recorded for half in rates.tensor_split(2))
    return (one * other).mean() / recorded.square().mean().clamp(min=LEAST_SQUARE)


def noise_loss(
    rates: torch.Tensor, samples: torch.Tensor, recorded: torch.Tensor, repeats: int, statistic: Statistic, *,
    relative: bool,
) -> torch.Tensor:  # fmt: skip
    """Return the mean squared error of simulated noise covariances, over pairs of units and lags.

    A squared error of few trials' covariances is larger by their variance. The consistent one is therefore the product
    of the errors of two halves of the trials: its expectation is the squared error of infinitely many, and a single one
    may be below 0.

    Args:
        rates: see above; of four trials or more where the statistic is "consistent".
        samples: likewise.
        recorded: (lags + 1, units, units) noise covariances of recorded spikes, not corrected for few repeats.
        repeats: how many those are of.
        statistic: "published" takes covariances of rates at lags 0 to `lags - 1`, which see no spike's own effect, and
            those of units with themselves in the same bin, which rates cannot have. "consistent" leaves the latter
            out, and takes what has the same expectation as covariances of spikes: in the same bin those of rates, at
            lags up to `lags` those of rates with the samples before. Both sides are then corrected for the mean of few
            trials.
        relative: divide by the mean square of the recorded covariances, the ones of units with themselves in the same
            bin left out, so that neither rates nor bins nor the number of units change what a weight means.
    """
    lags, units = len(recorded) - 1, recorded.shape[2]
    own = torch.eye(units, dtype=torch.bool, device=recorded.device)
    if statistic == "published":
        corrected, recorded = len(rates) != repeats, recorded[:-1]
        recorded = recorded * (repeats / (repeats - 1)) if corrected else recorded
        error = (noise_covariances(rates, rates, lags, corrected=corrected) - recorded).square()
    else:
        recorded = recorded * (repeats / (repeats - 1))
        halves = zip(rates.tensor_split(2), samples.tensor_split(2), strict=True)
        one, other = (_consistent(*half, lags) - recorded for half in halves)
        left_out = torch.cat([own[None], own.new_zeros(lags, units, units)])
        error = (one * other).masked_fill(left_out, 0)
    return error.mean() / _mean_square(recorded, own) if relative else error.mean()


def _consistent(rates: torch.Tensor, samples: torch.Tensor, lags: int) -> torch.Tensor:
    """Return (lags + 1, units, units) noise covariances that have the same expectation as those of spikes."""
    same = noise_covariances(rates, rates, 1, corrected=True)
    return torch.cat([same, noise_covariances(rates, samples, lags + 1, corrected=True)[1:]])


def hidden_loss(samples: torch.Tensor, rate: float) -> torch.Tensor:
    """Return the mean squared distance of hidden neurons' rates, (trials, bins, hidden) samples, to one rate."""
    return (samples.mean(dim=(0, 1)) - rate).square().mean()


def _mean_square(covariances: torch.Tensor, eye: torch.Tensor) -> torch.Tensor:
    """Return the mean square over entries, without those of units with themselves in the same bin."""
    square = covariances.square()
    total = square.sum() - square[0][eye].sum()
    return (total / max(square.numel() - len(eye), 1)).clamp(min=LEAST_SQUARE)
