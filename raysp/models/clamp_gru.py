"""A baseline: one recurrent network of currents for all cells, with nothing of a neuron built in."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from raysp.config.ranges import Count
from raysp.data.splits.current_clamp import CurrentClampSizes, CurrentClampSplit
from raysp.data.splits.currents import Currents
from raysp.models import base
from raysp.objectives.loss import Loss
from raysp.objectives.poisson import rates, repeats_loss

LEAST_MEAN = 1e-3
"""Spikes per bin that a cell without any in training starts from."""


@dataclass(frozen=True)
class Config(base.Config):
    """Settings.

    Attributes:
        hidden: units of the network.
        layers: of them.
    """

    hidden: Count = 16
    layers: Count = 1


class Model(nn.Module):
    """Gated recurrent units that all cells share; a scale of currents, a gain and a bias are each cell's own."""

    reads = CurrentClampSplit
    scale: torch.Tensor

    def __init__(self, config: Config, sizes: CurrentClampSizes) -> None:
        super().__init__()
        self.bin_ms = sizes.bin_ms
        self.network = nn.GRU(1, config.hidden, config.layers, batch_first=True)
        self.output = nn.Linear(config.hidden, 1, bias=False)
        self.gain, self.bias = nn.Parameter(torch.ones(sizes.units)), nn.Parameter(torch.zeros(sizes.units))
        self.register_buffer("scale", torch.ones(sizes.units))

    def start(self, batch: Currents) -> None:
        """Begin at each cell's mean count, and hear its currents by their largest."""
        largest = batch.current.abs().amax(dim=1)
        self.scale.scatter_reduce_(0, batch.unit, largest, "amax", include_self=False).clamp_(min=1e-3)
        spikes, bins = (torch.zeros_like(self.scale) for _ in range(2))
        spikes.index_add_(0, batch.unit, (batch.counts * batch.repeats).sum(dim=1))
        bins.index_add_(0, batch.unit, batch.repeats.sum(dim=1))
        with torch.no_grad():
            self.bias.copy_((spikes / bins.clamp(min=1)).clamp(min=LEAST_MEAN).log())

    def loss(self, batch: Currents) -> Loss:
        """Return the Poisson loss of the bins that are scored."""
        return repeats_loss(self.log_rates(batch), batch.counts, batch.repeats)

    def predict(self, batch: Currents) -> torch.Tensor:
        """Return (currents, bins) spikes/ms."""
        return rates(self.log_rates(batch)) / self.bin_ms

    def log_rates(self, batch: Currents) -> torch.Tensor:
        """Return (currents, bins) natural log of expected spikes per bin."""
        heard = batch.current / self.scale[batch.unit, None]
        states, _ = self.network(heard[..., None])
        return self.gain[batch.unit, None] * self.output(states)[..., 0] + self.bias[batch.unit, None]
