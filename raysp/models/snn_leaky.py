"""A spiking recurrent network of leaky integrate-and-fire units, trained through surrogate gradients.

Spikes are those of snntorch's Leaky, and of its Synaptic in `snn_synaptic`, gradients within 3e-7; they are written out
since that library gives float32 spikes in a float64 network, keeps every layer ever made, and takes 40 % more CPU time.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from raysp.config.ranges import Positive, Share
from raysp.models.recurrent_classifier import RecurrentClassifier, RecurrentConfig, State
from raysp.objectives.surrogate import spike


@dataclass(frozen=True)
class Config(RecurrentConfig):
    """Settings; 68 units, the default, are the published comparison's size on L-MNIST, 7,354 parameters.

    Attributes:
        membrane: share of the potential that is left after a step.
        threshold: above which a unit fires, and what it then loses, a step later.
    """

    membrane: Share = 0.95
    threshold: Positive = 1.0


class Model(RecurrentClassifier):
    """Units with a potential."""

    states = 1
    config: Config

    def step(self, drive: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        """Return spikes, 0 or 1, (samples, hidden)."""
        (potential,) = state
        potential = fired(potential, drive, self.config.membrane, self.config.threshold)
        return spike(potential - self.config.threshold), (potential,)


def fired(potential: torch.Tensor, current: torch.Tensor, left: float, threshold: float) -> torch.Tensor:
    """Return the potential a step later; who was above the threshold has lost it, which no gradient goes through."""
    reset = (potential.detach() > threshold).to(potential.dtype) * threshold
    return left * potential + current - reset
