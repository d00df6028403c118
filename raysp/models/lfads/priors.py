"""What initial conditions and inferred inputs are expected to be, before a trial is seen; their scales are learned.

Parameters are deviations from where they begin, so that a decay of weights draws them back there.
"""

from __future__ import annotations

import math

import torch
from torch import nn

from raysp.objectives.gaussian_kl import autoregressive_kl, gaussian_kl


class Normal(nn.Module):
    """A Gaussian of learned mean and fixed variance, each entry by itself."""

    def __init__(self, lanes: int, entries: int, variance: float) -> None:
        super().__init__()
        self.mean, self.log_variance = nn.Parameter(torch.zeros(lanes, entries)), math.log(variance)

    def kl(self, means: torch.Tensor, log_variances: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
        """Return nats of each entry, (..., lanes, trials, entries); what was drawn does not matter."""
        fixed = torch.full_like(self.mean, self.log_variance)
        return gaussian_kl(means, log_variances, self.mean[:, None], fixed[:, None])


class Autoregressive(nn.Module):
    """Order one over bins, each input by itself, with learned time constant and innovation variance."""

    def __init__(self, lanes: int, inputs: int, tau: float, variance: float) -> None:
        super().__init__()
        self.longer, self.wider = (nn.Parameter(torch.zeros(lanes, inputs)) for _ in range(2))
        self._log_tau, self._log_variance = math.log(tau), math.log(variance)

    def log_tau(self) -> torch.Tensor:
        """Return the natural log of the time constants, (lanes, inputs) bins."""
        return self.longer + self._log_tau

    def kl(self, means: torch.Tensor, log_variances: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
        """Return nats of each bin and input, (bins, lanes, trials, inputs), given the path that was drawn."""
        scales = self.log_tau()[:, None], (self.wider + self._log_variance)[:, None]
        return autoregressive_kl(means, log_variances, drawn, *scales)
