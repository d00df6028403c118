"""The floor: each unit fires at its mean rate over the training trials, whatever the input."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from raysp.data.splits.batch import Batch
from raysp.data.splits.population import PopulationSplit, Sizes, TrialArrays
from raysp.models.base import Stages
from raysp.models.means import expected_counts
from raysp.models.prediction import Prediction


@dataclass(frozen=True)
class Config:
    """Nothing to choose."""


class Model(nn.Module):
    """The mean count of every unit in the observed bins, and in the forward bins."""

    reads = PopulationSplit
    mean: torch.Tensor
    mean_forward: torch.Tensor

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.register_buffer("mean", torch.zeros(sizes.units))
        self.register_buffer("mean_forward", torch.zeros(sizes.units))

    def fit(self, trials: TrialArrays, stages: Stages) -> None:
        """Take the means over the trials and bins in which a unit was observed; half a spike's where it had none."""
        observed, forward = expected_counts(trials, self.sizes)
        self.mean.copy_(torch.as_tensor(observed))
        self.mean_forward.copy_(torch.as_tensor(forward))

    def predict(self, batch: Batch) -> Prediction[torch.Tensor]:
        """Return (trials, bins, units) rates, the same in every bin of every trial."""
        sizes = self.sizes
        forward = self.mean_forward.expand(len(batch), sizes.forward, sizes.units) if sizes.forward else None
        return Prediction(self.mean.expand(len(batch), sizes.bins, sizes.units), forward)
