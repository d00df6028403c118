"""A transformer over the bins of a trial that fills in hidden spike counts: the Neural Data Transformer.

After Ye & Pandarinath 2021 (arXiv:2108.01210): one token per bin, attention within a window of bins, masked training
with runs of hidden bins that come in as training goes on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from raysp.config.ranges import Count, Natural, Share
from raysp.data.splits.population import Sizes
from raysp.layers.attention import Block
from raysp.models.masked import MaskedConfig, MaskedModel

LARGEST_COUNT = 20
"""Spikes per bin that the table of counts goes up to; what is above is embedded as this."""


@dataclass(frozen=True)
class Config(MaskedConfig):
    """Sizes of the network, beside what all masked models have.

    Attributes:
        layers: of the encoder.
        heads: of the attention. A token has heldin * max(count_embedding, 1) numbers, zeros appended until the heads
            share them evenly.
        inner: units between the two layers of each block.
        back, ahead: bins before and after its own that a bin attends to; None for all.
        count_embedding: numbers that each count becomes, by a table that units share; 0 feeds counts themselves.
        positions: "learned" for each bin, or "sinusoidal".
        pre_norm: normalise before each part of a block, else after.
        dropout: inside blocks.
        input_dropout: of the embedded counts.
        output_dropout: before the output.
    """

    # Whole bins hidden, as its authors do, leave few trials learnt by heart, see docs/results/defaults.md.
    mask_ratio: float = 0.5
    layers: Count = 4
    heads: Count = 2
    inner: Count = 128
    back: Natural | None = None
    ahead: Natural | None = None
    count_embedding: Natural = 0
    positions: Literal["learned", "sinusoidal"] = "learned"
    pre_norm: bool = True
    dropout: Share = 0.3
    input_dropout: Share = 0.2
    output_dropout: Share = 0.2


class Model(MaskedModel):
    """Embedded counts plus positions, blocks, output; latents are what the output is read from."""

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        bins, each = sizes.bins + sizes.forward, max(config.count_embedding, 1)
        self.width = math.ceil(sizes.heldin * each / config.heads) * config.heads
        self.table = nn.Embedding(LARGEST_COUNT + 1, config.count_embedding) if config.count_embedding else None
        self.enter = nn.Linear(sizes.heldin * each + self.marks, self.width) if self.marks else None
        if config.positions == "learned":
            self.positions = nn.Parameter(torch.empty(bins, self.width).uniform_(-0.1, 0.1))
        else:
            self.register_buffer("positions", sinusoids(bins, self.width), persistent=False)
        self.drop_input, self.drop_output = nn.Dropout(config.input_dropout), nn.Dropout(config.output_dropout)
        made = [
            Block(self.width, config.heads, config.inner, config.dropout, pre_norm=config.pre_norm)
            for _ in range(config.layers)
        ]
        self.blocks, self.norm = nn.ModuleList(made), nn.LayerNorm(self.width)
        self.output = nn.Linear(self.width + self.marks, sizes.units)
        self.register_buffer("seen", window(bins, config.back, config.ahead), persistent=False)
        self._scale_down(made)

    def network(self, inputs: torch.Tensor, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the output before the link, and the last block's tokens; see `MaskedModel.network`."""
        x = self.drop_input(self._tokens(inputs, hidden) * math.sqrt(self.width) + self.positions)
        for block in self.blocks:
            x = block(x, self.seen)
        latents = self.norm(x)
        return self.output(self.marked(self.drop_output(latents), hidden)), latents

    def _tokens(self, inputs: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        x = inputs
        if self.table is not None:
            x = self.table(inputs.round().clamp(0, LARGEST_COUNT).long()).flatten(2)
        if self.enter is not None:
            return self.enter(self.marked(x, hidden))
        return nn.functional.pad(x, (0, self.width - x.shape[2]))

    def _scale_down(self, blocks: Sequence[Block]) -> None:
        """Start deep stacks small: 0.67 layers^(-1/4) (T-Fixup, Huang et al. 2020, as the transformer's authors do)."""
        factor = 0.67 * len(blocks) ** (-0.25)
        with torch.no_grad():
            for block in blocks:
                for layer in (block.into, block.out, block.join):
                    layer.weight.mul_(factor)
            self.output.weight.uniform_(-0.1, 0.1)
            if self.table is not None:
                self.table.weight.uniform_(-0.1, 0.1)


def window(bins: int, back: int | None, ahead: int | None) -> torch.Tensor | None:
    """Return (bins, bins) booleans, True where the row's bin attends to the column's; None where all attend to all."""
    if back is None and ahead is None:
        return None
    index = torch.arange(bins)
    gap = index[None] - index[:, None]
    return (gap >= -(bins if back is None else back)) & (gap <= (bins if ahead is None else ahead))


def sinusoids(bins: int, width: int) -> torch.Tensor:
    """Return (bins, width) sines and cosines of geometric periods (Vaswani et al. 2017, section 3.5)."""
    angle = torch.arange(bins)[:, None] * torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
    return torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1)[:, :width]
