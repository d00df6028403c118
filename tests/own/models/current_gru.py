"""A recurrent network that reads an injected current, in units of its cell's own, and gives the rate."""

from dataclasses import dataclass

import torch
from torch import nn

from raysp.config.ranges import Count
from raysp.data.splits.current_clamp import CurrentClampSizes, CurrentClampSplit
from raysp.data.splits.currents import Currents
from raysp.objectives.loss import Loss
from raysp.objectives.poisson import rates, repeats_loss


@dataclass(frozen=True)
class Config:
    """Size of the network."""

    hidden: Count = 8


class Model(nn.Module):
    """One layer for all cells; each has a scale of currents and a gain of its own."""

    reads = CurrentClampSplit
    scale: torch.Tensor

    def __init__(self, config: Config, sizes: CurrentClampSizes) -> None:
        super().__init__()
        self.bin_ms = sizes.bin_ms
        self.recurrent = nn.GRU(1, config.hidden, batch_first=True)
        self.output = nn.Linear(config.hidden, 1)
        self.gain = nn.Parameter(torch.zeros(sizes.units))
        self.register_buffer("scale", torch.ones(sizes.units))

    def start(self, batch: Currents) -> None:
        largest = batch.current.abs().amax(dim=1)
        self.scale.scatter_reduce_(0, batch.unit, largest, "amax", include_self=False).clamp_(min=1.0)

    def log_rates(self, batch: Currents) -> torch.Tensor:
        seen = batch.current / self.scale[batch.unit][:, None]
        return self.output(self.recurrent(seen[..., None])[0])[..., 0] + self.gain[batch.unit][:, None]

    def loss(self, batch: Currents) -> Loss:
        return repeats_loss(self.log_rates(batch), batch.counts, batch.repeats)

    def predict(self, batch: Currents) -> torch.Tensor:
        return rates(self.log_rates(batch)) / self.bin_ms
