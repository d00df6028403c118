"""Each unit's next value as a line of its last one."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from raysp.config.ranges import NonNegative
from raysp.objectives.loss import Loss

from .split import Split


@dataclass(frozen=True)
class Config:
    """Where the slopes begin."""

    start: NonNegative = 0.0


class Model(nn.Module):
    """Slope and offset of each unit."""

    reads = Split
    lanes = None

    def __init__(self, config, sizes):
        super().__init__()
        self.slope = nn.Parameter(torch.full((sizes.units,), config.start) + 0.1 * torch.randn(sizes.units))
        self.offset = nn.Parameter(torch.zeros(sizes.units))

    def forward(self, last):
        return self.slope * last + self.offset

    def loss(self, batch):
        wrong = (self(batch[:, 0]) - batch[:, 1]).square().mean()
        return Loss(wrong, wrong[None])
