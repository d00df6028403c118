"""A bidirectional recurrent network that fills in hidden spike counts.

Gated recurrent units (Cho et al. 2014) read the whole trial in both directions, so that a hidden entry is told from
the past, the future, and what other units do at the same moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from raysp.config.ranges import Count, Natural, Share
from raysp.config.settings import Plain
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

    # It learns a hundred trials by heart within fifty steps; this and a slower rate were better wherever tried, see
    # docs/results/defaults.md.
    mask_ratio: float = 0.5
    hidden: Count = 64
    layers: Count = 2
    latents: Natural = 0
    dropout: Share = 0.1
    input_dropout: Share = 0.0


class Model(MaskedModel):
    """Recurrent layers in both directions, output; the recurrence in float32 always."""

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        between = config.dropout if config.layers > 1 else 0.0
        layers = {"num_layers": config.layers, "batch_first": True, "bidirectional": True, "dropout": between}
        self.recurrent = nn.GRU(sizes.heldin + self.marks, config.hidden, **layers)
        width = config.latents or 2 * config.hidden
        self.to_latents = nn.Linear(2 * config.hidden, width) if config.latents else nn.Identity()
        self.drop_input, self.dropout = nn.Dropout(config.input_dropout), nn.Dropout(config.dropout)
        self.output = nn.Linear(width + self.marks, sizes.units)

    @staticmethod
    def usual(config: Config) -> Mapping[str, Plain]:
        """Return a slower rate than others', see `Config`."""
        return {"learning_rate": 1e-3}

    def network(self, inputs: torch.Tensor, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the output before the link, and what it is read from; see `MaskedModel.network`."""
        # Mixed precision would run cuDNN's GRU in float16, whose small gradients vanish without loss scaling.
        with torch.autocast(inputs.device.type, enabled=False):
            states, _ = self.recurrent(self.marked(self.drop_input(inputs), hidden).float())
        latents = self.to_latents(states)
        return self.output(self.marked(self.dropout(latents), hidden)), latents
