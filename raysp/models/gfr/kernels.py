"""The neuron compiled: rates of many lanes at once, and the gradient by hand through every bin of a sweep.

A lane is one neuron under one current. WIDTH lanes make a tile; each of them is computed by the same instructions
whatever the others are, so that a lane's numbers do not depend on its company. Rates and gradients have the precision
of the arrays that they are given; losses are summed in double precision.
"""

from __future__ import annotations

import math

import numpy as np
from numba import types
from numba.extending import overload, register_jitable

from raysp.config.compiled import njit
from raysp.models.gfr.vectors import filter_backward, filter_forward

WIDTH = 64
"""Lanes of a tile."""

SUMMED = 64
"""Bins whose expected counts are summed in the rates' own precision."""

# No reordering of sums, no reciprocals: lanes must not differ by where they stand in a vector.
MATHS = {"contract", "nsz"}


def tanh(x: float) -> float:
    """Return the hyperbolic tangent; of single precision by a rational function that compilers make vectors of."""
    return math.tanh(x)


@register_jitable(fastmath=MATHS)
def _tanh_single(x):
    # The minimax approximation of degree 13 over 6, to the last digits of single precision.
    f = np.float32
    x = min(f(7.90531110763549805), max(f(-7.90531110763549805), x))
    x2 = x * x
    p = f(2.00018790482477e-13) + x2 * f(-2.76076847742355e-16)
    p = f(-8.60467152213735e-11) + x2 * p
    p = f(5.12229709037114e-08) + x2 * p
    p = f(1.48572235717979e-05) + x2 * p
    p = f(6.37261928875436e-04) + x2 * p
    p = f(4.89352455891786e-03) + x2 * p
    q = f(1.18534705686654e-04) + x2 * f(1.19825839466702e-06)
    q = f(2.26843463243900e-03) + x2 * q
    q = f(4.89352518554385e-03) + x2 * q
    return x * p / q


@overload(tanh, inline="always")
def _tanh(x):
    if x == types.float32:
        return lambda x: _tanh_single(x)
    return lambda x: math.tanh(x)


@njit(fastmath=MATHS, error_model="numpy")
def forward(
    current: np.ndarray, decay: np.ndarray, alpha: np.ndarray, beta: np.ndarray, threshold: np.ndarray,
    scale: np.ndarray, gamma: np.ndarray, poly: np.ndarray, state: np.ndarray, drive: np.ndarray, rate: np.ndarray,
    rates: np.ndarray, inner: np.ndarray,
) -> None:  # fmt: skip
    """Run a tile.

    Args:
        current: (bins, WIDTH) pA.
        decay: (terms,).
        alpha: (terms, WIDTH) over the number of terms.
        beta: (terms, WIDTH) times the feedback, over the number of terms.
        threshold: (WIDTH,) pA.
        scale: (WIDTH,) 1 / sigma.
        gamma: (WIDTH,).
        poly: (degree + 1, WIDTH) coefficients.
        state: (terms, WIDTH) scratch.
        drive: (WIDTH,) scratch.
        rate: (WIDTH,) scratch.
        rates: (bins, WIDTH) gets the rates, spikes/ms.
        inner: (bins, WIDTH) gets (z - b) / sigma.
    """
    bins, order = current.shape[0], poly.shape[0]
    zero = current.dtype.type(0)
    state[:] = zero
    rate[:] = zero
    for t in range(bins):
        now, out, inside = current[t], rates[t], inner[t]
        # Numba gives the context itself.
        filter_forward(state, alpha, beta, decay, now, rate, drive)  # type: ignore[call-arg, arg-type]
        top = poly[order - 1]
        if order == 2:
            low = poly[0]
            for s in range(WIDTH):
                x = (drive[s] - threshold[s]) * scale[s]
                inside[s] = x
                p = low[s] + x * top[s]
                f = gamma[s] * tanh(p)
                f = f if p > zero else zero
                rate[s] = f
                out[s] = f
        else:
            for s in range(WIDTH):
                x = (drive[s] - threshold[s]) * scale[s]
                inside[s] = x
                p = top[s]
                for k in range(order - 2, -1, -1):
                    p = p * x + poly[k, s]
                f = gamma[s] * tanh(p)
                f = f if p > zero else zero
                rate[s] = f
                out[s] = f


@njit(fastmath=MATHS, error_model="numpy")
def backward(
    current: np.ndarray, counts: np.ndarray, weight: np.ndarray, decay: np.ndarray, beta: np.ndarray,
    scale: np.ndarray, gamma: np.ndarray, poly: np.ndarray, bin_ms: float, eps: float, rates: np.ndarray,
    inner: np.ndarray, state: np.ndarray, drive: np.ndarray, rate: np.ndarray, into: np.ndarray,
) -> None:  # fmt: skip
    """Add the gradient of a tile's Poisson loss.

    Args:
        current: (bins, WIDTH) pA.
        counts: (bins, WIDTH) mean spikes per bin.
        weight: (bins, WIDTH) of each bin in the loss.
        decay: (terms,).
        beta: (terms, WIDTH) times the feedback, over the number of terms.
        scale: (WIDTH,) 1 / sigma.
        gamma: (WIDTH,).
        poly: (degree + 1, WIDTH) coefficients.
        bin_ms: width of a bin.
        eps: within the logarithm.
        rates: (bins, WIDTH) as `forward` left them.
        inner: (bins, WIDTH) likewise.
        state: (terms, WIDTH) scratch.
        drive: (WIDTH,) scratch.
        rate: (WIDTH,) scratch.
        into: (2 terms + degree + 2, WIDTH) gets the gradient in alpha and beta, over the number of terms and without
            the feedback, in the coefficients, and in gamma. That in the threshold follows from the coefficients'.
    """
    bins, terms, order = current.shape[0], beta.shape[0], poly.shape[0]
    zero, one = current.dtype.type(0), current.dtype.type(1)
    state[:] = zero
    rate[:] = zero
    into[:] = zero
    to_gamma = into[2 * terms + order]
    # Loops of few arrays each: only those become vectors.
    for t in range(bins - 1, -1, -1):
        now, y, w, f, inside = current[t], counts[t], weight[t], rates[t], inner[t]
        for s in range(WIDTH):
            g = bin_ms * (one - y[s] / (f[s] * bin_ms + eps)) * w[s] + rate[s]
            drive[s] = g if f[s] > zero else zero
        for s in range(WIDTH):
            to_gamma[s] += drive[s] * f[s]
        for s in range(WIDTH):
            drive[s] *= gamma[s] - f[s] * (f[s] / gamma[s])
        if order == 2:
            to_low, to_top, top = into[2 * terms], into[2 * terms + 1], poly[1]
            for s in range(WIDTH):
                to_low[s] += drive[s]
            for s in range(WIDTH):
                to_top[s] += drive[s] * inside[s]
            for s in range(WIDTH):
                drive[s] *= top[s] * scale[s]
        else:
            for s in range(WIDTH):
                x, power, slope = inside[s], drive[s], zero
                for k in range(order):
                    into[2 * terms + k, s] += power
                    power *= x
                for k in range(order - 1, 0, -1):
                    slope = slope * x + current.dtype.type(k) * poly[k, s]
                drive[s] *= slope * scale[s]
        if t == 0:
            # Nothing was fired before the first bin.
            for i in range(terms):
                left, h, to_alpha = decay[i], state[i], into[i]
                for s in range(WIDTH):
                    to_alpha[s] += (left * h[s] + drive[s]) * now[s]
            break
        before = rates[t - 1]
        # Numba gives the context itself.
        filter_backward(state, beta, decay, drive, now, before, rate, into)  # type: ignore[call-arg, arg-type]
    for s in range(WIDTH):
        to_gamma[s] /= gamma[s]


@njit(fastmath=MATHS, error_model="numpy")
def expected(
    weight: np.ndarray, rates: np.ndarray, bin_ms: float, into: np.ndarray,
) -> None:  # fmt: skip
    """Add each lane's weighted sum of expected counts, (WIDTH,) float64."""
    some = np.zeros(WIDTH, rates.dtype)
    for first in range(0, rates.shape[0], SUMMED):
        some[:] = 0
        for t in range(first, min(first + SUMMED, rates.shape[0])):
            w, f = weight[t], rates[t]
            for s in range(WIDTH):
                some[s] += w[s] * (f[s] * bin_ms)
        for s in range(WIDTH):
            into[s] += np.float64(some[s])
