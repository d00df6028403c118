"""The generalised firing rate neuron, as plain mathematics in torch: what the compiled kernels are tested against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

TAUS_MS = (10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0)
"""Time constants of the filters; those shorter than a bin are not used."""

FEEDBACK = 1000.0
"""The neuron's own rate comes back in Hz."""


def lambdas(bin_ms: int, taus_ms: Sequence[float] = TAUS_MS) -> np.ndarray:
    """Return how much of each filter's state is lost per bin, (terms,) float64; the first has no memory at all."""
    kept = np.array([tau for tau in taus_ms if tau >= bin_ms])
    return np.concatenate([[1.0], -np.expm1(-bin_ms / kept)])


@dataclass(frozen=True)
class Parameters:
    """Parameters of several neurons of equal filters.

    Attributes:
        alpha: (neurons, terms) gains of the filters of the current.
        beta: (neurons, terms) gains of the filters of the neuron's own rate.
        poly: (neurons, degree + 1) roots of the polynomial's coefficients, which are their squares.
        threshold: (neurons,) pA.
        sigma: (neurons,) scale of currents, pA.
        gamma: (neurons,) highest rate, spikes/ms.
        decay: (terms,) what is left of each filter's state after a bin.
        feedback: factor of the neuron's own rate.
    """

    alpha: np.ndarray
    beta: np.ndarray
    poly: np.ndarray
    threshold: np.ndarray
    sigma: np.ndarray
    gamma: np.ndarray
    decay: np.ndarray
    feedback: float = FEEDBACK

    @classmethod
    def of(cls, theta: np.ndarray, sigma: np.ndarray, decay: np.ndarray, feedback: float = FEEDBACK) -> Parameters:
        """Return what rows of parameters stand for: alpha, beta, roots, threshold / sigma, log gamma side by side."""
        alpha, beta, poly, rest = np.split(
            theta, np.cumsum([len(decay), len(decay), theta.shape[1] - 2 * len(decay) - 2]), axis=1
        )
        return cls(alpha, beta, poly, rest[:, 0] * sigma, sigma, np.exp(rest[:, 1]), decay, feedback)

    def theta(self) -> np.ndarray:
        """Return them as `of` takes them, (neurons, parameters)."""
        rest = np.column_stack([self.threshold / self.sigma, np.log(self.gamma)])
        return np.concatenate([self.alpha, self.beta, self.poly, rest], axis=1)

    def select(self, rows: np.ndarray) -> Parameters:
        """Return those of these neurons, (rows,) indices."""
        each = (self.alpha, self.beta, self.poly, self.threshold, self.sigma, self.gamma)
        return Parameters(*(values[rows] for values in each), self.decay, self.feedback)


def untrained(
    poly: np.ndarray, threshold: np.ndarray, sigma: np.ndarray, gamma: np.ndarray, decay: np.ndarray
) -> Parameters:
    """Return neurons whose rate is the activation of the current alone: alpha = (terms, 0, 0, ..), beta = 0."""
    neurons, terms = len(poly), len(decay)
    alpha = np.zeros((neurons, terms))
    alpha[:, 0] = terms
    return Parameters(alpha, np.zeros((neurons, terms)), poly, threshold, sigma, gamma, decay)


def activation(drive: np.ndarray, parameters: Parameters) -> np.ndarray:
    """Return gamma ReLU(tanh(sum over k of a_k^2 ((z - b) / sigma)^k)), spikes/ms.

    Args:
        drive: (neurons, points) z, pA.
        parameters: of the neurons.
    """
    x = (drive - parameters.threshold[:, None]) / parameters.sigma[:, None]
    inner = np.zeros_like(x)
    for root in parameters.poly.T[::-1]:
        inner = inner * x + root[:, None] ** 2
    return parameters.gamma[:, None] * np.maximum(np.tanh(inner), 0)


def kernels(parameters: Parameters, bins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what a current and a rate so many bins ago still count, as the published figures have it.

    Sums of alpha_i (1 - lambda_i)^x and of beta_i (1 - lambda_i)^x, without the division by the number of terms; the
    term without memory counts at x = 0 alone.

    Args:
        parameters: of the neurons.
        bins: (points,) x >= 0, whole or not.

    Returns:
        (neurons, points) of the current, and of the neuron's own rate.
    """
    powers = parameters.decay[:, None] ** bins
    return parameters.alpha @ powers, parameters.beta @ powers


class Neurons(nn.Module):
    """Neurons that run side by side, each driven by a current of its own; the parameters may be trained further.

    Args:
        parameters: of the neurons.
        dtype: of weights and rates.
    """

    def __init__(self, parameters: Parameters, dtype: torch.dtype = torch.float64) -> None:
        super().__init__()
        for name in ("alpha", "beta", "poly", "threshold", "gamma"):
            self.register_parameter(name, nn.Parameter(torch.tensor(getattr(parameters, name), dtype=dtype)))
        self.register_buffer("sigma", torch.tensor(parameters.sigma, dtype=dtype))
        self.register_buffer("decay", torch.tensor(parameters.decay, dtype=dtype))
        self.feedback = parameters.feedback

    def activation(self, drive: torch.Tensor) -> torch.Tensor:
        """Return the rate, spikes/ms, at a drive of (..., neurons) pA."""
        x = (drive - self.threshold) / self.sigma
        inner = torch.zeros_like(x)
        for root in self.poly.T.flip(0):
            inner = inner * x + root**2
        return self.gamma * torch.relu(torch.tanh(inner))

    def step(self, current: torch.Tensor, rate: torch.Tensor, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return rate and state after a bin.

        Args:
            current: (..., neurons) pA.
            rate: (..., neurons) of the bin before, spikes/ms.
            state: (..., neurons, terms) of the filters.
        """
        state = self.decay * state + self.alpha * current[..., None] + self.feedback * self.beta * rate[..., None]
        return self.activation(state.mean(-1)), state

    def forward(self, current: torch.Tensor) -> torch.Tensor:
        """Return rates, spikes/ms, of (bins, ..., neurons) currents in pA; every neuron hears its own rate alone."""
        rate = torch.zeros_like(current[0])
        state = torch.zeros((*current.shape[1:], len(self.decay)), dtype=current.dtype, device=current.device)
        rates = []
        for one in current:
            rate, state = self.step(one, rate, state)
            rates.append(rate)
        return torch.stack(rates)
