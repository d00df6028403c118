"""Fitted neurons run freely, compiled, in double precision: one current after the other."""

from __future__ import annotations

import numpy as np

from raysp.config.compiled import njit
from raysp.models.gfr.lanes import Sequence
from raysp.models.gfr.parameters import Filters


@njit(fastmath={"contract", "nsz"}, error_model="numpy")
def run(
    current: np.ndarray, theta: np.ndarray, sigma: float, filters: Filters, rates: np.ndarray,
) -> None:  # fmt: skip
    """Write a row's rates, spikes/ms, under a current of (bins,) pA; parameters as in `second_order`."""
    decay, bend, bent_decay, feedback = filters
    terms, bends = decay.shape[0], bend.shape[0]
    gains, theta = theta[:bends], theta[bends:]
    order = theta.shape[0] - 2 * terms - 2
    threshold, gamma = theta[2 * terms + order] * sigma, np.exp(theta[2 * terms + order + 1])
    state, bent, rate = np.zeros(terms), np.zeros(bends), 0.0
    for t in range(current.shape[0]):
        drive = 0.0
        for i in range(bends):
            bent[i] = bent_decay[i] * bent[i] + gains[i] * max(current[t] - bend[i] * sigma, 0.0)
            drive += bent[i]
        for i in range(terms):
            state[i] = decay[i] * state[i] + theta[i] * current[t] + feedback * theta[terms + i] * rate
            drive += state[i]
        x = (drive / terms - threshold) / sigma
        p = 0.0
        for k in range(order - 1, -1, -1):
            p = p * x + theta[2 * terms + k] ** 2
        rate = gamma * np.tanh(p) if p > 0 else 0.0
        rates[t] = rate


def rates_of(sequences: list[Sequence], theta: np.ndarray, sigma: np.ndarray, filters: Filters) -> list[np.ndarray]:
    """Return the rates of some rows under each sequence's current, (rows, bins) each.

    Args:
        sequences: of one unit.
        theta: (rows, parameters).
        sigma: (rows,) pA.
        filters: of the neurons.
    """
    found = []
    for one in sequences:
        current, rates = one.current.astype(np.float64), np.empty((len(theta), len(one.current)))
        for row in range(len(theta)):
            run(current, theta[row], sigma[row], filters, rates[row])
        found.append(rates)
    return found


def poisson(sequence: Sequence, rates: np.ndarray, bin_ms: float, eps: float = 1e-8) -> np.ndarray:
    """Return the weighted sum of m - y log(m + eps), (rows,), of rates (rows, bins) in spikes/ms."""
    mean = rates * bin_ms
    return ((mean - sequence.counts * np.log(mean + eps)) * sequence.weight).sum(axis=-1)
