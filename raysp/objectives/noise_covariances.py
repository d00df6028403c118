"""Covariances of what units do at some lag: what is each trial's own, without what trials have in common."""

from __future__ import annotations

import torch
from torch.autograd.function import once_differentiable

from raysp.config.gradient import Context

FEW = 2
"""Trials, or lags, of which products of spectra are no fewer than those of activities."""

MOST = 4
"""Numbers of kept products for each number of spikes that they are of."""


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
    if min(trials, lags) <= FEW:
        flat = one.flatten(0, 1).T
        return torch.stack([flat @ other.roll(lag, 1).flatten(0, 1) for lag in range(lags)]) / (trials * times)
    return _Products.apply(one, None if other is one else other, lags)


class _Products(torch.autograd.Function):
    """Products of spectra: for each frequency one matrix forward and one backward, where lags would take one each.

    A spectrum is real: its real parts of all trials, then the imaginary ones. Turned by 90 degrees it gives the
    imaginary parts of products.
    """

    @staticmethod
    def forward(
        ctx: Context[tuple[int, bool]], one: torch.Tensor, other: torch.Tensor | None, lags: int
    ) -> torch.Tensor:
        times, own = one.shape[1], _spectrum(one)
        others = own if other is None else _spectrum(other)
        cosines, sines, twice = _waves(times, lags, one)
        ctx.save_for_backward(own, others, cosines, sines)
        ctx.kept = times, other is None
        real, imaginary = (torch.bmm(own.mT, each).flatten(1) for each in (others, _turned(others)))
        found = (twice * cosines) @ real - (twice * sines) @ imaginary
        return found.unflatten(1, (own.shape[2], -1)) / (len(one) * times**2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Context[tuple[int, bool]], given: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (own, others, cosines, sines), (times, alone) = ctx.saved_tensors, ctx.kept
        back = given.mT if alone else 0
        real, imaginary = cosines.T @ (given + back).flatten(1), sines.T @ (back - given).flatten(1)
        real, imaginary = (each.unflatten(1, given.shape[1:]) for each in (real, imaginary))
        to_own = to_others = None
        if ctx.needs_input_grad[0]:
            to_own = _back(torch.bmm(others, real.mT) + torch.bmm(_turned(others), imaginary.mT), times)
        if ctx.needs_input_grad[1]:
            to_others = _back(torch.bmm(own, real) - torch.bmm(_turned(own), imaginary), times)
        return to_own, to_others, None


def _waves(times: int, lags: int, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return cosines and sines (lags, frequencies), and how often a frequency counts that stands for its mirror too."""
    frequencies = torch.arange(times // 2 + 1, dtype=torch.float64)
    angles = 2 * torch.pi / times * torch.arange(lags, dtype=torch.float64)[:, None] * frequencies
    once = (frequencies == 0) | (2 * frequencies == times)
    cosines, sines, twice = (one.to(like) for one in (angles.cos(), angles.sin(), torch.where(once, 1.0, 2.0)))
    return cosines, sines, twice


def _spectrum(values: torch.Tensor) -> torch.Tensor:
    """Return (frequencies, 2 * trials, units) of (trials, times, units)."""
    found = torch.view_as_real(torch.fft.rfft(values, dim=1))
    return found.permute(1, 3, 0, 2).reshape(found.shape[1], -1, found.shape[2])


def _turned(spectrum: torch.Tensor) -> torch.Tensor:
    real, imaginary = spectrum.chunk(2, dim=1)
    return torch.cat([-imaginary, real], dim=1)


def _back(spectrum: torch.Tensor, times: int) -> torch.Tensor:
    """Return the gradient in (trials, times, units), of means over trials and times."""
    real, imaginary = spectrum.chunk(2, dim=1)
    found = torch.fft.irfft(torch.complex(real, imaginary), n=times, dim=0)
    return found.transpose(0, 1) / (found.shape[1] * times)


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
    >>> RecordedCovariances(spikes, 2).of(torch.tensor([0, 1])).ravel().tolist()
    [0.125, 0.0]
    """

    def __init__(self, spikes: torch.Tensor, lags: int) -> None:
        self._spikes, self._lags = spikes, lags
        _, times, units = spikes.shape
        self._sums: torch.Tensor | None = None
        if lags * units <= MOST * times:
            found = [lagged_products(one, one, lags) * times for one in spikes.float().split(1)]
            # Sums of counts are whole numbers: single precision keeps them as they are.
            self._sums = torch.stack(found).round()

    def of(self, repeats: torch.Tensor) -> torch.Tensor:
        """Return (lags, units, units), as `noise_covariances` of those repeats, not corrected."""
        some = self._spikes[repeats].float()
        if self._sums is None:
            return noise_covariances(some, some, self._lags, corrected=False)
        mean = some.sum(dim=0, keepdim=True).double() / len(some)
        products = self._sums[repeats].sum(dim=0).double() / some[..., 0].numel()
        return (products - lagged_products(mean, mean, self._lags)).float()
