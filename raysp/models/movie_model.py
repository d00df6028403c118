"""What a model of movies gives, and what models of independent units have in common."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import nn

from raysp.data.splits.movie import MovieSizes

NEW = -1
"""Stands for a movie that is not among those that are trained on."""

Run = tuple[torch.Tensor, torch.Tensor]
"""Spikes and rates of a free run, (trials, frames, units) each."""


class MovieModel(Protocol):
    """A model of spikes under a movie.

    A rate is the number of spikes that is expected in a bin; where a bin has one or none, the probability of one.
    """

    def clamped(self, frames: torch.Tensor, spikes: torch.Tensor, movie: int) -> torch.Tensor:
        """Return (repeats, frames, units) rates of each bin, given the frames up to it and the spikes before it.

        Args:
            frames: (frames, y, x) float32.
            spikes: (repeats, frames, units) float32, as recorded.
            movie: its place among those that are trained on, or NEW.
        """

    def free(self, frames: torch.Tensor, trials: int, movie: int, pushes: torch.Tensor | None = None) -> Run:
        """Return spikes and rates of a model that hears its own spikes; they are drawn from torch's own stream.

        Args:
            frames: (frames, y, x) float32.
            trials: how many.
            movie: as of `clamped`.
            pushes: (frames, units) float32 that are added to the logit of each bin's rate, or to the log rate where
                bins have counts; None for none. What a pushed unit does, others hear.
        """


def pushed(rates: torch.Tensor, pushes: torch.Tensor | None, *, binary: bool) -> torch.Tensor:
    """Return rates (..., frames, units) whose logits, or logarithms, have a push added."""
    if pushes is None:
        return rates
    return (rates.logit() + pushes).sigmoid() if binary else rates * pushes.exp()


def draw(rates: torch.Tensor, *, binary: bool) -> torch.Tensor:
    """Return spikes of these rates: one or none a bin, or their number."""
    return torch.bernoulli(rates) if binary else torch.poisson(rates)


class IndependentUnits(nn.Module):
    """Units whose rates follow from the time in the movie alone, whatever they did before.

    Attributes:
        mean: (units,) rate over all training repeats.
        course: (frames of all movies that are trained on, units) rates.
    """

    mean: torch.Tensor
    course: torch.Tensor

    def __init__(self, sizes: MovieSizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.register_buffer("mean", torch.zeros(sizes.units))
        self.register_buffer("course", torch.zeros(sum(sizes.lengths), sizes.units))

    def clamped(self, frames: torch.Tensor, spikes: torch.Tensor, movie: int) -> torch.Tensor:
        """Return the same rates for each repeat."""
        return self._rates(len(frames), movie).expand(len(spikes), -1, -1)

    def free(self, frames: torch.Tensor, trials: int, movie: int, pushes: torch.Tensor | None = None) -> Run:
        """Return independent spikes of these rates."""
        rates = pushed(self._rates(len(frames), movie), pushes, binary=self.sizes.binary).expand(trials, -1, -1)
        return draw(rates, binary=self.sizes.binary), rates

    def _rates(self, frames: int, movie: int) -> torch.Tensor:
        if movie == NEW:
            return self.mean.expand(frames, -1)
        return self.course.split(self.sizes.lengths)[movie]
