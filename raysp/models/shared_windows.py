"""What models of a stimulus recording share that have one network for all units, and a few numbers for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn

from raysp.config.ranges import Count, Natural
from raysp.data.splits.stimulus import StimulusSizes
from raysp.data.splits.windows import Windows
from raysp.layers.window_trunk import Trunk
from raysp.models.windowed import TrunkConfig, TrunkModel, WindowModel
from raysp.objectives.loss import Loss


@dataclass(frozen=True)
class SharedConfig(TrunkConfig):
    """What each unit has of its own; comes before the settings of a network among a Config's bases.

    Attributes:
        embedding: numbers per unit.
        units_at_once: units that a training batch of windows is shown for, drawn anew for each; 0 for all.
    """

    embedding: Count = 16
    units_at_once: Natural = 0


class SharedModel(WindowModel):
    """One network with feature-wise modulation (Perez et al. 2018) by unit after every level of its trunk.

    A subclass says in `alone` which network that is.
    """

    alone: type[TrunkModel]

    def __init_subclass__(cls) -> None:
        for name in ("decodings", "published", "calibrates", "role", "log_output"):
            setattr(cls, name, getattr(cls.alone, name))

    def __init__(self, config: SharedConfig, sizes: StimulusSizes) -> None:
        super().__init__()
        self.config, self.units = config, sizes.units
        self.embedding = nn.Parameter(torch.randn(sizes.units, config.embedding))
        levels = config.halvings + 1
        self.modulation = nn.Parameter(torch.randn(config.embedding, levels, 2, config.channels) * 0.01)
        self.network = self.alone(config, replace(sizes, units=1))
        self.reach, self.step = self.network.reach, self.network.step

    def output_of(self, windows: Windows, units: torch.Tensor) -> torch.Tensor:
        """Return what the network says of windows whose history is that of `units` alone, (units, windows, ...)."""
        found = self.network.readout(self.through(self.network.trunk, *self.network.inputs(windows), units))
        return found.view(*windows.history.shape[:2], *found.shape[2:])

    def kernels(self) -> torch.Tensor | None:
        """Return the first layer's kernels, (1, kernels, inputs, taps): those of every unit."""
        return self.network.kernels()

    def output(self, windows: Windows) -> torch.Tensor:
        """Return what the network says of each window of every unit."""
        return self.output_of(windows, torch.arange(self.units, device=windows.starts.device))

    def loss(self, windows: Windows) -> Loss:
        """Return the mean error of the units that are shown; `each` has that mean for the others."""
        units, count = torch.arange(self.units, device=windows.starts.device), self.config.units_at_once
        if windows.generator is not None and 0 < count < self.units:
            order = torch.randperm(self.units, generator=windows.generator, device=windows.generator.device)
            units = order[:count].sort().values.to(windows.starts.device)
        output = self.output_of(replace(windows, history=windows.history[units]), units)
        found = self.network.errors(output, self.network.targets(windows)[units])
        each = found.mean().expand(self.units).clone()
        each[units] = found
        return Loss(found.mean(), each[None])

    def spikes(
        self, output: torch.Tensor, history: torch.Tensor, decoding: str, generators: Sequence[torch.Generator]
    ) -> torch.Tensor:
        """Return the spikes that the one network reads from an output."""
        return self.network.spikes(output, history, decoding, generators)

    def boosted(self, output: torch.Tensor, boost: torch.Tensor) -> torch.Tensor:
        """Return the output with each unit's boost, as the one network applies it."""
        return self.network.boosted(output, boost)

    def through(self, trunk: Trunk, stimulus: torch.Tensor, history: torch.Tensor, units: torch.Tensor) -> torch.Tensor:
        """Return what a trunk of one network gives, (1, units * windows, coarsest bins, channels).

        Args:
            trunk: of one network.
            stimulus: (windows, bins, stimuli).
            history: (units, windows, bins).
            units: which these are.
        """
        count, windows = history.shape[:2]
        scales, shifts = torch.einsum("ce,elkd->klcd", self.embedding[units], self.modulation)

        def modulate(level: int, x: torch.Tensor) -> torch.Tensor:
            by_unit = x.view(count, windows, *x.shape[2:])
            found = by_unit * (1.0 + scales[level][:, None, None]) + shifts[level][:, None, None]
            return found.view(x.shape)

        repeated = stimulus.expand(count, *stimulus.shape).flatten(0, 1)
        return trunk(repeated, history.reshape(1, -1, history.shape[2]), modulate)
