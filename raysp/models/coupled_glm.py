"""The coupled generalised linear model (Pillow et al. 2008): filters of the movie, and of all units' own spikes.

Its likelihood has one maximum for each ridge penalty, which L-BFGS finds; the validation repeats select the penalty.
There are no hidden units, and what its own spikes do in free runs is not fitted.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import minimize
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from raysp.config.ranges import Count, Natural, Positive, Several
from raysp.data.splits.movie import MovieSizes, MovieSplit, Repeats
from raysp.errors import expect
from raysp.models import base
from raysp.models.base import Stages
from raysp.models.movie_features import last_frames, past_spikes
from raysp.models.movie_model import Run, draw

MOST_LOGIT, MOST_LOG_RATE = 13.0, 5.0
"""Rates stay inside (0, 1) where a bin has a spike or none, and below 150 spikes a bin elsewhere."""

Piece = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""Of one movie: frames (bins, inputs), past spikes (repeats, bins, inputs) and spikes (repeats, bins, units)."""


@dataclass(frozen=True)
class Config(base.Config):
    """How far back it looks, and how it is fitted.

    Attributes:
        frames: of the movie up to a bin, that one included.
        lags: bins of spikes before it.
        ridges: penalties on squared weights, nats a bin; the validation repeats select one.
        iterations: of L-BFGS, at most, for each.
        stretches: of the movie, each left out of a fit in turn, on which validation repeats select the penalty; 0 for
            the whole movie, whose repeats say nothing of what is right for another one.
    """

    frames: Count = 10
    lags: Count = 9
    ridges: Several[Positive] = (1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5)
    iterations: Count = 300
    stretches: Natural = 0


class Model(nn.Module):
    """A generalised linear model of each unit: logistic where a bin has a spike or none, else Poisson.

    Attributes:
        filters: (inputs, units) of the last frames, pixels less their mean over their standard deviation.
        couplings: (post, pre, lags) what a spike adds to the logit, or to the log rate, lag 1 first.
        bias: (units,).
        scale: (2,) mean and standard deviation of the training movies' pixels.
    """

    reads = MovieSplit
    filters: torch.Tensor
    couplings: torch.Tensor
    bias: torch.Tensor
    scale: torch.Tensor

    def __init__(self, config: Config, sizes: MovieSizes) -> None:
        super().__init__()
        back, shortest = max(config.frames - 1, config.lags), min(sizes.lengths)
        expect(
            back < shortest,
            f"model coupled_glm, frames and lags expected fewer than the shortest movie's {shortest} frames, got "
            f"{config.frames} and {config.lags}",
        )
        self.config, self.sizes, units = config, sizes, sizes.units
        self.register_buffer("filters", torch.zeros(config.frames * sizes.height * sizes.width, units))
        self.register_buffer("couplings", torch.zeros(units, units, config.lags))
        self.register_buffer("bias", torch.zeros(units))
        self.register_buffer("scale", torch.tensor([0.0, 1.0]))

    def fit(self, split: MovieSplit, stages: Stages) -> None:
        """Fit with each penalty, the strongest first, and keep what predicts the validation repeats best."""
        pixels = torch.cat([torch.as_tensor(one).flatten() for one in split.movies[: len(split.train)]])
        self.scale.copy_(torch.stack([pixels.mean(), pixels.std().clamp(min=1e-6)]))
        train, validation = ([self._piece(split, one) for one in part] for part in (split.train, split.validation))
        start, found = torch.zeros(self._inputs + 1, self.sizes.units), {}
        for ridge in sorted(self.config.ridges, reverse=True):
            start = stages.once(f"ridge {ridge:g}", functools.partial(self._fitted, train, start, ridge))
            judged = functools.partial(self._judged, train, validation, start, ridge)
            found[stages.once(f"judged {ridge:g}", judged)] = start
        self._take(found[min(found)])

    def clamped(self, frames: torch.Tensor, spikes: torch.Tensor, movie: int) -> torch.Tensor:
        """Return rates given the recorded spikes before each bin."""
        couplings = self.couplings.permute(2, 1, 0).flatten(0, 1)
        return self._rates(self._drive(frames) + past_spikes(spikes, self.config.lags) @ couplings)

    def free(self, frames: torch.Tensor, trials: int, movie: int, pushes: torch.Tensor | None = None) -> Run:
        """Run from silence, bin by bin."""
        drive, couplings = self._drive(frames), self.couplings.permute(2, 1, 0).flatten(0, 1)
        drive = drive if pushes is None else drive + pushes
        past = drive.new_zeros(trials, self.config.lags, self.sizes.units)
        spikes, rates = [], []
        for now in drive:
            rates.append(self._rates(now + past.flatten(1) @ couplings))
            spikes.append(draw(rates[-1], binary=self.sizes.binary))
            past = torch.cat([spikes[-1][:, None], past[:, :-1]], dim=1)
        return torch.stack(spikes, dim=1), torch.stack(rates, dim=1)

    @property
    def _inputs(self) -> int:
        return len(self.filters) + self.config.lags * self.sizes.units

    def _drive(self, frames: torch.Tensor) -> torch.Tensor:
        return self._frames(frames) @ self.filters + self.bias

    def _frames(self, frames: torch.Tensor) -> torch.Tensor:
        mean, spread = self.scale
        return last_frames((frames - mean) / spread, self.config.frames)

    def _rates(self, inputs: torch.Tensor) -> torch.Tensor:
        if self.sizes.binary:
            return inputs.clamp(-MOST_LOGIT, MOST_LOGIT).sigmoid()
        return inputs.clamp(-MOST_LOGIT, MOST_LOG_RATE).exp()

    def _piece(self, split: MovieSplit, one: Repeats) -> Piece:
        """Return what is read and what is to be predicted, without the bins that are history alone."""
        first, spikes = self.sizes.first, torch.as_tensor(one.spikes).float()
        frames = self._frames(torch.as_tensor(split.movies[one.movie]))
        return frames[first:], past_spikes(spikes, self.config.lags)[:, first:], spikes[:, first:]

    def _nats(self, pieces: list[Piece], weights: torch.Tensor) -> torch.Tensor:
        """Return minus the log-likelihood a bin, summed over units."""
        filters, couplings, bias = weights.split([len(self.filters), self._inputs - len(self.filters), 1])
        total, bins = weights.new_zeros(()), 0
        for frames, past, spikes in pieces:
            inputs = (frames @ filters + bias) + past @ couplings
            if self.sizes.binary:
                total = total + binary_cross_entropy_with_logits(inputs, spikes, reduction="sum")
            else:
                inputs = inputs.clamp(max=MOST_LOG_RATE)
                total = total + (inputs.exp() - spikes * inputs).sum()
            bins += spikes.shape[0] * spikes.shape[1]
        return total / bins

    def _judged(self, train: list[Piece], validation: list[Piece], weights: torch.Tensor, ridge: float) -> float:
        """Return minus the log-likelihood a bin of the validation repeats, by fits that have not seen their stretch."""
        count = self.config.stretches
        if not count:
            return self._nats(validation, weights).item()
        total = 0.0
        for one in range(count):
            others = [_bins(piece, one, count, inside=False) for piece in train]
            found = self._fitted(others, torch.zeros_like(weights), ridge)
            total += self._nats([_bins(piece, one, count, inside=True) for piece in validation], found).item()
        return total / count

    def _fitted(self, pieces: list[Piece], start: torch.Tensor, ridge: float) -> torch.Tensor:
        """Return weights (inputs and bias, units) of least penalised loss."""

        def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
            weights = torch.tensor(flat.reshape(start.shape), dtype=torch.float32, requires_grad=True)
            with torch.enable_grad():
                total = self._nats(pieces, weights) + ridge * weights[:-1].square().sum()
                (gradient,) = torch.autograd.grad(total, weights)
            return total.item(), gradient.double().numpy().ravel()

        options = {"maxiter": self.config.iterations, "maxfun": 2 * self.config.iterations, "ftol": 1e-6, "gtol": 1e-5}
        found = minimize(loss, start.double().numpy().ravel(), jac=True, method="L-BFGS-B", options=options)
        return torch.tensor(found.x.reshape(start.shape), dtype=torch.float32)

    def _take(self, weights: torch.Tensor) -> None:
        filters, couplings, bias = weights.split([len(self.filters), self._inputs - len(self.filters), 1])
        self.filters.copy_(filters)
        self.couplings.copy_(couplings.reshape(self.config.lags, -1, self.sizes.units).permute(2, 1, 0))
        self.bias.copy_(bias[0])


def _bins(piece: Piece, stretch: int, count: int, *, inside: bool) -> Piece:
    """Return the bins of one of so many stretches of a movie, or the others."""
    frames, past, spikes = piece
    kept = (torch.arange(len(frames)) * count // len(frames) == stretch) == inside
    return frames[kept], past[:, kept], spikes[:, kept]
