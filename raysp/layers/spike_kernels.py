"""Runs of stochastic binary neurons compiled: what each spike adds to the frames after it, and the gradient by hand.

A neuron's couplings to all others at all lags lie side by side, as do all neurons' inputs over frames: what a spike
adds is one sum of two such rows, and what a gradient sees of it one product. Work is done for spikes, not for bins.
Frames are counted from the first of the `lags` before the run; `lags` more follow the last, which nothing reads.
"""

from __future__ import annotations

import numpy as np

from raysp.config.compiled import njit

MATHS = {"nsz", "arcp", "contract", "reassoc"}
TOGETHER = 32
"""Frames whose gradients stay in the nearest cache."""


@njit(fastmath=MATHS, error_model="numpy")
def _add_rows(into, rows, first, step, chosen, count):
    """Add rows[first + step * chosen], flat, as long as `into`; four at once, which is read and written once."""
    size = into.shape[0]
    whole = count - count % 4
    for k in range(0, whole, 4):
        a = rows[first + step * chosen[k] :][:size]
        b = rows[first + step * chosen[k + 1] :][:size]
        c = rows[first + step * chosen[k + 2] :][:size]
        d = rows[first + step * chosen[k + 3] :][:size]
        for q in range(size):
            into[q] += (a[q] + b[q]) + (c[q] + d[q])
    for k in range(whole, count):
        a = rows[first + step * chosen[k] :][:size]
        for q in range(size):
            into[q] += a[q]


@njit(fastmath=MATHS, error_model="numpy")
def _dot(one, other):
    total = np.float32(0)
    for q in range(one.shape[0]):
        total += one[q] * other[q]
    return total


@njit(fastmath=MATHS, error_model="numpy")
def run(
    reach: np.ndarray,
    uniforms: np.ndarray,
    threshold: np.float32,
    temperature: np.float32,
    spikes: np.ndarray,
    voltages: np.ndarray,
) -> None:
    """Go through all frames of all trials.

    Args:
        reach: (neurons, lags * neurons) what each adds to all others one frame later, two, and so on.
        uniforms: (trials, frames, hidden).
        threshold: of `Sampling`.
        temperature: likewise.
        spikes: (trials, lags + frames, neurons) uint8: those before the run and those of neurons that are given; gets
            those of the last `hidden` ones.
        voltages: (trials, (lags + frames + lags) * neurons) holds the drive and gets the voltages.
    """
    neurons, wide = reach.shape
    trials, ends, _ = spikes.shape
    frames, hidden = uniforms.shape[1:]
    lags, given = ends - frames, neurons - hidden
    rows, chosen, one = reach.ravel(), np.empty(neurons, np.int64), np.float32(1)
    scale = one / threshold
    for r in range(trials):
        for t in range(ends):
            spike = spikes[r, t]
            if t >= lags:
                v, u = voltages[r, t * neurons : (t + 1) * neurons], uniforms[r, t - lags]
                for j in range(neurons):
                    v[j] = (v[j] - threshold) * scale
                for j in range(hidden):
                    p = one / (one + np.exp(-temperature * v[given + j]))
                    spike[given + j] = p > u[j]
            count = 0
            for i in range(neurons):
                if spike[i]:
                    chosen[count] = i
                    count += 1
            _add_rows(voltages[r, (t + 1) * neurons :][:wide], rows, 0, wide, chosen, count)


@njit(fastmath=MATHS, error_model="numpy")
def backward(
    reach: np.ndarray, slopes: np.ndarray, to_spikes: np.ndarray, scale: np.float32, gradient: np.ndarray
) -> None:
    """Go back through all frames of all trials.

    Args:
        reach: as of `run`.
        slopes: (trials, frames, hidden) a spike's derivative in its neuron's voltage.
        to_spikes: (trials, frames, hidden) gradient in spikes, by what does not go through the network.
        scale: 1 / threshold.
        gradient: (trials, (lags + frames + lags) * neurons) that in voltages, by what does not go through spikes, 0
            outside the run; gets the whole one.
    """
    neurons, wide = reach.shape
    trials, frames, hidden = slopes.shape
    lags, given, zero = wide // neurons, neurons - hidden, np.float32(0)
    for r in range(trials):
        for t in range(frames - 1, -1, -1):
            here = (lags + t) * neurons
            now, after = gradient[r, here + given : here + neurons], gradient[r, here + neurons :][:wide]
            slope, own = slopes[r, t], to_spikes[r, t]
            for j in range(hidden):
                if slope[j] > zero:
                    now[j] += slope[j] * (own[j] + scale * _dot(reach[given + j], after))


@njit(fastmath=MATHS, error_model="numpy")
def products(spikes: np.ndarray, gradient: np.ndarray, into: np.ndarray) -> None:
    """Add, for each neuron, the gradients of the frames that follow its spikes.

    Args:
        spikes: (trials, lags + frames, neurons) uint8.
        gradient: as `backward` leaves it.
        into: (neurons, lags * neurons) is added to, laid out as `reach`.
    """
    trials, ends, neurons = spikes.shape
    chosen = np.empty(TOGETHER, np.int64)
    for r in range(trials):
        rows = gradient[r]
        for first in range(0, ends, TOGETHER):
            for i in range(neurons):
                count = 0
                for t in range(first, min(first + TOGETHER, ends)):
                    if spikes[r, t, i]:
                        chosen[count] = t
                        count += 1
                _add_rows(into[i], rows, neurons, neurons, chosen, count)
