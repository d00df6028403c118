"""The whole network: counts in, posteriors, samples of them, and the log rates of a sample."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn

from raysp.data.splits.population import Sizes
from raysp.errors import present
from raysp.layers.clipped_gru import normal
from raysp.layers.lanes import affine
from raysp.models.lfads.decoder import Controller, Decoded, Dropping, Generator
from raysp.models.lfads.encoder import Encoder, read
from raysp.models.lfads.priors import Autoregressive, Normal

if TYPE_CHECKING:
    from raysp.models.lfads.model import Config

LEAST_VARIANCE = 1e-4
"""Of initial conditions' posterior."""


class Encoded(NamedTuple):
    """What the encoders make of trials.

    Attributes:
        means: (lanes, trials, initial) of the posterior of initial conditions.
        log_variances: of it.
        states: (bins, lanes, directions, trials, hidden) of the encoder of inputs; None without.
    """

    means: torch.Tensor
    log_variances: torch.Tensor
    states: torch.Tensor | None

    def repeated(self, times: int) -> Encoded:
        """Return the same trials so many times over."""
        states = None if self.states is None else self.states.repeat(1, 1, 1, times, 1)
        return Encoded(self.means.repeat(1, times, 1), self.log_variances.repeat(1, times, 1), states)


class Noise(NamedTuple):
    """Standard normal draws of a sample; lanes and trials may be 1, for all.

    Attributes:
        initial: (lanes, trials, initial).
        inputs: (bins, lanes, trials, inputs).
    """

    initial: torch.Tensor
    inputs: torch.Tensor


class Readout(nn.Module):
    """From factors to log rates, around each unit's mean: decay draws them there."""

    log_rates: torch.Tensor

    def __init__(self, lanes: int, factors: int, units: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(normal(lanes, factors, units, factors))
        self.bias = nn.Parameter(torch.zeros(lanes, units))
        self.register_buffer("log_rates", torch.zeros(lanes, units))

    def forward(self, factors: torch.Tensor) -> torch.Tensor:
        """Return (lanes, trials, bins, units) of (bins, lanes, trials, factors)."""
        return affine(factors.permute(1, 2, 0, 3), self.weight, self.bias + self.log_rates)


class Network(nn.Module):
    """All weights, with the lanes in front.

    Args:
        config: the model's, `factors` being how many there are.
        sizes: of the split.
        lanes: how many.
    """

    def __init__(self, config: Config, sizes: Sizes, lanes: int) -> None:
        super().__init__()
        self.bins, self.inputs = sizes.bins + sizes.forward, config.inputs
        self.initial_encoder = Encoder(lanes, sizes.heldin, config.encoder_hidden)
        ends = 2 * config.encoder_hidden
        self.to_initial = nn.Parameter(normal(lanes, ends, 2 * config.initial, ends))
        start = torch.full((config.initial,), math.log(config.initial_variance))
        self.to_initial_bias = nn.Parameter(torch.cat([torch.zeros(config.initial), start]).repeat(lanes, 1))
        self.initial_prior = Normal(lanes, config.initial, config.initial_variance)
        self.generator = Generator(lanes, config.initial, config.generator, config.factors, config.inputs)
        self.readout = Readout(lanes, config.factors, sizes.units)
        if config.inputs:
            self._add_controller(config, sizes, lanes)

    def _add_controller(self, config: Config, sizes: Sizes, lanes: int) -> None:
        directions, fed = (1, 0) if config.causal else (2, config.factors)
        hidden, variance = config.input_encoder_hidden, config.input_variance
        self.input_encoder = Encoder(lanes, sizes.heldin, hidden, directions)
        self.controller = Controller(
            lanes, (directions, hidden), config.controller, fed, config.inputs, config.lag, math.log(variance)
        )
        self.input_prior = (
            Autoregressive(lanes, config.inputs, config.tau, variance)
            if config.input_prior == "ar1"
            else Normal(lanes, config.inputs, variance)
        )

    def encode(self, x: torch.Tensor, dropping: Dropping | None = None) -> Encoded:
        """Read (lanes, trials, bins, heldin) counts."""
        found = read([self.initial_encoder, self.input_encoder] if self.inputs else [self.initial_encoder], x)
        ends = found[0][-1].transpose(1, 2).flatten(2)
        if dropping is not None:
            ends = ends * dropping.scale(*ends.shape[1:])
        means, logs = affine(ends, self.to_initial, self.to_initial_bias).chunk(2, dim=-1)
        floored = torch.logaddexp(logs, torch.full_like(logs, math.log(LEAST_VARIANCE)))
        return Encoded(means, floored, found[1] if self.inputs else None)

    def noise(self, trials: int, generator: torch.Generator) -> Noise:
        """Draw the noise of a sample of so many trials, the same for every lane."""
        shapes = (1, trials, self.generator.start.shape[1]), (self.bins, 1, trials, self.inputs)
        return Noise(*(torch.randn(shape, generator=generator, device=generator.device) for shape in shapes))

    def decode(self, encoded: Encoded, noise: Noise, dropping: Dropping | None = None) -> tuple[torch.Tensor, Decoded]:
        """Return the initial conditions of a sample, (lanes, trials, initial), and what came of it."""
        initial = encoded.means + torch.exp(0.5 * encoded.log_variances) * noise.initial
        if encoded.states is None:
            return initial, self.generator(initial, self.bins, dropping)
        inputs = noise.inputs.expand(-1, -1, initial.shape[1], -1)
        return initial, self.controller(self.generator, initial, encoded.states, inputs, dropping)

    def divergences(self, encoded: Encoded, initial: torch.Tensor, found: Decoded) -> tuple[torch.Tensor, torch.Tensor]:
        """Return nats of initial conditions and of inferred inputs, summed over trials, each (lanes,)."""
        of_initial, of_inputs = self.divergences_each(encoded, initial, found)
        of_initial = of_initial.sum(dim=(1, 2))
        return of_initial, torch.zeros_like(of_initial) if of_inputs is None else of_inputs.sum(dim=(0, 2, 3))

    def divergences_each(
        self, encoded: Encoded, initial: torch.Tensor, found: Decoded
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return nats of each dimension: (lanes, trials, initial), and of inputs (bins, lanes, trials, inputs)."""
        of_initial = self.initial_prior.kl(encoded.means, encoded.log_variances, initial)
        if found.means is None:
            return of_initial, None
        return of_initial, self.input_prior.kl(found.means, present(found.log_variances), present(found.inputs))

    def penalties(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return half the sums of squares of the recurrent weights of generator and controller, each (lanes,).

        Both are divided by the number of recurrent weights of the two together.
        """
        own = [self.generator.gates[:, self.inputs :], self.generator.candidate[:, self.inputs :]]
        others = []
        if self.inputs:
            fed = self.controller.factors
            others = [self.controller.gates[:, fed:], self.controller.candidate[:, fed:]]
        count = sum(one[0].numel() for one in (*own, *others))
        nothing = own[0].new_zeros(own[0].shape[0])
        of_own, of_others = (
            functools.reduce(torch.add, [one.square().sum(dim=(1, 2)) for one in each], nothing)
            for each in (own, others)
        )
        return of_own / (2 * count), of_others / (2 * count)
