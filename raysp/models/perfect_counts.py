"""The ceiling of a Poisson model of an interval: the true count of each, its spikes evenly placed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from raysp.config.ranges import Count
from raysp.data.splits.stimulus import StimulusSizes, StimulusSplit
from raysp.data.splits.windows import Reach, Windows
from raysp.models import base
from raysp.models.windowed import WindowModel
from raysp.objectives.poisson_counts import place_evenly


@dataclass(frozen=True)
class Config(base.Config):
    """Settings.

    Attributes:
        interval: bins whose spikes are counted.
        input_bins: bins before the first predicted one.
    """

    interval: Count = 80
    input_bins: Count = 992


class Model(WindowModel):
    """Reads true spikes, as ceilings do."""

    decodings = ("true count",)
    role = "ceiling"
    sees_truth = True
    candidate = False

    def __init__(self, config: Config, sizes: StimulusSizes) -> None:
        super().__init__()
        self.reach, self.step = Reach(config.input_bins, config.interval), config.interval

    def fit(self, split: StimulusSplit, stages: base.Stages) -> None:
        """There is nothing to fit."""

    def output(self, windows: Windows) -> torch.Tensor:
        """Return the true counts of the intervals after t = 0, (units, windows); none beyond the recording."""
        spikes = windows.tape.spikes
        rows = windows.starts[:, None] + torch.arange(self.step, device=windows.starts.device)
        inside = rows < spikes.shape[1]
        found = (spikes[:, rows.clamp(max=spikes.shape[1] - 1)] * inside).sum(dim=2)
        return found.expand(-1, windows.history.shape[1])

    def spikes(
        self, output: torch.Tensor, history: torch.Tensor, decoding: str, generators: Sequence[torch.Generator]
    ) -> torch.Tensor:
        """Return so many spikes, evenly placed, (units, windows, interval) uint8."""
        counts = output.round().to(torch.int64).cpu()
        return torch.as_tensor(place_evenly(counts.numpy(), self.step))
