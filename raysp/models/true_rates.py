"""The ceiling: the rates that the counts were drawn from, where the data were generated and truth is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import nn

from raysp.data.splits.batch import Batch
from raysp.data.splits.header import Header
from raysp.data.splits.population import PopulationSplit, Sizes, TrialArrays
from raysp.errors import BadInput
from raysp.models.base import Stages
from raysp.models.prediction import Prediction

T = TypeVar("T")


@dataclass(frozen=True)
class Config:
    """Nothing to choose."""


def applies(header: Header) -> str | None:
    """Return why the model cannot run on a split, from the split's header alone; None when it can."""
    return None if "rates" in header.arrays else "true rates are known of generated data only"


class Model(nn.Module):
    """No parameters: it repeats what the data know of themselves."""

    reads = PopulationSplit
    candidate = False

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes

    def fit(self, trials: TrialArrays, stages: Stages) -> None:
        """Check that truth is known; there is nothing to fit. Raises BadInput where it is not."""
        _known(trials.rates)

    def predict(self, batch: Batch) -> Prediction[torch.Tensor]:
        """Return the true (trials, bins, units) rates. Raises BadInput where they are not known."""
        return Prediction.of(_known(batch.rates), self.sizes)


def _known(rates: T | None) -> T:
    if rates is None:
        raise BadInput("true_rates expected trials with known true rates, got none; leave it out for recordings")
    return rates
