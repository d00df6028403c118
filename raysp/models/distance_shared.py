"""Spike distance with one network for all units, and a few numbers that tell it which unit it predicts."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from raysp.data.splits.stimulus import StimulusSizes
from raysp.data.splits.windows import Tape, Windows
from raysp.models import distance_unet
from raysp.models.shared_windows import SharedConfig, SharedModel


@dataclass(frozen=True)
class Config(SharedConfig, distance_unet.Config):
    """Settings of the network, and of what each unit has of its own."""


class Model(SharedModel):
    """The spike-distance network, once."""

    alone = distance_unet.Model
    network: distance_unet.Model
    mean: torch.Tensor

    def __init__(self, config: Config, sizes: StimulusSizes) -> None:
        super().__init__(config, sizes)
        self.register_buffer("mean", torch.zeros(sizes.units))

    def start(self, tape: Tape, stretches: tuple[tuple[int, int], ...]) -> None:
        """Centre the output on each unit's mean log distance over the training part."""
        self.mean.copy_(self.network.take_tables(tape, stretches))

    def output_of(self, windows: Windows, units: torch.Tensor) -> torch.Tensor:
        """Return natural logs of distances in bins, (units, windows, output bins)."""
        return super().output_of(windows, units) + self.mean[units, None, None]
