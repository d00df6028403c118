"""Covariances of what units do at some lag: what is each trial's own, without what trials have in common."""

from __future__ import annotations

import torch


def lagged_products(one: torch.Tensor, other: torch.Tensor, lags: int) -> torch.Tensor:
    """Return (lags, units, units) means over trials and times of one's i at t times the other's j at t - lag, circular.

    Args:
        one: (trials, times, units).
        other: likewise.
        lags: how many, the first of which is 0; no more than times.

    >>> lagged_products(torch.tensor([[[1.0], [0.0]]]), torch.tensor([[[0.0], [1.0]]]), 2).ravel().tolist()
    [0.0, 0.5]
    """
    trials, times, _ = one.shape
    flat = one.flatten(0, 1).T
    return torch.stack([flat @ other.roll(lag, 1).flatten(0, 1) for lag in range(lags)]) / (trials * times)


def noise_covariances(one: torch.Tensor, other: torch.Tensor, lags: int, *, corrected: bool) -> torch.Tensor:
    """Return (lags, units, units) covariances of one's i at t and the other's j at t - lag, with gradients.

    Args:
        one: (trials, times, units).
        other: likewise, of the same trials; `one` itself for its own covariances.
        lags: how many, the first of which is 0.
        corrected: multiply by trials / (trials - 1): the mean of few trials takes a share of what is each one's own.
    """
    trials = len(one)
    own = one - one.mean(dim=0)
    found = lagged_products(own, own if other is one else other - other.mean(dim=0), lags)
    return found * (trials / (trials - 1)) if corrected else found


class RecordedCovariances:
    """Noise covariances of any of a movie's repeats, from products that are computed once.

    Args:
        spikes: (repeats, times, units) counts.
        lags: how many, the first of which is 0.

    >>> spikes = torch.tensor([[[1.0], [0.0]], [[0.0], [0.0]], [[1.0], [1.0]]])
    >>> RecordedCovariances(spikes, 2).of(torch.tensor([0, 1]), corrected=False).ravel().tolist()
    [0.125, 0.0]
    """

    def __init__(self, spikes: torch.Tensor, lags: int) -> None:
        self._spikes, self._lags = spikes.float(), lags
        # Sums of counts are whole numbers: single precision keeps them as they are.
        self._products = torch.stack([lagged_products(one[None], one[None], lags) for one in self._spikes])

    def of(self, repeats: torch.Tensor, *, corrected: bool) -> torch.Tensor:
        """Return (lags, units, units), as `noise_covariances` of those repeats."""
        mean = self._spikes[repeats].double().mean(dim=0, keepdim=True)
        found = self._products[repeats].double().mean(dim=0) - lagged_products(mean, mean, self._lags)
        count = len(repeats)
        return (found * (count / (count - 1)) if corrected else found).float()
