"""A U-Net over time that fills in hidden spike counts.

After Mineault's unet-spikes (grouped and point-wise convolutions, halved and doubled bins, skips that are added), with
what its README leaves as exercises as settings, and with corrections as defaults: the mean of neighbours on the way up,
an output bias from each unit's mean count, no normalisation, widths that stop growing.
`experiments/unet_original.py` has the original's form.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from raysp.config.ranges import Count, Natural, Share
from raysp.config.settings import Plain
from raysp.data.splits.population import Sizes
from raysp.errors import BadInput
from raysp.layers import convnext, unet_blocks
from raysp.layers.coarse_attention import AttentionName, CoarseAttention
from raysp.layers.doubling import DoublingName
from raysp.layers.norm import NormName
from raysp.layers.span import Padding, check_padding, pad, span_for
from raysp.models.masked import MaskedConfig, MaskedModel

BLOCKS = {"conv": unet_blocks, "convnext": convnext}


@dataclass(frozen=True)
class Config(MaskedConfig):
    """Sizes of the network, beside what all masked models have.

    Attributes:
        layers: halvings of the bins ("inner layers"); 0 leaves two point-wise layers, linear in each bin.
        width: channels of the embedding.
        width_cap: widths double on the way down up to so many times `width`; 0 for no cap.
        block: "conv" (grouped, point-wise, strided; ReLU) or "convnext" (ConvNeXt-V2).
        norm: "none", "batch" or "layer". Most bins hold no spike: of unit variance, their noise is learnt first.
        doubling: "mean", "sum" (as the original) or "deconv".
        padding: "inside" (zeros that normalisation does not see), "zeros", "reflect" or "edge".
        skip_embedding: add the embedding to the last level too.
        attention: transformer at the coarsest level: "none", "time", "space", "sequential", "parallel".
        heads: of that transformer.
        dropout: share of channels dropped after each block.
        input_dropout: share of single inputs dropped.
        output_dropout: share of channels dropped before the output.
    """

    # With fewer hidden and a faster rate it learns few trials by heart, see docs/results/defaults.md.
    mask_ratio: float = 0.5
    layers: Natural = 3
    width: Count = 20
    width_cap: Natural = 4
    block: Literal["conv", "convnext"] = "conv"
    norm: NormName = "none"
    doubling: DoublingName = "mean"
    padding: Padding = "inside"
    skip_embedding: bool = False
    attention: AttentionName = "none"
    heads: Count = 2
    dropout: Share = 0.0
    input_dropout: Share = 0.0
    output_dropout: Share = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.attention not in ("none", "space") and self.widths()[-1] % self.heads:
            raise BadInput(
                f"{self.where}, heads expected a divisor of the coarsest level's {self.widths()[-1]} channels, "
                f"got {self.heads}"
            )

    def widths(self) -> list[int]:
        """Return the channels of each level, from the embedding to the coarsest."""
        cap = self.width * (self.width_cap or 2**self.layers)
        return [min(self.width * 2**level, cap) for level in range(self.layers + 1)]


class Model(MaskedModel):
    """Embedding, levels down, levels up with skips added, output; latents are what the output is read from."""

    config: Config

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        bins = sizes.bins + sizes.forward
        check_padding(bins, config.layers, config.padding, config.where)
        self.span = span_for(bins, config.layers)
        widths, blocks = config.widths(), BLOCKS[config.block]
        style = unet_blocks.Style(config.norm, config.doubling, config.padding == "inside", config.dropout)
        self.embedding = nn.Linear(sizes.heldin + self.marks, config.width)
        self.down = nn.ModuleList([blocks.Down(a, b, style) for a, b in itertools.pairwise(widths)])
        self.up = nn.ModuleList([blocks.Up(b, a, style) for b, a in itertools.pairwise(widths[::-1])])
        self.attention = (
            CoarseAttention(config.attention, widths[-1], config.heads) if config.attention != "none" else None
        )
        self.drop_input = nn.Dropout(config.input_dropout)
        self.drop_output = unet_blocks.ChannelDropout(config.output_dropout)
        self.output = nn.Linear(config.width + self.marks, sizes.units)

    @staticmethod
    def usual(config: Config) -> Mapping[str, Plain]:
        """Return a slower rate than others', see `Config`, and more epochs: many trials need more than a hundred."""
        return {"learning_rate": 1e-3, "epochs": 200}

    def network(self, inputs: torch.Tensor, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the output before the link, and the last level's channels; see `MaskedModel.network`."""
        x = self.embedding(self.marked(self.drop_input(inputs), hidden))
        latents = self._levels(x)
        output = self.output(self.marked(self.drop_output(latents), hidden))
        return output, latents

    def _levels(self, embedded: torch.Tensor) -> torch.Tensor:
        span, found = self.span, []
        x = pad(embedded, span, self.config.padding)
        for level, down in enumerate(self.down):
            x = down(x, span.at(level), span.at(level + 1))
            found.append(x)
        if self.attention is not None:
            x = self.attention(x, span.at(len(self.down)))
        for level, up in zip(reversed(range(len(self.up))), self.up, strict=True):
            x = up(x if level == len(self.up) - 1 else x + found[level], span.at(level + 1), span.at(level))
        x = x[:, span.left : span.left + span.bins]
        return x + embedded if self.config.skip_embedding and self.down else x
