"""A layer of units that hear the input and each other, read out linearly: the frame of several classifiers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from raysp.config.ranges import Count
from raysp.data.splits.labelled_sequences import SequenceSizes
from raysp.models.sequence_classifier import ClassifierConfig, SequenceClassifier

State = tuple[torch.Tensor, ...]


@dataclass(frozen=True)
class RecurrentConfig(ClassifierConfig):
    """Settings.

    Attributes:
        hidden: units.
    """

    hidden: Count = 68


class RecurrentClassifier(SequenceClassifier):
    """Units whose drive is a linear map of the input and of what all units gave in the step before.

    Args:
        config: its settings.
        sizes: of the data.

    Attributes:
        states: tensors of a unit's state.
    """

    states = 0

    def __init__(self, config: RecurrentConfig, sizes: SequenceSizes) -> None:
        super().__init__(config)
        self.inward = nn.Linear(sizes.features, config.hidden)
        self.recurrent = nn.Linear(config.hidden, config.hidden)
        self.outward = nn.Linear(config.hidden, sizes.classes)

    def step(self, drive: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        """Return what the units give in a step, (samples, hidden), and their state.

        Args:
            drive: (samples, hidden).
            state: so many tensors of that shape as `states` says.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method step(drive, state)")

    def activity(self, sequences: torch.Tensor, readouts: int) -> torch.Tensor:
        """Return what the units give, (steps + readouts, samples, hidden)."""
        heard = self.heard(sequences, readouts)
        given = torch.zeros_like(heard[0])
        state: State = (given,) * self.states
        found = []
        for now in heard:
            given, state = self.step(now + self.recurrent(given), state)
            found.append(given)
        return torch.stack(found)

    def heard(self, sequences: torch.Tensor, readouts: int) -> torch.Tensor:
        """Return the drive that comes from the input, (steps + readouts, samples, hidden)."""
        silence = self.inward.bias.expand(readouts, len(sequences), -1)
        return torch.cat([self.inward(sequences.transpose(0, 1)), silence])

    def logits(self, sequences: torch.Tensor, readouts: int) -> torch.Tensor:
        """Return (samples, readouts, classes)."""
        return self.outward(self.activity(sequences, readouts)[-readouts:]).transpose(0, 1)
