"""Poisson counts with one network for all units, and a few numbers that tell it which unit it predicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from raysp.data.splits.stimulus import StimulusSizes
from raysp.data.splits.windows import Windows
from raysp.models import poisson_counts
from raysp.models.shared_windows import SharedConfig, SharedModel, one_unit


@dataclass(frozen=True)
class Config(SharedConfig, poisson_counts.Config):
    """Settings of the network, and of what each unit has of its own."""

    model: ClassVar[str] = "poisson_shared"


class Model(SharedModel):
    """The network of Poisson counts, once."""

    decodings = poisson_counts.Model.decodings
    calibrates = poisson_counts.Model.calibrates
    role = "poisson"

    def __init__(self, config: Config, sizes: StimulusSizes) -> None:
        super().__init__(config, sizes)
        self.network = poisson_counts.Model(config, one_unit(sizes))
        self.reach, self.step = self.network.reach, self.network.step

    def output_of(self, windows: Windows, units: torch.Tensor) -> torch.Tensor:
        """Return expected spikes in the interval after t = 0, (units, windows)."""
        x = self.through(self.network.trunk, windows.stimulus, windows.history, units)
        return self.network.readout(x).view(windows.history.shape[:2])

    def errors_of(self, output: torch.Tensor, windows: Windows, units: torch.Tensor) -> torch.Tensor:
        """Return the mean Poisson negative log-likelihood of each of `units`."""
        return poisson_counts.errors(output, self.network.counts(windows)[units])
