"""A floor: each cell fires at its mean rate over the training bins, whatever the current."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from raysp.data.splits.current_clamp import CurrentClampSizes, CurrentClampSplit
from raysp.models.base import Stages


@dataclass(frozen=True)
class Config:
    """Nothing to choose."""


class Model(nn.Module):
    """One rate per unit."""

    reads = CurrentClampSplit
    mean: torch.Tensor

    def __init__(self, config: Config, sizes: CurrentClampSizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.register_buffer("mean", torch.zeros(sizes.units, dtype=torch.float64))

    def fit(self, split: CurrentClampSplit, stages: Stages) -> None:
        """Take the mean rates, spikes/ms."""
        trained = split.sweep_parts[:, 0].astype(np.int64)
        place = np.arange(len(split.counts)) - np.repeat(split.sweep_ptr[:-1], split.sweep_bins)
        within = place < np.repeat(trained, split.sweep_bins)
        owner = np.repeat(split.sweep_unit, split.sweep_bins)
        spikes = np.bincount(owner[within], split.counts[within], split.sizes.units)
        bins = np.bincount(split.sweep_unit, trained, split.sizes.units)
        self.mean.copy_(torch.from_numpy(spikes / bins / self.sizes.bin_ms))

    def rates(self, split: CurrentClampSplit) -> np.ndarray:
        """Return (bins of all currents,) float64 spikes/ms, one current after the other."""
        owner = np.zeros(len(split.current_ptr) - 1, np.int64)
        owner[split.sweep_current] = split.sweep_unit
        return np.repeat(self.mean.cpu().numpy()[owner], np.diff(split.current_ptr))
