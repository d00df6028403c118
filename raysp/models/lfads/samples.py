"""Means over samples of the posterior: of rates, factors and inputs, never the rate of the mean."""

from __future__ import annotations

import torch

from raysp.models.lfads.decoder import Decoded
from raysp.models.lfads.network import Encoded, Network, Noise
from raysp.objectives import poisson

FIRST = 1_000_003
"""Seed of the first sample."""

AT_ONCE = 256
"""Trials times samples; changes memory and speed, not results."""


def averaged(network: Network, heldin: torch.Tensor, count: int) -> tuple[torch.Tensor, Decoded, Encoded]:
    """Return means over the posterior of trials.

    Args:
        network: of any number of lanes.
        heldin: (trials, bins, heldin) counts, no NaN.
        count: of samples.

    Returns:
        (lanes, trials, bins + forward, units) rates; factors and inputs; what the encoders made of the trials.
    """
    lanes = network.readout.bias.shape[0]
    encoded = network.encode(heldin.expand(lanes, *heldin.shape))
    rates, found = sample_means(network, encoded, count)
    return rates, found, encoded


def sample_means(network: Network, encoded: Encoded, count: int) -> tuple[torch.Tensor, Decoded]:
    """Return the mean rates of so many samples, (lanes, trials, bins, units), and mean factors and inputs."""
    trials = encoded.means.shape[1]
    at_once = max(1, AT_ONCE // trials)
    rates, factors, inputs = [], [], []
    for first in range(0, count, at_once):
        numbers = range(first, min(first + at_once, count))
        noise = _together([sample_noise(network, number, encoded.means.device) for number in numbers], trials)
        _, found = network.decode(encoded.repeated(len(numbers)), noise)
        shape = (len(numbers), trials)
        rates.append(poisson.rates(network.readout(found.factors)).unflatten(1, shape).sum(dim=1))
        factors.append(found.factors.unflatten(2, shape).sum(dim=2))
        if found.inputs is not None:
            inputs.append(found.inputs.unflatten(2, shape).sum(dim=2))
    driven = torch.stack(inputs).sum(dim=0) / count if inputs else None
    return torch.stack(rates).sum(dim=0) / count, Decoded(torch.stack(factors).sum(dim=0) / count, inputs=driven)


def sample_noise(network: Network, number: int, device: torch.device) -> Noise:
    """Return the noise of a sample, the same for every trial.

    It follows from the sample's number alone: what a trial is predicted as depends neither on the batch it is in nor on
    which others are predicted. Every second sample mirrors the one before it, which takes from means all errors that
    are linear in the noise; those would not average out over trials, since they share it.
    """
    generator = torch.Generator().manual_seed(FIRST + number // 2)
    sign = 1 - 2 * (number % 2)
    return Noise(*(sign * one.to(device) for one in network.noise(1, generator)))


def _together(noises: list[Noise], trials: int) -> Noise:
    """Return the noise of so many trials under each sample in turn."""
    each = [(one.initial.expand(-1, trials, -1), one.inputs.expand(-1, -1, trials, -1)) for one in noises]
    return Noise(torch.cat([one[0] for one in each], dim=1), torch.cat([one[1] for one in each], dim=2))
