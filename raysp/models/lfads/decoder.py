"""From an initial state to factors: a generator that runs freely, or is pushed by inputs that a controller infers."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from raysp.layers import clipped_gru, lane_masks
from raysp.layers.clipped_gru import LIMIT, normal
from raysp.layers.lanes import affine
from raysp.models.lfads import loop
from raysp.models.lfads.encoder import gate_bias


class Decoded(NamedTuple):
    """What came of a sample, (bins, lanes, trials, ...); the inputs' parts are None of a generator without any.

    Attributes:
        factors: of each bin.
        means: of the inferred inputs' posterior.
        log_variances: of it.
        inputs: those that were drawn.
    """

    factors: torch.Tensor
    means: torch.Tensor | None = None
    log_variances: torch.Tensor | None = None
    inputs: torch.Tensor | None = None


class Dropping(NamedTuple):
    """Where a sample of training gets its draws from, and the share that each lane drops."""

    generator: torch.Generator
    shares: torch.Tensor

    def scale(self, *shape: int) -> torch.Tensor:
        """Return what entries are multiplied with, (lanes, ...)."""
        return lane_masks.kept_scale(lane_masks.drawn(shape, self.generator), self.shares)


class Generator(nn.Module):
    """The generator and the way from its states to factors, each of whose weight vectors has length 1.

    Args:
        lanes: how many.
        initial: dimensions of the initial condition.
        hidden: units.
        factors: how many.
        inputs: inferred ones.
    """

    def __init__(self, lanes: int, initial: int, hidden: int, factors: int, inputs: int) -> None:
        super().__init__()
        self.start = nn.Parameter(normal(lanes, initial, hidden, initial))
        self.start_bias = nn.Parameter(torch.zeros(lanes, hidden))
        self.gates = nn.Parameter(_driven(lanes, inputs, hidden, 2 * hidden))
        self.candidate = nn.Parameter(_driven(lanes, inputs, hidden, hidden))
        self.bias = nn.Parameter(gate_bias(hidden).repeat(lanes, 1))
        self.to_factors = nn.Parameter(normal(lanes, hidden, factors, hidden))

    def loadings(self) -> torch.Tensor:
        """Return the factors' weights, (lanes, hidden, factors), each factor's of length 1."""
        return functional.normalize(self.to_factors, dim=1)

    def forward(self, initial: torch.Tensor, bins: int, dropping: Dropping | None) -> Decoded:
        """Run freely for so many bins from (lanes, trials, initial) conditions."""
        start = affine(initial, self.start, self.start_bias)
        heard = self.bias[:, None].expand(bins, -1, start.shape[1], -1)
        states = clipped_gru.run(heard, start, self.gates, self.candidate, LIMIT)
        if dropping is not None:
            states = states * dropping.scale(bins, *start.shape[1:]).transpose(0, 1)
        return Decoded(states @ self.loadings())


class Controller(nn.Module):
    """What infers the generator's inputs, from encoded bins around each bin and from the factors before it.

    Args:
        lanes: how many.
        encoded: units of each of the encoder's directions.
        hidden: units.
        factors: that are fed back; 0 for none.
        inputs: how many.
        lag: bins; see `around`.
        log_variance: that posteriors start from.
    """

    def __init__(
        self, lanes: int, encoded: tuple[int, int], hidden: int, factors: int, inputs: int, lag: int,
        log_variance: float,
    ) -> None:  # fmt: skip
        super().__init__()
        directions, width = encoded
        self.lag, self.factors = lag, factors
        fan_in = directions * width + factors
        self.weight = nn.Parameter(normal(lanes, directions * width, 3 * hidden, fan_in))
        self.bias = nn.Parameter(gate_bias(hidden).repeat(lanes, 1))
        self.first = nn.Parameter(torch.zeros(lanes, hidden))
        self.gates = nn.Parameter(_driven(lanes, factors, hidden, 2 * hidden, fan_in))
        self.candidate = nn.Parameter(_driven(lanes, factors, hidden, hidden, fan_in))
        self.to_inputs = nn.Parameter(normal(lanes, hidden, 2 * inputs, hidden))
        start = torch.cat([torch.zeros(inputs), torch.full((inputs,), log_variance)])
        self.to_inputs_bias = nn.Parameter(start.repeat(lanes, 1))

    def forward(
        self, generator: Generator, initial: torch.Tensor, states: torch.Tensor, noise: torch.Tensor,
        dropping: Dropping | None,
    ) -> Decoded:  # fmt: skip
        """Run the generator under inputs inferred in every bin.

        Args:
            generator: that is driven.
            initial: (lanes, trials, initial) conditions.
            states: (observed bins, lanes, directions, trials, encoded) as `encoder.read` has them.
            noise: (bins, lanes or 1, trials, inputs) standard normal, of observed and forward bins.
            dropping: in training.
        """
        bins, lanes, trials = len(noise), *initial.shape[:2]
        start = affine(initial, generator.start, generator.start_bias)
        shown = around(states, self.lag, bins)
        left = passed = None
        if dropping is not None:
            shown = shown * dropping.scale(bins, trials, shown.shape[-1])
            left = dropping.scale(bins + 1, trials, start.shape[-1]).transpose(0, 1)
            passed = dropping.scale(bins, trials, self.factors).transpose(0, 1) if self.factors else None
        heard = affine(shown, self.weight, self.bias).transpose(0, 1)
        control = self.first[:, None].expand(-1, trials, -1)
        factors, given, drawn = loop.run(
            heard, generator.bias, (control, start), (self.gates, self.candidate),
            (generator.gates, generator.candidate), (self.to_inputs, self.to_inputs_bias), generator.loadings(),
            loop.Drawn(noise.expand(-1, lanes, -1, -1), left, passed), LIMIT,
        )  # fmt: skip
        means, log_variances = given.chunk(2, dim=-1)
        return Decoded(factors, means, log_variances, drawn)


def around(states: torch.Tensor, lag: int, bins: int) -> torch.Tensor:
    """Return what the controller is shown of the encoder in each bin, (lanes, bins, trials, directions * encoded).

    In bin t the forward direction's units after bin t - lag, and the backward direction's after bin t + lag, which it
    came to from the end; zeros where there are no such bins, and in forward bins.

    Args:
        states: (observed bins, lanes, directions, trials, encoded), each direction in its own order.
        lag: bins.
        bins: observed and forward ones.
    """
    observed = len(states)
    late = states[: observed - lag, :, 0]
    found = [functional.pad(late, (0, 0, 0, 0, 0, 0, lag, bins - observed))]
    if states.shape[2] > 1:
        early = states[:, :, 1].flip(0)[lag:]
        found.append(functional.pad(early, (0, 0, 0, 0, 0, 0, 0, bins - observed + lag)))
    return torch.cat(found, dim=-1).transpose(0, 1)


def _driven(lanes: int, drive: int, hidden: int, outputs: int, drive_fan_in: int | None = None) -> torch.Tensor:
    """Return weights (lanes, drive + hidden, outputs); of what drives, and of the state, as many inputs as each has."""
    driven = normal(lanes, drive, outputs, drive_fan_in or max(drive, 1))
    return torch.cat([driven, normal(lanes, hidden, outputs, hidden)], dim=1)
