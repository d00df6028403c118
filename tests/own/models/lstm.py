"""A recurrent network that reads held-in counts and gives all units' rates."""

from dataclasses import dataclass

import torch
from torch import nn

from raysp.config.ranges import Count
from raysp.data.splits.batch import Batch
from raysp.data.splits.population import PopulationSplit, Sizes
from raysp.models.prediction import Prediction
from raysp.objectives.loss import Loss


@dataclass(frozen=True)
class Config:
    """Sizes of the network."""

    hidden: Count = 16


class Model(nn.Module):
    """One layer and its output."""

    reads = PopulationSplit

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.recurrent = nn.LSTM(sizes.heldin, config.hidden, batch_first=True)
        self.output = nn.Linear(config.hidden, sizes.units)

    def rates(self, batch: Batch) -> torch.Tensor:
        seen = batch.heldin.nan_to_num(0.0)
        steps = nn.functional.pad(seen, (0, 0, 0, self.sizes.forward))
        return self.output(self.recurrent(steps)[0]).clamp(max=5).exp()

    def loss(self, batch: Batch) -> Loss:
        target = batch.whole()
        rates = self.rates(batch)[:, : target.shape[1], : target.shape[2]]
        known = ~target.isnan()
        each = rates - target.nan_to_num(0.0) * rates.clamp(min=1e-9).log()
        return Loss.mean((each * known).sum(), known.sum())

    def predict(self, batch: Batch) -> Prediction:
        rates, bins = self.rates(batch).float(), self.sizes.bins
        return Prediction(rates[:, :bins], rates[:, bins:] if self.sizes.forward else None)
