"""The floor of classification: whatever the sequence, the shares of the classes among the training samples."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from raysp.config.ranges import Count
from raysp.data.splits.labelled_sequences import LabelledSequencesSplit, SequenceSizes
from raysp.models import base


@dataclass(frozen=True)
class Config(base.Config):
    """Nothing to choose but how often it is asked.

    Attributes:
        readouts: steps with zero input after a sequence, as of the models that are compared with it.
    """

    readouts: Count = 5


class Model(nn.Module):
    """The log share of each class."""

    reads = LabelledSequencesSplit
    known: torch.Tensor

    def __init__(self, config: Config, sizes: SequenceSizes) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("known", torch.zeros(sizes.classes))

    def fit(self, split: LabelledSequencesSplit, stages: base.Stages) -> None:
        """Count the labels of the training part."""
        counts = torch.bincount(torch.as_tensor(split.train.labels), minlength=len(self.known))
        self.known.copy_((counts / counts.sum()).log())

    def logits(self, sequences: torch.Tensor, readouts: int) -> torch.Tensor:
        """Return (samples, readouts, classes), the same for all."""
        return self.known.expand(len(sequences), readouts, -1)
