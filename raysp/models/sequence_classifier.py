"""What classifiers of sequences have in common: they are shown a sequence, then nothing, and are read out meanwhile."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from raysp.config.ranges import Count
from raysp.data.splits.labelled_batch import LabelledBatch
from raysp.data.splits.labelled_sequences import LabelledSequencesSplit
from raysp.errors import BadInput
from raysp.models import base
from raysp.objectives.loss import Loss


@dataclass(frozen=True)
class ClassifierConfig(base.Config):
    """Settings of every classifier.

    Attributes:
        readouts: steps with zero input after a sequence; each gives an answer, and all together vote.
        trained_readouts: the first so many of them are trained on, each alike.
    """

    readouts: Count = 5
    trained_readouts: Count = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.trained_readouts > self.readouts:
            raise BadInput(
                f"{self.where}, trained_readouts expected at most readouts, {self.readouts}, got "
                f"{self.trained_readouts}"
            )


class SequenceClassifier(nn.Module):
    """A classifier that gradient descent fits; a network defines `logits`.

    Args:
        config: its settings.
    """

    reads = LabelledSequencesSplit
    lanes = None

    def __init__(self, config: ClassifierConfig) -> None:
        super().__init__()
        self.config: ClassifierConfig = config

    def logits(self, sequences: torch.Tensor, readouts: int) -> torch.Tensor:
        """Return (samples, readouts, classes), one for each step with zero input after the sequence.

        Args:
            sequences: (samples, steps, features).
            readouts: how many such steps.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method logits(sequences, readouts)")

    def loss(self, batch: LabelledBatch) -> Loss:
        """Return the mean cross-entropy of the readouts that are trained on, nats."""
        found = self.logits(batch.sequences, self.config.trained_readouts)
        labels = batch.labels[:, None].expand(found.shape[:2])
        mean = nn.functional.cross_entropy(found.flatten(0, 1).float(), labels.flatten())
        return Loss(mean, mean[None])
