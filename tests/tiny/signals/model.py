"""Each unit's next value as a line of its last one."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

import torch
from torch import nn

from raysp.objectives.loss import Loss

from .split import Split


@dataclass(frozen=True)
class Config:
    """Where the slopes begin."""

    start: float = 0.0


class Model(nn.Module):
    """Slope and offset of each unit; it stays in its 21st batch while the file that SIGNALS_HELD_BY names is there."""

    reads = Split
    lanes = None

    def __init__(self, config, sizes):
        super().__init__()
        self.batches = 0
        self.slope = nn.Parameter(torch.full((sizes.units,), config.start) + 0.1 * torch.randn(sizes.units))
        self.offset = nn.Parameter(torch.zeros(sizes.units))

    def forward(self, last):
        return self.slope * last + self.offset

    def loss(self, batch):
        self.batches += self.training
        while self.batches > 20 and os.path.exists(os.environ.get("SIGNALS_HELD_BY", "")):
            time.sleep(0.05)
        wrong = (self(batch[:, 0]) - batch[:, 1]).square().mean()
        return Loss(wrong, wrong[None])
