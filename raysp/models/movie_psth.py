"""The ceiling of what the movie explains: the peri-stimulus time histogram of the training repeats.

Units are independent of each other and of their past, so that it has no noise correlation at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from raysp.config.ranges import Positive, Several
from raysp.data.splits.movie import MovieSizes, MovieSplit
from raysp.models import base
from raysp.models.base import Stages
from raysp.models.movie_mean_rate import mean_rates
from raysp.models.movie_model import IndependentUnits
from raysp.objectives.spike_nats import nats


@dataclass(frozen=True)
class Config(base.Config):
    """How much a bin's rate is drawn to the unit's mean.

    Attributes:
        priors: repeats at the mean rate that are added, so that no bin's rate is 0; the validation repeats select one.
    """

    priors: Several[Positive] = (0.01, 0.1, 0.3, 1.0, 3.0, 10.0)


class Model(IndependentUnits):
    """The mean over training repeats in each bin; for a movie that is not trained on, each unit's mean rate."""

    reads = MovieSplit
    candidate = False

    def __init__(self, config: Config, sizes: MovieSizes) -> None:
        super().__init__(sizes)
        self.config = config

    def fit(self, split: MovieSplit, stages: Stages) -> None:
        """Take the mean over repeats."""
        self.mean.copy_(mean_rates(split))
        courses = [self._courses(split, prior) for prior in self.config.priors]
        self.course.copy_(torch.cat(min(courses, key=lambda course: _nats(split, course))))

    def _courses(self, split: MovieSplit, prior: float) -> list[torch.Tensor]:
        return [
            (torch.as_tensor(one.spikes).float().sum(dim=0) + prior * self.mean) / (len(one) + prior)
            for one in split.train
        ]


def _nats(split: MovieSplit, courses: list[torch.Tensor]) -> float:
    """Return minus the log-likelihood of the scored bins of the validation repeats."""
    first, binary = split.sizes.first, split.sizes.binary
    pairs = [(courses[one.movie].numpy()[first:], one.spikes[:, first:]) for one in split.validation]
    return sum(float(nats(rates, spikes, binary=binary).sum()) for rates, spikes in pairs)
