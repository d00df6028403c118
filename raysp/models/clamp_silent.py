"""The floor of floors: no cell fires, whatever the current."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import nn

from raysp.data.splits.current_clamp import CurrentClampSizes, CurrentClampSplit
from raysp.models.base import Stages


@dataclass(frozen=True)
class Config:
    """Nothing to choose."""


class Model(nn.Module):
    """A rate of 0 in every bin."""

    reads = CurrentClampSplit

    def __init__(self, config: Config, sizes: CurrentClampSizes) -> None:
        super().__init__()

    def fit(self, split: CurrentClampSplit, stages: Stages) -> None:
        """Take nothing."""

    def rates(self, split: CurrentClampSplit) -> np.ndarray:
        """Return (bins of all currents,) float64 zeros, spikes/ms."""
        return np.zeros(len(split.current))
