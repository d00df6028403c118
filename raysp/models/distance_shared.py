"""Spike distance with one network for all units, and a few numbers that tell it which unit it predicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from raysp.data.splits.stimulus import StimulusSizes
from raysp.data.splits.windows import Tape, Windows
from raysp.models import distance_unet
from raysp.models.shared_windows import SharedConfig, SharedModel, one_unit


@dataclass(frozen=True)
class Config(SharedConfig, distance_unet.Config):
    """Settings of the network, and of what each unit has of its own."""

    model: ClassVar[str] = "distance_shared"


class Model(SharedModel):
    """The spike-distance network, once."""

    decodings = distance_unet.Model.decodings
    published = distance_unet.Model.published
    calibrates = distance_unet.Model.calibrates
    log_output = True

    def __init__(self, config: Config, sizes: StimulusSizes) -> None:
        super().__init__(config, sizes)
        self.network = distance_unet.Model(config, one_unit(sizes))
        self.reach, self.step = self.network.reach, self.network.step
        self.register_buffer("mean", torch.zeros(sizes.units))

    def start(self, tape: Tape, stretches: tuple[tuple[int, int], ...]) -> None:
        """Centre the output on each unit's mean log distance over the training part."""
        self.mean.copy_(self.network.take_tables(tape, stretches))

    def output_of(self, windows: Windows, units: torch.Tensor) -> torch.Tensor:
        """Return natural logs of distances in bins, (units, windows, output bins)."""
        x = self.through(self.network.trunk, *distance_unet.normalised(windows), units)
        return self.network.readout(x).view(*windows.history.shape[:2], -1) + self.mean[units, None, None]

    def errors_of(self, output: torch.Tensor, windows: Windows, units: torch.Tensor) -> torch.Tensor:
        """Return the mean error of log distances of each of `units`."""
        return self.network.errors(output, self.network.targets(windows)[units])
