"""A spiking recurrent network whose units hear through synapses with a time course of their own."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from raysp.config.ranges import Share
from raysp.models import snn_leaky
from raysp.models.recurrent_classifier import RecurrentClassifier, State
from raysp.objectives.surrogate import spike


@dataclass(frozen=True)
class Config(snn_leaky.Config):
    """Settings.

    Attributes:
        synapse: share of the synaptic current that is left after a step.
    """

    synapse: Share = 0.9


class Model(RecurrentClassifier):
    """Units with a synaptic current and a potential."""

    states = 2
    config: Config

    def step(self, drive: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        """Return spikes, 0 or 1, (samples, hidden)."""
        current, potential = state
        current = self.config.synapse * current + drive
        potential = snn_leaky.fired(potential, current, self.config.membrane, self.config.threshold)
        return spike(potential - self.config.threshold), (current, potential)
