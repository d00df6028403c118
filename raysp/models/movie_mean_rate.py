"""The floor of movies: each unit's mean rate, at all times."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from raysp.data.splits.movie import MovieSizes, MovieSplit
from raysp.models import base
from raysp.models.base import Stages
from raysp.models.movie_model import IndependentUnits


@dataclass(frozen=True)
class Config(base.Config):
    """Nothing to choose."""


class Model(IndependentUnits):
    """The mean of all scored bins of the training repeats."""

    reads = MovieSplit

    def __init__(self, config: Config, sizes: MovieSizes) -> None:
        super().__init__(sizes)

    def fit(self, split: MovieSplit, stages: Stages) -> None:
        """Take each unit's mean."""
        self.mean.copy_(mean_rates(split))
        self.course.copy_(self.mean.expand_as(self.course))


def mean_rates(split: MovieSplit) -> torch.Tensor:
    """Return (units,) spikes a bin over all training repeats; never 0, nor 1 where a bin has one or none."""
    scored = [torch.as_tensor(one.spikes[:, split.sizes.first :]).flatten(0, 1) for one in split.train]
    spikes = torch.cat(scored).double()
    most = len(spikes) - 0.5 if split.sizes.binary else None
    return (spikes.sum(dim=0).clamp(0.5, most) / len(spikes)).float()
