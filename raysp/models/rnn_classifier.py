"""A plain recurrent network: hidden units give relu(tanh(W x + U h))."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from raysp.models.recurrent_classifier import RecurrentClassifier, RecurrentConfig, State


@dataclass(frozen=True)
class Config(RecurrentConfig):
    """Settings; 68 units, the default, are the published comparison's size on L-MNIST, 7,354 parameters."""


class Model(RecurrentClassifier):
    """Units without a state of their own."""

    def step(self, drive: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        """Return relu(tanh(drive)), (samples, hidden)."""
        return torch.relu(torch.tanh(drive)), state
