"""Priors learn the scales of what they are given."""

import math

import pytest
import torch

from raysp.models.lfads.priors import Autoregressive, Normal

BINS, TRIALS = 200, 60


def paths(tau, variance, seed=0):
    """Inputs of a known time constant and innovation variance, (bins, lanes, trials, inputs)."""
    generator = torch.Generator().manual_seed(seed)
    alpha = math.exp(-1 / tau)
    noise = torch.randn(BINS, 1, TRIALS, 1, generator=generator) * variance**0.5
    found = [noise[0] / (1 - alpha**2) ** 0.5]
    for one in noise[1:]:
        found.append(alpha * found[-1] + one)
    return torch.stack(found)


def learned(prior, means, variance=1e-3):
    logs = torch.full_like(means, math.log(variance))
    optimizer = torch.optim.Adam(prior.parameters(), lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        prior.kl(means, logs, means).sum(dim=(0, 2, 3)).mean().backward()
        optimizer.step()
    return prior


@pytest.mark.parametrize("tau", [3.0, 30.0])
def test_a_time_constant_is_learned(tau):
    prior = learned(Autoregressive(1, 1, tau=10.0, variance=0.1), paths(tau, 0.5))
    assert prior.log_tau().exp().item() == pytest.approx(tau, rel=0.3)
    assert (prior.wider + math.log(0.1)).exp().item() == pytest.approx(0.5, rel=0.1)


def test_a_mean_is_learned_and_the_variance_stays():
    prior = learned(Normal(1, 1, variance=0.1), torch.full((4, 1, TRIALS, 1), 0.7))
    assert prior.mean.item() == pytest.approx(0.7, abs=0.01)
    assert prior.log_variance == math.log(0.1)
