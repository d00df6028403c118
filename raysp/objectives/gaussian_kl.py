"""How far Gaussian posteriors are from their priors, in nats: exact, or exact given the path that was drawn.

A Kullback-Leibler divergence taken between densities at one sample has the right mean and a large variance; taken with
a sample other than the one that the network went on from, not even the mean is right. Given what came before, the
posterior of a bin is a Gaussian and so is its prior: their divergence is known, and its mean over drawn paths is that
of paths.
"""

from __future__ import annotations

import torch


def gaussian_kl(
    mean: torch.Tensor, log_variance: torch.Tensor, prior_mean: torch.Tensor, prior_log_variance: torch.Tensor
) -> torch.Tensor:
    """Return KL(N(mean, variance) || N(prior mean, prior variance)) of each entry, in nats; shapes broadcast.

    >>> gaussian_kl(*torch.tensor([1.0, 0.0, 0.0, 0.0])).item()
    0.5
    """
    ratio = log_variance - prior_log_variance
    apart = (mean - prior_mean).square() * torch.exp(-prior_log_variance)
    return 0.5 * (torch.exp(ratio) - 1.0 - ratio + apart)


def autoregressive_kl(
    means: torch.Tensor, log_variances: torch.Tensor, drawn: torch.Tensor, log_tau: torch.Tensor,
    log_variance: torch.Tensor,
) -> torch.Tensor:  # fmt: skip
    """Return that of each bin against an autoregressive prior of order one, given what was drawn before it.

    alpha = exp(-1 / tau); u_1 ~ N(0, v / (1 - alpha^2)), u_t ~ N(alpha u_{t-1}, v) (Sussillo et al. 2016).

    Args:
        means: (bins, ...) of the posterior of each bin.
        log_variances: the same shape.
        drawn: the same shape, the path that drove the network.
        log_tau: (...) natural log of tau, bins; broadcast over bins.
        log_variance: (...) natural log of v.

    Returns:
        (bins, ...) nats.
    """
    # With tau of many bins, 1 - alpha^2 would be a difference of nearly equal numbers.
    rate = torch.exp(-log_tau)
    alpha, stationary = torch.exp(-rate), log_variance - torch.log(-torch.expm1(-2.0 * rate))
    first = gaussian_kl(means[:1], log_variances[:1], torch.zeros_like(means[:1]), stationary)
    return torch.cat([first, gaussian_kl(means[1:], log_variances[1:], alpha * drawn[:-1], log_variance)])
