"""A bidirectional recurrent network that fills in hidden spike counts.

Gated recurrent units (Cho et al. 2014) read the whole trial in both directions, so that a hidden entry is told from
the past, the future, and what other units do at the same moment.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from raysp.config import ranges
from raysp.data.splits.population import Sizes
from raysp.models.masked import MaskedConfig, MaskedModel


@dataclass(frozen=True)
class Config(MaskedConfig):
    """Sizes of the network, beside what all masked models have.

    Attributes:
        hidden: units of each direction of a layer.
        layers: recurrent layers.
        latents: channels between the last layer and the output; 0 reads the output from the last layer itself.
        dropout: share dropped of what each layer but the last gives, and of what the output reads.
        input_dropout: share of single inputs dropped.
    """

    hidden: int = 64
    layers: int = 2
    latents: int = 0
    dropout: float = 0.1
    input_dropout: float = 0.0

    def __post_init__(self) -> None:
        self.check("masked_gru")
        ranges.at_least(self, "model masked_gru", hidden=1, layers=1, latents=0)
        ranges.shares(self, "model masked_gru", "dropout", "input_dropout")


class Model(MaskedModel):
    """Recurrent layers in both directions, output; the recurrence in float32 always."""

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        marks = sizes.heldin if config.mask_input else 0
        between = config.dropout if config.layers > 1 else 0.0
        self.recurrent = nn.GRU(
            sizes.heldin + marks, config.hidden, config.layers, batch_first=True, bidirectional=True, dropout=between
        )
        width = config.latents or 2 * config.hidden
        self.to_latents = nn.Linear(2 * config.hidden, width) if config.latents else nn.Identity()
        self.drop_input, self.dropout = nn.Dropout(config.input_dropout), nn.Dropout(config.dropout)
        self.output = nn.Linear(width + marks, sizes.units)

    def start_from(self, outputs: torch.Tensor) -> None:
        """Set the output's bias."""
        self.output.bias.copy_(outputs)

    def network(self, inputs: torch.Tensor, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the output before the link, and what it is read from; see `MaskedModel.network`."""
        marks = [hidden.to(inputs.dtype)] if self.config.mask_input else []
        # Mixed precision would run cuDNN's GRU in float16, whose small gradients vanish without loss scaling.
        with torch.autocast(inputs.device.type, enabled=False):
            states, _ = self.recurrent(torch.cat([self.drop_input(inputs), *marks], dim=2).float())
        latents = self.to_latents(states)
        return self.output(torch.cat([self.dropout(latents), *marks], dim=2)), latents
