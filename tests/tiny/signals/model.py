"""Each unit's next value as a line of its last one."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch import nn

from raysp.objectives.loss import Loss

from .split import Split


@dataclass(frozen=True)
class Config:
    """How much slower than it need be, s per batch, so that it can be stopped."""

    slow_s: float = 0.0
    start: float = 0.0


class Model(nn.Module):
    """Slope and offset of each unit."""

    reads = Split
    lanes = None

    def __init__(self, config, sizes):
        super().__init__()
        self.slow_s = config.slow_s
        self.slope = nn.Parameter(torch.full((sizes.units,), config.start) + 0.1 * torch.randn(sizes.units))
        self.offset = nn.Parameter(torch.zeros(sizes.units))

    def forward(self, last):
        return self.slope * last + self.offset

    def loss(self, batch):
        time.sleep(self.slow_s if self.training else 0.0)
        wrong = (self(batch[:, 0]) - batch[:, 1]).square().mean()
        return Loss(wrong, wrong[None])
