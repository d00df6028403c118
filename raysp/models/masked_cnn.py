"""The plainest of masked models: an embedding, convolutions over time, an output.

unet-spikes' first network is `width=10, layers=1, kernel=13, norm="batch"`; the defaults are wider and deeper.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from raysp.config.ranges import Count, Natural
from raysp.config.settings import Plain
from raysp.data.splits.population import Sizes
from raysp.errors import BadInput
from raysp.layers.convolution import Full
from raysp.layers.norm import Norm, NormName
from raysp.models.masked import MaskedConfig, MaskedModel

REACH_MS = 125.0
LEAST_KERNEL, LARGEST_KERNEL = 13, 51
"""Bins of a kernel whose width is not given: as many as reach so far in time, between these."""


@dataclass(frozen=True)
class Config(MaskedConfig):
    """Sizes of the network, beside what all masked models have.

    Attributes:
        width: channels of the embedding.
        layers: convolutions over time, each normalised, where that is asked for, and rectified.
        kernel: width of each, bins, odd; 0 for 125 ms, but at least 13 bins and at most 51.
        norm: "none", "batch" or "layer". Most bins hold no spike: of unit variance, their noise is learnt first.
    """

    # With fewer hidden and a faster rate it learns few trials by heart, see docs/results/defaults.md.
    mask_ratio: float = 0.5
    width: Count = 32
    layers: Count = 3
    kernel: Natural = 0
    norm: NormName = "none"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.kernel and self.kernel % 2 == 0:
            raise BadInput(f"{self.where}, kernel expected an odd number of bins, got {self.kernel}")

    def bins_of(self, bin_ms: float) -> int:
        """Return the width of a kernel in bins, odd, of a recording with bins of so many ms."""
        reach = 2 * int(REACH_MS / bin_ms / 2) + 1
        return self.kernel or min(max(reach, LEAST_KERNEL), LARGEST_KERNEL)


class Model(MaskedModel):
    """Embedding, convolutions, output; latents are what the output is read from."""

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.embedding = nn.Linear(sizes.heldin + self.marks, config.width)
        kernel = config.bins_of(sizes.bin_ms)
        self.layers = nn.ModuleList([Full(config.width, config.width, kernel) for _ in range(config.layers)])
        self.norms = nn.ModuleList([Norm(config.norm, config.width, inside=False) for _ in range(config.layers)])
        self.output = nn.Linear(config.width + self.marks, sizes.units)

    @staticmethod
    def usual(config: Config) -> Mapping[str, Plain]:
        """Return a slower rate than others', see `Config`."""
        return {"learning_rate": 1e-3}

    def network(self, inputs: torch.Tensor, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the output before the link, and what it is read from; see `MaskedModel.network`."""
        x = self.embedding(self.marked(inputs, hidden))
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = torch.relu(norm(layer(x), (0, x.shape[1])))
        return self.output(self.marked(x, hidden)), x
