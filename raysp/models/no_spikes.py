"""The floor of spike prediction: no unit ever fires."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from raysp.config.ranges import Count
from raysp.data.splits.stimulus import StimulusSizes, StimulusSplit
from raysp.data.splits.windows import Reach, Windows
from raysp.models import base
from raysp.models.windowed import WindowModel


@dataclass(frozen=True)
class Config(base.Config):
    """Settings.

    Attributes:
        input_bins: bins before the first predicted one, so that all models are scored on the same bins.
    """

    input_bins: Count = 992


class Model(WindowModel):
    """Zeros."""

    decodings = ("none",)
    role = "floor"

    def __init__(self, config: Config, sizes: StimulusSizes) -> None:
        super().__init__()
        self.reach, self.step = Reach(config.input_bins, 1), 1000

    def fit(self, split: StimulusSplit, stages: base.Stages) -> None:
        """There is nothing to fit."""

    def output(self, windows: Windows) -> torch.Tensor:
        """Return a rate of zero, (units, windows)."""
        return windows.history.new_zeros(windows.history.shape[:2])

    def spikes(
        self, output: torch.Tensor, history: torch.Tensor, decoding: str, generators: Sequence[torch.Generator]
    ) -> torch.Tensor:
        """Return (units, windows, step) zeros."""
        return torch.zeros(*history.shape[:2], self.step, dtype=torch.uint8)
