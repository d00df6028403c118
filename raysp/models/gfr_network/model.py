"""A recurrent network of generalised firing rate (GFR) neurons, which classifies sequences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from raysp.config.ranges import Count, Positive
from raysp.data.splits.labelled_sequences import SequenceSizes
from raysp.models.gfr.neuron import Neurons
from raysp.models.gfr.parameters import Parameters, untrained
from raysp.models.gfr_network import fused
from raysp.models.recurrent_classifier import RecurrentClassifier, RecurrentConfig

FILTERS, ACTIVATION = ("alpha", "beta"), ("poly", "threshold")


@dataclass(frozen=True)
class Config(RecurrentConfig):
    """Settings; 65 neurons, the default, are the published comparison's size on L-MNIST, 7,355 parameters.

    Attributes:
        hidden: neurons.
        taus: time constants of their filters, steps; one filter without memory comes first.
        feedback: factor of a neuron's own rate. The published code has 1000 in single cells, whose rates are
            spikes/ms; a network with 1000 does not learn.
        train_filters: gradient descent changes alpha and beta, the gains of the filters.
        train_activations: it changes the activation's coefficients and threshold, too.
        compiled: on a CPU, the neurons run compiled; otherwise, and on a GPU, by torch's operations.
    """

    hidden: Count = 65
    taus: tuple[Positive, ...] = (1.0, 2.0, 5.0)
    feedback: Positive = 1.0
    train_filters: bool = True
    train_activations: bool = False
    compiled: bool = True


class Model(RecurrentClassifier):
    """Neurons that hear the input and each other, each with a memory of its drive and of its own rate."""

    config: Config

    def __init__(self, config: Config, sizes: SequenceSizes) -> None:
        super().__init__(config, sizes)
        trained = (*(FILTERS if config.train_filters else ()), *(ACTIVATION if config.train_activations else ()))
        self.neurons = Neurons(usual(config), torch.get_default_dtype(), trained)

    def activity(self, sequences: torch.Tensor, readouts: int) -> torch.Tensor:
        """Return the rates, (steps + readouts, samples, hidden)."""
        heard = self.heard(sequences, readouts) + self.recurrent.bias
        if self.config.compiled and heard.device.type == "cpu":
            return fused.run(heard, self.recurrent.weight, self.neurons)
        rate = torch.zeros_like(heard[0])
        state = rate.new_zeros(*rate.shape, len(self.neurons.decay))
        rates = []
        for now in heard:
            rate, state = self.neurons.step(now + rate @ self.recurrent.weight.T, rate, state)
            rates.append(rate)
        return torch.stack(rates)


def usual(config: Config) -> Parameters:
    """Return neurons whose rate is relu(tanh(drive)) before they are trained."""
    ones, decay = np.ones(config.hidden), np.exp(-1 / np.array(config.taus))
    poly = np.tile([0.0, 1.0], (config.hidden, 1))
    return untrained(poly, 0 * ones, ones, ones, np.concatenate([[0.0], decay]), config.feedback)
