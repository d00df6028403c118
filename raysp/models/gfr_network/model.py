"""A recurrent network of generalised firing rate (GFR) neurons, which classifies sequences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from raysp.config.ranges import Count, NonNegative, Positive, Several
from raysp.data.splits.labelled_sequences import SequenceSizes
from raysp.errors import expect
from raysp.models.gfr.neuron import PARAMETERS, Neurons
from raysp.models.gfr.parameters import Parameters, untrained
from raysp.models.gfr_network import fused
from raysp.models.gfr_network.pool import Pool
from raysp.models.gfr_network.trained_neuron import TrainedNeuron
from raysp.models.recurrent_classifier import RecurrentClassifier, RecurrentConfig

FILTERS, ACTIVATION = ("alpha", "beta"), ("poly", "threshold")


@dataclass(frozen=True)
class Config(RecurrentConfig):
    """Settings; 65 neurons, the default, are the published comparison's size on L-MNIST, 7,355 parameters.

    Attributes:
        hidden: neurons.
        taus: time constants of their filters, steps; one filter without memory comes first.
        feedback: factor of a neuron's own rate. The published code has 1000 in single cells, whose rates are
            spikes/ms; a network with 1000 does not learn. None for 1, or for what drawn neurons were fitted with.
        neurons: a finished run with fits to cells, whose neurons the network takes; or a table of them: one that
            `raysp import` wrote, or the neurons.parquet that a network's trial leaves. Empty for neurons that all begin
            as relu(tanh(drive)).
        neurons_bin_ms: of fits to cells, those at this width of bins, ms.
        neurons_protocol: of fits to cells, "clean" or "paper"; empty for clean where it is there.
        neurons_split: of fits to cells, those of this split; empty for those of all.
        least_evr: drawn are cells whose explained-variance ratio is above it; None for all.
        evr: of which part of their recordings: "validation"; or "test", as the published networks chose them.
        replacement: one may be drawn several times.
        in_order: the first neurons of the table as they stand, instead of a draw by the trial's seed.
        biological: the drive of a neuron is its threshold plus sigma times what it hears, and layers begin without
            bias; None for so where neurons come from cells.
        copy_layers: of neurons that were trained in a network, take the weights from the input and to the output along.
        train_layers: which layers gradient descent changes; others stay as they begin.
        train_filters: gradient descent changes alpha and beta, the gains of the filters.
        train_activations: it changes the activation's coefficients and threshold, too.
        compiled: on a CPU, the neurons run compiled; otherwise, and on a GPU, by torch's operations.
    """

    hidden: Count = 65
    taus: tuple[Positive, ...] = (1.0, 2.0, 5.0)
    feedback: Positive | None = None
    neurons: str = ""
    neurons_bin_ms: Count = 20
    neurons_protocol: Literal["", "clean", "paper"] = ""
    neurons_split: str = ""
    least_evr: NonNegative | None = 0.5
    evr: Literal["validation", "test"] = "validation"
    replacement: bool = False
    in_order: bool = False
    biological: bool | None = None
    copy_layers: bool = False
    train_layers: Several[Literal["inward", "recurrent", "outward"]] = ("inward", "recurrent", "outward")
    train_filters: bool = True
    train_activations: bool = False
    compiled: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        expect(not (self.in_order and self.replacement), f"{self.where}, in_order draws nothing: leave out replacement")
        expect(
            self.neurons or not self.copy_layers,
            f"{self.where}, copy_layers expected neurons that were trained in a network, got neurons ''; name them",
        )


class Model(RecurrentClassifier):
    """Neurons that hear the input and each other, each with a memory of its drive and of its own rate."""

    config: Config

    def __init__(self, config: Config, sizes: SequenceSizes) -> None:
        super().__init__(config, sizes)
        self._take(usual(config), biological=bool(config.biological))
        for name in {"inward", "recurrent", "outward"} - {*config.train_layers}:
            _freeze(getattr(self, name))

    def start(self, columns: Mapping[str, Sequence[Any]], seed: int) -> None:
        """Take neurons of a table in place of those that all begin alike.

        Args:
            columns: of the table, see `pool.COLUMNS`.
            seed: of the draw.

        Raises:
            BadInput: there are fewer than are wanted, or weights that are to be copied have other sizes.
        """
        config = self.config
        pool = Pool.of(columns, config.evr).above(config.least_evr)
        rows = pool.rows(config.hidden, seed, replacement=config.replacement, in_order=config.in_order)
        chosen = pool.parameters.select(rows)
        biological = pool.evr is not None if config.biological is None else config.biological
        self._take(
            chosen if config.feedback is None else replace(chosen, feedback=config.feedback), biological=biological
        )
        if config.copy_layers:
            expect(
                pool.layers,
                "copy_layers expected neurons that were trained in a network, got cells; leave it out",
            )
            self._copy({name: values[rows] for name, values in pool.layers.items()})

    def _copy(self, layers: Mapping[str, np.ndarray]) -> None:
        found = {
            "inward.weight": layers["inward"],
            "inward.bias": layers["inward_bias"],
            "outward.weight": layers["outward"].T,
            "outward.bias": layers["outward_bias"][0],
        }
        state = self.state_dict()
        for name, values in found.items():
            there = tuple(state[name].shape)
            expect(values.shape == there, f"copy_layers expected {name} of shape {there}, got {values.shape}")
            state[name].copy_(torch.tensor(values))

    def _take(self, chosen: Parameters, *, biological: bool) -> None:
        config, like, self.initial = self.config, self.outward.weight, chosen
        trained = (*(FILTERS if config.train_filters else ()), *(ACTIVATION if config.train_activations else ()))
        self.neurons = Neurons(chosen, like.dtype, trained).to(like.device)
        self.biological = biological
        if biological:
            for layer in (self.inward, self.recurrent, self.outward):
                nn.init.zeros_(layer.bias)

    def activity(self, sequences: torch.Tensor, readouts: int) -> torch.Tensor:
        """Return the rates, (steps + readouts, samples, hidden)."""
        heard, weight = self.heard(sequences, readouts) + self.recurrent.bias, self.recurrent.weight
        if self.biological:
            sigma = self.neurons.sigma
            heard, weight = self.neurons.threshold + sigma * heard, sigma[:, None] * weight
        if self.config.compiled and heard.device.type == "cpu":
            return fused.run(heard, weight, self.neurons)
        rate = torch.zeros_like(heard[0])
        state = rate.new_zeros(*rate.shape, len(self.neurons.decay))
        rates = []
        for now in heard:
            rate, state = self.neurons.step(now + rate @ weight.T, rate, state)
            rates.append(rate)
        return torch.stack(rates)

    def rows(self) -> list[TrainedNeuron]:
        """Return what neurons.parquet says of each neuron, and of what training made it from."""
        own = self.neurons
        found = {name: _numbers(getattr(own, name)) for name in (*PARAMETERS, "sigma")}
        lost = (1 - _numbers(own.decay)).tolist()
        inward, biases, outward = (
            _numbers(one) for one in (self.inward.weight, self.inward.bias, self.outward.weight.T)
        )
        return [
            {
                "unit": unit,
                "sigma": float(found["sigma"][unit]),
                "gamma": float(found["gamma"][unit]),
                "threshold": float(found["threshold"][unit]),
                "poly_coeff": found["poly"][unit].tolist(),
                "alpha": found["alpha"][unit].tolist(),
                "beta": found["beta"][unit].tolist(),
                "lambda": lost,
                "feedback": own.feedback,
                "inward": inward[unit].tolist(),
                "inward_bias": float(biases[unit]),
                "outward": outward[unit].tolist(),
                "outward_bias": _numbers(self.outward.bias).tolist(),
                "initial_alpha": self.initial.alpha[unit].tolist(),
                "initial_beta": self.initial.beta[unit].tolist(),
            }
            for unit in range(self.config.hidden)
        ]


def usual(config: Config) -> Parameters:
    """Return neurons whose rate is relu(tanh(drive)) before they are trained."""
    ones, decay = np.ones(config.hidden), np.exp(-1 / np.array(config.taus))
    poly = np.tile([0.0, 1.0], (config.hidden, 1))
    return untrained(poly, 0 * ones, ones, ones, np.concatenate([[0.0], decay]), config.feedback or 1.0)


def _numbers(values: torch.Tensor) -> np.ndarray:
    return values.detach().cpu().double().numpy()


def _freeze(layer: nn.Module) -> None:
    """Make what a layer learns what it has: buffers, which nothing changes."""
    for name, values in list(layer.named_parameters()):
        delattr(layer, name)
        layer.register_buffer(name, values.detach())
