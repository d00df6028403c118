"""Parameters of generalised firing rate neurons, what they mean, and neurons run with them in plain numpy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

TAUS_MS = (10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0)
"""Time constants of the filters; those shorter than a bin are not used."""

FEEDBACK = 1000.0
"""The neuron's own rate comes back in Hz."""


def lambdas(bin_ms: int, taus_ms: Sequence[float] = TAUS_MS) -> np.ndarray:
    """Return how much of each filter's state is lost per bin, (terms,) float64; the first has no memory at all."""
    kept = np.array([tau for tau in taus_ms if tau >= bin_ms])
    return np.concatenate([[1.0], -np.expm1(-bin_ms / kept)])


class Filters(NamedTuple):
    """What neurons hear currents and their own rates through.

    Attributes:
        decay: (terms,) what is left of each filter's state after a bin.
        bend: (bent,) of inputs that hear what a current has above so many sigma, and nothing of it below.
        bent_decay: (bent,) as `decay`, of those.
        feedback: factor of the neuron's own rate.
    """

    decay: np.ndarray
    bend: np.ndarray
    bent_decay: np.ndarray
    feedback: float = FEEDBACK

    @classmethod
    def plain(cls, decay: np.ndarray, feedback: float = FEEDBACK) -> Filters:
        """Return filters without bent inputs, as published."""
        return cls(decay, np.zeros(0), np.zeros(0), float(feedback))


def filters(
    bin_ms: int, taus_ms: Sequence[float] = TAUS_MS, bends: Sequence[float] = (), bent_taus_ms: Sequence[float] = (),
    feedback: float = FEEDBACK,
) -> Filters:  # fmt: skip
    """Return the filters of these time constants, ms, at this width of bins: for each bend one without memory first."""
    bent = 1 - lambdas(bin_ms, bent_taus_ms)
    return Filters(
        1 - lambdas(bin_ms, taus_ms), np.repeat(np.array(bends, np.float64), len(bent)), np.tile(bent, len(bends)),
        float(feedback),
    )  # fmt: skip


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
        bend: (neurons, bent) pA; inputs beside the published ones hear what the current has above it.
        bent: (neurons, bent) their gains, which like alpha are divided by the number of terms.
        bent_decay: (bent,) as `decay`, of those.
    """

    alpha: np.ndarray
    beta: np.ndarray
    poly: np.ndarray
    threshold: np.ndarray
    sigma: np.ndarray
    gamma: np.ndarray
    decay: np.ndarray
    feedback: float = FEEDBACK
    bend: np.ndarray = field(default_factory=lambda: np.zeros((1, 0)))
    bent: np.ndarray = field(default_factory=lambda: np.zeros((1, 0)))
    bent_decay: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def of(cls, theta: np.ndarray, sigma: np.ndarray, filters: Filters) -> Parameters:
        """Return what rows of parameters stand for.

        They are gains of bent inputs, alpha, beta, roots, threshold / sigma and log gamma, side by side.
        """
        bends, terms = len(filters.bend), len(filters.decay)
        bent, alpha, beta, poly, rest = np.split(
            theta, np.cumsum([bends, terms, terms, theta.shape[1] - bends - 2 * terms - 2]), axis=1
        )
        return cls(
            alpha, beta, poly, rest[:, 0] * sigma, sigma, np.exp(rest[:, 1]), filters.decay, filters.feedback,
            sigma[:, None] * filters.bend, bent, filters.bent_decay,
        )  # fmt: skip

    def theta(self) -> np.ndarray:
        """Return them as `of` takes them, (neurons, parameters)."""
        rest = np.column_stack([self.threshold / self.sigma, np.log(self.gamma)])
        bent = np.broadcast_to(self.bent, (len(self.sigma), len(self.bent_decay)))
        return np.concatenate([bent, self.alpha, self.beta, self.poly, rest], axis=1)

    def select(self, rows: np.ndarray) -> Parameters:
        """Return those of these neurons, (rows,) indices."""
        names = ("alpha", "beta", "poly", "threshold", "sigma", "gamma")
        bent = {
            name: np.broadcast_to(getattr(self, name), (len(self.sigma), len(self.bent_decay)))[rows]
            for name in ("bend", "bent")
        }
        return replace(self, **{name: getattr(self, name)[rows] for name in names}, **bent)


def untrained(
    poly: np.ndarray, threshold: np.ndarray, sigma: np.ndarray, gamma: np.ndarray, decay: np.ndarray,
    feedback: float = FEEDBACK,
) -> Parameters:  # fmt: skip
    """Return neurons whose rate is the activation of the current alone: alpha = (terms, 0, 0, ..), beta = 0."""
    neurons, terms = len(poly), len(decay)
    alpha = np.zeros((neurons, terms))
    alpha[:, 0] = terms
    return Parameters(alpha, np.zeros((neurons, terms)), poly, threshold, sigma, gamma, decay, feedback)


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


def bent_kernels(parameters: Parameters, bins: np.ndarray) -> np.ndarray:
    """Return what bent inputs so many bins ago still count, in the measure of `kernels`, (neurons, bent, points)."""
    return parameters.bent[..., None] * parameters.bent_decay[:, None] ** bins


def run(parameters: Parameters, current: np.ndarray) -> np.ndarray:
    """Return the rates, spikes/ms, of neurons that hear their own.

    Args:
        parameters: of the neurons.
        current: (bins,) pA for all of them, or (neurons, bins).

    Returns:
        (neurons, bins).
    """
    current = np.broadcast_to(current, (len(parameters.sigma), current.shape[-1]))
    state, rate, rates = np.zeros_like(parameters.alpha), np.zeros(len(current)), np.empty(current.shape)
    terms, bent = state.shape[1], np.zeros((len(current), len(parameters.bent_decay)))
    for t, now in enumerate(current.T):
        heard = parameters.alpha * now[:, None] + parameters.feedback * parameters.beta * rate[:, None]
        state = parameters.decay * state + heard
        bent = parameters.bent_decay * bent + parameters.bent * np.maximum(now[:, None] - parameters.bend, 0)
        rate = activation((state.mean(axis=1) + bent.sum(axis=1) / terms)[:, None], parameters)[:, 0]
        rates[:, t] = rate
    return rates
