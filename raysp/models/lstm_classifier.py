"""Long short-term memory (Hochreiter & Schmidhuber 1997), read out linearly."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from raysp.config.ranges import Count
from raysp.data.splits.labelled_sequences import SequenceSizes
from raysp.models.recurrent_classifier import RecurrentConfig
from raysp.models.sequence_classifier import SequenceClassifier


@dataclass(frozen=True)
class Config(RecurrentConfig):
    """Settings; 30 units, the default, are the published comparison's size on L-MNIST, 7,510 parameters."""

    hidden: Count = 30


class Model(SequenceClassifier):
    """One layer of torch's cells."""

    def __init__(self, config: Config, sizes: SequenceSizes) -> None:
        super().__init__(config)
        self.cells = nn.LSTM(sizes.features, config.hidden, batch_first=True)
        self.outward = nn.Linear(config.hidden, sizes.classes)

    def logits(self, sequences: torch.Tensor, readouts: int) -> torch.Tensor:
        """Return (samples, readouts, classes)."""
        silence = sequences.new_zeros(len(sequences), readouts, sequences.shape[2])
        return self.outward(self.cells(torch.cat([sequences, silence], dim=1))[0][:, -readouts:])
