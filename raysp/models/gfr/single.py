"""One lane alone, compiled: the same operations in the same order as in `kernels`, without a tile around them.

A tile costs the same for one lane as for all. What this computes is equal to the bit.
"""

from __future__ import annotations

import numpy as np

from raysp.config.compiled import njit
from raysp.models.gfr.kernels import MATHS, SUMMED, tanh


@njit(fastmath=MATHS, error_model="numpy")
def forward(
    current: np.ndarray, decay: np.ndarray, alpha: np.ndarray, beta: np.ndarray, threshold: float, scale: float,
    gamma: float, poly: np.ndarray, state: np.ndarray, rates: np.ndarray, inner: np.ndarray,
) -> None:  # fmt: skip
    """Run a lane. Arguments as of `kernels.forward`, of one lane each."""
    terms, order, zero = alpha.shape[0], poly.shape[0], current.dtype.type(0)
    state[:] = zero
    rate = zero
    for t in range(current.shape[0]):
        now, drive = current[t], zero
        for i in range(terms):
            v = decay[i] * state[i] + alpha[i] * now + beta[i] * rate
            state[i] = v
            drive += v
        x = (drive - threshold) * scale
        inner[t] = x
        if order == 2:
            p = poly[0] + x * poly[1]
        else:
            p = poly[order - 1]
            for k in range(order - 2, -1, -1):
                p = p * x + poly[k]
        rate = gamma * tanh(p) if p > zero else zero
        rates[t] = rate


@njit(fastmath=MATHS, error_model="numpy")
def backward(
    current: np.ndarray, counts: np.ndarray, weight: np.ndarray, decay: np.ndarray, beta: np.ndarray, scale: float,
    gamma: float, poly: np.ndarray, bin_ms: float, eps: float, rates: np.ndarray, inner: np.ndarray,
    state: np.ndarray, into: np.ndarray,
) -> None:  # fmt: skip
    """Write the gradient of a lane's loss. Arguments as of `kernels.backward`, of one lane each."""
    terms, order, real = beta.shape[0], poly.shape[0], current.dtype.type
    zero, one = real(0), real(1)
    state[:] = zero
    into[:] = zero
    rate, to_gamma = zero, zero
    for t in range(current.shape[0] - 1, -1, -1):
        now, f, x = current[t], rates[t], inner[t]
        if f > zero:
            drive = bin_ms * (one - counts[t] / (f * bin_ms + eps)) * weight[t] + rate
            to_gamma += drive * f
            drive *= gamma - f * (f / gamma)
            if order == 2:
                into[2 * terms] += drive
                into[2 * terms + 1] += drive * x
                drive *= poly[1] * scale
            else:
                power, slope = drive, zero
                for k in range(order):
                    into[2 * terms + k] += power
                    power *= x
                for k in range(order - 1, 0, -1):
                    slope = slope * x + real(k) * poly[k]
                drive *= slope * scale
        else:
            drive = zero
        rate = zero
        if t == 0:
            for i in range(terms):
                into[i] += (decay[i] * state[i] + drive) * now
            break
        before = rates[t - 1]
        for i in range(terms):
            v = decay[i] * state[i] + drive
            state[i] = v
            rate += beta[i] * v
            into[i] += v * now
            into[terms + i] += v * before
    into[2 * terms + order] = to_gamma / gamma


@njit(fastmath=MATHS, error_model="numpy")
def expected(weight: np.ndarray, rates: np.ndarray, bin_ms: float) -> float:
    """Return a lane's weighted sum of expected counts. Arguments as of `kernels.expected`, of one lane each."""
    total = 0.0
    for first in range(0, rates.shape[0], SUMMED):
        some = rates.dtype.type(0)
        for t in range(first, min(first + SUMMED, rates.shape[0])):
            some += weight[t] * (rates[t] * bin_ms)
        total += np.float64(some)
    return total
