"""The ceiling of spike distance: true distances given to the inference of spikes. What is lost, inference loses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from raysp.data.splits.stimulus import StimulusSizes, StimulusSplit
from raysp.data.splits.windows import Tape, Windows
from raysp.errors import present
from raysp.models import distance_unet
from raysp.models.base import Stages
from raysp.models.windowed import WindowModel
from raysp.objectives import spike_distance


@dataclass(frozen=True)
class Config(distance_unet.Config):
    """The settings of the network whose ceiling it is; those of its layers change nothing."""


class Model(WindowModel):
    """Reads true spikes, as ceilings do."""

    decodings = ("nearest",)
    role = "ceiling"
    log_output = True
    sees_truth = True
    candidate = False

    def __init__(self, config: Config, sizes: StimulusSizes) -> None:
        super().__init__()
        self.config, self.reach, self.step = config, config.reach, config.step
        self._tables: tuple[Tape, tuple[torch.Tensor, torch.Tensor]] | None = None

    def fit(self, split: StimulusSplit, stages: Stages) -> None:
        """There is nothing to fit."""

    def output(self, windows: Windows) -> torch.Tensor:
        """Return logs of the true distances, (units, windows, output bins)."""
        if self._tables is None or self._tables[0] is not windows.tape:
            spikes = windows.tape.spikes.T.to(torch.uint8).cpu().numpy()
            # The last windows may reach beyond the recording, where no spike is known.
            padded = np.pad(spikes, ((0, self.reach.after), (0, 0)))
            after, before = map(torch.as_tensor, spike_distance.neighbours(padded))
            self._tables = windows.tape, (after.to(windows.tape.device), before.to(windows.tape.device))
        return self.config.log_distances(present(self._tables)[1], windows).expand(-1, windows.history.shape[1], -1)

    def spikes(
        self, output: torch.Tensor, history: torch.Tensor, decoding: str, generators: Sequence[torch.Generator]
    ) -> torch.Tensor:
        """Return the spikes that explain the distances, (units, windows, step) uint8."""
        return distance_unet.distances_to_spikes(self.config, output.exp(), history, generators)
