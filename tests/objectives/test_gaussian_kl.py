"""Divergences of Gaussians against Monte Carlo, and of paths against the normal law of all their bins."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from raysp.objectives.gaussian_kl import autoregressive_kl, gaussian_kl

SAMPLES, BINS = 100_000, 12
NUMBERS = st.floats(-2, 2)


def log_density(x, mean, log_variance):
    return -0.5 * (math.log(2 * math.pi) + log_variance + (x - mean) ** 2 * torch.exp(-log_variance))


@settings(max_examples=20, deadline=None)
@given(st.lists(NUMBERS, min_size=4, max_size=4))
def test_it_is_that_of_monte_carlo(values):
    mean, log_variance, prior_mean, prior = torch.tensor(values, dtype=torch.double)
    noise = torch.randn(SAMPLES, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    x = mean + torch.exp(log_variance / 2) * noise
    each = log_density(x, mean, log_variance) - log_density(x, prior_mean, prior)
    error = 4 * each.std() / SAMPLES**0.5 + 1e-12
    assert abs(gaussian_kl(mean, log_variance, prior_mean, prior) - each.mean()) < error


@given(NUMBERS, NUMBERS)
def test_of_a_law_and_itself_it_is_nothing(mean, log_variance):
    pair = torch.tensor([mean, log_variance], dtype=torch.double)
    assert gaussian_kl(*pair, *pair) == 0.0


def feedback_path(seed):
    """Sampled paths whose posterior leans on what was drawn before, as a controller's does."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(BINS, SAMPLES, dtype=torch.double, generator=generator)
    targets, log_variance = torch.sin(torch.arange(BINS, dtype=torch.double)), torch.tensor(-1.0, dtype=torch.double)
    means, drawn, before = [], [], torch.zeros(SAMPLES, dtype=torch.double)
    for target, one in zip(targets, noise, strict=True):
        means.append(0.6 * before + 0.4 * target)
        before = means[-1] + torch.exp(log_variance / 2) * one
        drawn.append(before)
    return torch.stack(means), log_variance.expand(BINS, SAMPLES), torch.stack(drawn)


def prior_density(drawn, tau, variance):
    """Log density of paths under the normal law of all bins, covariance v / (1 - a^2) a^|i - j|."""
    alpha = math.exp(-1 / tau)
    bins = np.arange(len(drawn))
    covariance = variance / (1 - alpha**2) * alpha ** np.abs(bins[:, None] - bins)
    return torch.as_tensor(stats.multivariate_normal(np.zeros(len(drawn)), covariance).logpdf(drawn.T.numpy()))


def test_of_paths_it_is_that_of_monte_carlo_and_varies_less():
    tau, variance = 3.0, 0.5
    means, log_variances, drawn = feedback_path(1)
    each = log_density(drawn, means, log_variances).sum(dim=0) - prior_density(drawn, tau, variance)
    logs = (torch.tensor(math.log(one), dtype=torch.double) for one in (tau, variance))
    ours = autoregressive_kl(means, log_variances, drawn, *logs).sum(dim=0)
    error = 3 * math.hypot(each.std(), ours.std()) / SAMPLES**0.5
    assert abs(ours.mean() - each.mean()) < error
    assert ours.std() < 0.6 * each.std()


def test_paths_of_the_prior_are_at_no_distance():
    log_tau, log_variance = (torch.tensor(math.log(one), dtype=torch.double) for one in (10.0, 0.1))
    alpha = math.exp(-0.1)
    drawn = torch.randn(6, 3, 2, dtype=torch.double)
    means = torch.cat([torch.zeros(1, 3, 2, dtype=torch.double), alpha * drawn[:-1]])
    log_variances = log_variance.expand(6, 3, 2).clone()
    log_variances[0] = log_variance - math.log(1 - alpha**2)
    found = autoregressive_kl(means, log_variances, drawn, log_tau, log_variance)
    assert found.abs().max() < 1e-12


def test_long_time_constants_lose_no_digits():
    log_tau = torch.tensor(math.log(1e6), dtype=torch.float32)
    found = autoregressive_kl(*(torch.zeros(1, 1),) * 3, log_tau, torch.tensor(0.0))
    stationary = math.log(1 / -math.expm1(-2e-6))
    assert found.item() == pytest.approx(0.5 * (math.exp(-stationary) - 1 + stationary), rel=1e-5)
