"""A step of many neurons under many samples, compiled: rates forward, and the gradient by hand backward.

Neurons lie side by side, so that loops over them become vector instructions; gains are over the number of terms, those
of a neuron's own rate times the feedback.
"""

from __future__ import annotations

import numpy as np

from raysp.config.compiled import njit
from raysp.models.gfr.kernels import MATHS, tanh


@njit(fastmath=MATHS, error_model="numpy")
def forward(
    drive: np.ndarray, before: np.ndarray, decay: np.ndarray, alpha: np.ndarray, beta: np.ndarray,
    threshold: np.ndarray, scale: np.ndarray, gamma: np.ndarray, poly: np.ndarray, state: np.ndarray,
    heard: np.ndarray, rate: np.ndarray, inner: np.ndarray,
) -> None:  # fmt: skip
    """Go one step on.

    Args:
        drive: (samples, neurons).
        before: (samples, neurons) rates of the step before.
        decay: (terms,) what is left of each filter's state.
        alpha: (terms, neurons) gains of the drive.
        beta: (terms, neurons) gains of the neuron's own rate.
        threshold: (neurons,).
        scale: (neurons,) 1 / sigma.
        gamma: (neurons,).
        poly: (degree + 1, neurons) coefficients.
        state: (samples, terms, neurons) is carried on.
        heard: (neurons,) scratch.
        rate: (samples, neurons) gets the rates.
        inner: (samples, neurons) gets (z - b) / sigma.
    """
    samples, neurons = drive.shape
    terms, order, zero = alpha.shape[0], poly.shape[0], drive.dtype.type(0)
    top = poly[order - 1]
    for n in range(samples):
        now, own, out, inside = drive[n], before[n], rate[n], inner[n]
        heard[:] = zero
        for i in range(terms):
            left, h, a, b = decay[i], state[n, i], alpha[i], beta[i]
            for j in range(neurons):
                v = left * h[j] + a[j] * now[j] + b[j] * own[j]
                h[j] = v
                heard[j] += v
        for j in range(neurons):
            inside[j] = (heard[j] - threshold[j]) * scale[j]
        for j in range(neurons):
            heard[j] = top[j]
        for k in range(order - 2, -1, -1):
            c = poly[k]
            for j in range(neurons):
                heard[j] = heard[j] * inside[j] + c[j]
        for j in range(neurons):
            p = heard[j]
            f = gamma[j] * tanh(p)
            out[j] = f if p > zero else zero


@njit(fastmath=MATHS, error_model="numpy")
def backward(
    to_rate: np.ndarray, drive: np.ndarray, before: np.ndarray, rate: np.ndarray, inner: np.ndarray,
    decay: np.ndarray, alpha: np.ndarray, beta: np.ndarray, scale: np.ndarray, gamma: np.ndarray, poly: np.ndarray,
    state: np.ndarray, slope: np.ndarray, to_drive: np.ndarray, to_before: np.ndarray, into: np.ndarray,
) -> None:  # fmt: skip
    """Go one step back.

    Args:
        to_rate: (samples, neurons) gradient in the rates of this step, by all that comes after it.
        drive: (samples, neurons) as `forward` had it.
        before: (samples, neurons) likewise.
        rate: (samples, neurons) as `forward` left them.
        inner: (samples, neurons) likewise.
        decay: (terms,).
        alpha: (terms, neurons).
        beta: (terms, neurons).
        scale: (neurons,).
        gamma: (neurons,).
        poly: (degree + 1, neurons).
        state: (samples, terms, neurons) gradient in the filters' states, carried on.
        slope: (2, neurons) scratch.
        to_drive: (samples, neurons) gets the gradient in the drive.
        to_before: (samples, neurons) gets that in the rates of the step before, by the neuron's own filters.
        into: (2 terms + degree + 1, neurons) is added the gradient in alpha, in beta and in the coefficients. That in
            the threshold follows from the coefficients'.
    """
    samples, neurons = drive.shape
    terms, order, real = alpha.shape[0], poly.shape[0], drive.dtype.type
    zero, one = real(0), real(1)
    go, power = slope[0], slope[1]
    for n in range(samples):
        now, own, f, inside, given = drive[n], before[n], rate[n], inner[n], to_rate[n]
        for j in range(neurons):
            # The tanh's derivative from its value.
            d = given[j] * (gamma[j] - f[j] * (f[j] / gamma[j]))
            go[j] = d if f[j] > zero else zero
        power[:] = one
        for k in range(order):
            to_poly = into[2 * terms + k]
            for j in range(neurons):
                to_poly[j] += go[j] * power[j]
            for j in range(neurons):
                power[j] *= inside[j]
        power[:] = zero
        for k in range(order - 1, 0, -1):
            c, times = poly[k], real(k)
            for j in range(neurons):
                power[j] = power[j] * inside[j] + times * c[j]
        for j in range(neurons):
            go[j] *= power[j] * scale[j]
        out, back = to_drive[n], to_before[n]
        out[:] = zero
        back[:] = zero
        for i in range(terms):
            left, h, a, b, to_alpha, to_beta = decay[i], state[n, i], alpha[i], beta[i], into[i], into[terms + i]
            for j in range(neurons):
                h[j] = left * h[j] + go[j]
            for j in range(neurons):
                out[j] += a[j] * h[j]
            for j in range(neurons):
                back[j] += b[j] * h[j]
            for j in range(neurons):
                to_alpha[j] += h[j] * now[j]
            for j in range(neurons):
                to_beta[j] += h[j] * own[j]
