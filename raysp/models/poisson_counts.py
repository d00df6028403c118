"""The network that spike distance is compared with (Doran et al. 2024): the count of the next bins, Poisson."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import cast

import torch
from torch.nn import functional

from raysp.config.ranges import Count
from raysp.data.splits.stimulus import StimulusSizes
from raysp.data.splits.windows import Reach, Windows
from raysp.layers.lanes import Linear
from raysp.models.windowed import CAREFUL, MATCHED, TrunkConfig, TrunkModel
from raysp.objectives.poisson_counts import How, decode, place_evenly

LEAST = 1e-8


@dataclass(frozen=True)
class Config(TrunkConfig):
    """Settings.

    Attributes:
        interval: bins whose spikes are counted; in a rollout, bins from one window to the next.
    """

    interval: Count = 80


class Model(TrunkModel):
    """The trunk of the spike-distance network, and one expected count for each window."""

    decodings = ("round", "floor", "sample")
    calibrates = MappingProxyType({MATCHED: "round", CAREFUL: "round"})
    role = "poisson"
    config: Config

    def __init__(self, config: Config, sizes: StimulusSizes) -> None:
        super().__init__(config, sizes)
        self.reach, self.step = Reach(config.input_bins, config.interval), config.interval
        self.head = Linear(sizes.units, config.coarsest * config.channels, 1)

    def readout(self, x: torch.Tensor) -> torch.Tensor:
        """Return expected spikes in the interval after t = 0, (units, windows), of what the trunk gives."""
        return functional.softplus(self.head(x.flatten(2))[..., 0].float())

    def targets(self, windows: Windows) -> torch.Tensor:
        """Return true spikes in the interval after t = 0, (units, windows)."""
        rows = windows.starts[:, None] + torch.arange(self.config.interval, device=windows.starts.device)
        return windows.tape.spikes[:, rows].sum(dim=2)

    def errors(self, rates: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
        """Return each unit's mean Poisson negative log-likelihood, (units,), without the term that no weight changes.

        Args:
            rates: (units, windows) expected spikes.
            counts: the same shape, true ones.
        """
        return (rates - counts * (rates + LEAST).log()).mean(dim=1)

    def spikes(
        self, output: torch.Tensor, history: torch.Tensor, decoding: str, generators: Sequence[torch.Generator]
    ) -> torch.Tensor:
        """Return so many spikes, evenly placed, (units, windows, interval) uint8."""
        rates = output.cpu()
        if decoding == "sample":
            drawn = [decode(unit, "sample", generator) for unit, generator in zip(rates, generators, strict=True)]
            counts = torch.stack(drawn)
        else:
            counts = decode(rates, cast(How, decoding))
        return torch.as_tensor(place_evenly(counts.numpy(), self.config.interval))

    def boosted(self, output: torch.Tensor, boost: torch.Tensor) -> torch.Tensor:
        """Return expected spikes, times the exponential of each unit's boost."""
        return output * boost.exp().view(-1, *[1] * (output.ndim - 1))
