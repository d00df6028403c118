"""The ceiling: the mean of what a cell did under the same current; scoring takes it without the repeat it scores."""

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
    """The peri-stimulus time histogram of each current.

    Attributes:
        sees_counts: its rates come from the very sweeps that they are compared with.
    """

    reads = CurrentClampSplit
    sees_counts = True
    candidate = False

    def __init__(self, config: Config, sizes: CurrentClampSizes) -> None:
        super().__init__()

    def fit(self, split: CurrentClampSplit, stages: Stages) -> None:
        """Take nothing."""

    def rates(self, split: CurrentClampSplit) -> np.ndarray:
        """Return (bins of all currents,) float64 mean rates of each current's sweeps, spikes/ms."""
        rates, sweeps = np.zeros(len(split.current)), np.zeros(len(split.current_ptr) - 1)
        for sweep, current in enumerate(split.sweep_current):
            rates[split.current_ptr[current] : split.current_ptr[current + 1]] += split.counts_of(sweep)
            sweeps[current] += 1
        return rates / np.repeat(sweeps, np.diff(split.current_ptr)) / split.sizes.bin_ms
