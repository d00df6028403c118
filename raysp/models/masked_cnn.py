"""The baseline of masked models: an embedding, convolutions over time, an output (unet-spikes' first network)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from raysp.config.ranges import Count
from raysp.config.settings import Plain
from raysp.data.splits.population import Sizes
from raysp.errors import BadInput
from raysp.layers.convolution import Full
from raysp.layers.norm import Norm, NormName
from raysp.models.masked import MaskedConfig, MaskedModel


@dataclass(frozen=True)
class Config(MaskedConfig):
    """Sizes of the network, beside what all masked models have.

    Attributes:
        width: channels of the embedding.
        layers: convolutions over time, each normalised and rectified.
        kernel: width of each, bins, odd.
        norm: "batch", "layer" or "none".
    """

    # With fewer hidden and a faster rate it learns few trials by heart, see docs/results/defaults.md.
    mask_ratio: float = 0.5
    width: Count = 10
    layers: Count = 1
    kernel: Count = 13
    norm: NormName = "batch"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.kernel % 2 == 0:
            raise BadInput(f"{self.where}, kernel expected an odd number of bins, got {self.kernel}")


class Model(MaskedModel):
    """Embedding, convolutions, output; latents are what the output is read from."""

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.embedding = nn.Linear(sizes.heldin + self.marks, config.width)
        self.layers = nn.ModuleList([Full(config.width, config.width, config.kernel) for _ in range(config.layers)])
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
