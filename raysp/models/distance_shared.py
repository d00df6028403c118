"""Spike distance with one network for all cells, and a few numbers that tell it which cell it predicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import nn

from raysp.data.stimulus import StimulusSizes
from raysp.data.windows import Tape, Windows
from raysp.errors import BadInput
from raysp.models import distance_unet
from raysp.models.windowed import WindowModel


@dataclass(frozen=True)
class Config(distance_unet.Config):
    """Settings of the network, and of what each cell has of its own.

    Attributes:
        embedding: numbers per cell.
        cells_at_once: cells that a training batch of windows is shown for, drawn anew for each; 0 for all.
    """

    model: ClassVar[str] = "distance_shared"

    embedding: int = 16
    cells_at_once: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, least in (("embedding", 1), ("cells_at_once", 0)):
            if getattr(self, name) < least:
                raise BadInput(f"model distance_shared, {name} expected at least {least}, got {getattr(self, name)}")


class Model(WindowModel):
    """The spike-distance network with feature-wise modulation (Perez et al. 2018) by cell after every level."""

    decodings = ("nearest",)
    log_output = True
    one_per_cell = False

    def __init__(self, config: Config, sizes: StimulusSizes) -> None:
        super().__init__()
        self.config = config
        self.network = distance_unet.Model(config, replace(sizes, cells=1))
        self.reach, self.step = self.network.reach, self.network.step
        self.embedding = nn.Parameter(torch.randn(sizes.cells, config.embedding))
        levels = config.halvings + 1
        self.modulation = nn.Parameter(torch.randn(config.embedding, levels, 2, config.channels) * 0.01)
        self.register_buffer("mean", torch.zeros(sizes.cells))

    def start(self, tape: Tape, stretches: tuple[tuple[int, int], ...]) -> None:
        """Centre the output on each cell's mean log distance over the training part."""
        self.mean.copy_(self.network.take_tables(tape, stretches))

    def output(self, windows: Windows) -> torch.Tensor:
        """Return natural logs of distances in bins, (cells, windows, output bins)."""
        return self._output(windows, slice(None))

    def loss(self, windows: Windows) -> dict[str, torch.Tensor]:
        """Return the error of log distances of the cells that are shown; "each" has their mean for the others."""
        cells = len(self.mean)
        chosen, count = torch.arange(cells, device=windows.starts.device), self.config.cells_at_once
        if windows.generator is not None and 0 < count < cells:
            order = torch.randperm(cells, generator=windows.generator, device=windows.generator.device)
            chosen = order[:count].sort().values.to(windows.starts.device)
        shown = replace(windows, history=windows.history[chosen])
        found = self.network.errors(self._output(shown, chosen), self.network.targets(windows)[chosen])
        each = found.mean().expand(cells).clone()
        each[chosen] = found
        return {"loss": found.mean(), "each": each}

    def _output(self, windows: Windows, cells: torch.Tensor | slice) -> torch.Tensor:
        shape, mean = windows.history.shape, self.mean[cells]
        scales, shifts = torch.einsum("ce,elkd->klcd", self.embedding[cells], self.modulation)

        def modulate(level: int, x: torch.Tensor) -> torch.Tensor:
            by_cell = x.view(shape[0], shape[1], *x.shape[2:])
            found = by_cell * (1.0 + scales[level][:, None, None]) + shifts[level][:, None, None]
            return found.view(x.shape)

        stimulus, history = distance_unet.normalised(windows)
        stimulus = stimulus.expand(shape[0], *stimulus.shape).flatten(0, 1)
        x = self.network.trunk(stimulus, history.reshape(1, -1, shape[2]), modulate)
        return self.network.told(x).view(*shape[:2], -1) + mean[:, None, None]

    def spikes(
        self, output: torch.Tensor, history: torch.Tensor, decoding: str, generators: Sequence[torch.Generator]
    ) -> torch.Tensor:
        """Return the spikes that explain the distances, (cells, windows, step) uint8."""
        return self.network.spikes(output, history, decoding, generators)
