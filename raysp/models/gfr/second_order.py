"""Levenberg-Marquardt, compiled: the exact Fisher matrix by sensitivities that run along, row by row.

Parameters are as in `descent`: alpha, beta, roots of the coefficients, threshold / sigma, log gamma. Every row goes its
own way from its own start; nothing of it depends on other rows.
"""

from __future__ import annotations

from collections.abc import Sequence as Many
from dataclasses import dataclass

import numba
import numpy as np

from raysp.models.gfr.lanes import Sequence

MATHS = {"contract", "nsz"}
VECTOR = 8
"""Sensitivities are computed in multiples of it."""


@dataclass(frozen=True)
class Tape:
    """Sequences in flat arrays, unit by unit.

    Attributes:
        unit_ptr: (units + 1,) first of each unit's sequences.
        ptr: (sequences + 1,) first bin of each sequence.
        current: float64 pA.
        counts: float64 mean spikes per bin.
        weight: float64 of each bin in the loss.
    """

    unit_ptr: np.ndarray
    ptr: np.ndarray
    current: np.ndarray
    counts: np.ndarray
    weight: np.ndarray

    @classmethod
    def of(cls, sequences: Many[Sequence], units: int) -> Tape:
        """Return the tape of sequences, of all units."""
        order = np.argsort([one.unit for one in sequences], kind="stable")
        found = [sequences[at] for at in order]
        owners = np.array([one.unit for one in found])
        flat = [
            np.concatenate([np.asarray(getattr(one, name), np.float64) for one in found])
            for name in ("current", "counts", "weight")
        ]
        lengths = [len(one.current) for one in found]
        ptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return cls(np.searchsorted(owners, np.arange(units + 1)).astype(np.int64), ptr, *flat)

    def arrays(self) -> tuple[np.ndarray, ...]:
        """Return the arrays as compiled functions take them."""
        return self.unit_ptr, self.ptr, self.current, self.counts, self.weight


@numba.njit(cache=True, nogil=True, fastmath=MATHS, error_model="numpy")
def _sequence(current, counts, weight, theta, sigma, terms, decay, feedback, bin_ms, eps, floor, soft, room):
    """Add a sequence's Fisher matrix and gradient, in all parameters; return its loss."""
    heard, fired, faded, sensitivity, moved, slope, gradient, fisher = room
    order = theta.shape[0] - 2 * terms - 2
    size, padded = theta.shape[0], slope.shape[0]
    threshold, gamma = theta[2 * terms + order] * sigma, np.exp(theta[2 * terms + order + 1])
    heard[:], fired[:], moved[:], sensitivity[:], faded[:] = 0, 0, 0, 0, 1
    loss, rate, scale, still = 0.0, 0.0, 1 / sigma, True
    silent = np.log(soft + eps)
    for t in range(current.shape[0]):
        z = 0.0
        for i in range(terms):
            heard[i] = decay[i] * heard[i] + current[t]
            fired[i] = decay[i] * fired[i] + feedback * rate
            z += theta[i] * heard[i] + theta[terms + i] * fired[i]
        x = (z / terms - threshold) * scale
        p, dp = 0.0, 0.0
        for k in range(order - 1, -1, -1):
            dp = dp * x + p
            p = p * x + theta[2 * terms + k] ** 2
        if still and not p > 0:
            # Nothing fired and nothing does: sensitivities only fade, which waits until they are wanted.
            for i in range(terms):
                faded[i] *= decay[i]
            rate = 0.0
        else:
            slope[:] = 0
            for i in range(terms):
                left, gain, row = decay[i] * faded[i], feedback * theta[terms + i], sensitivity[i]
                faded[i] = 1
                for k in range(padded):
                    v = left * row[k] + moved[k]
                    row[k] = v
                    slope[k] += gain * v
                slope[i] += heard[i]
                slope[terms + i] += fired[i]
            still = not p > 0
            if still:
                rate = 0.0
                moved[:] = 0
        if p > 0:
            th = np.tanh(p)
            rate = gamma * th
            steep = gamma * (1 - th * th)
            along = steep * dp * scale / terms
            for k in range(padded):
                slope[k] *= along
            power = 1.0
            for k in range(order):
                slope[2 * terms + k] += steep * 2 * theta[2 * terms + k] * power
                power *= x
            slope[2 * terms + order] -= steep * dp
            slope[2 * terms + order + 1] += rate
            mean = rate * bin_ms
            if weight[t] > 0:
                pull = bin_ms * (1 - (counts[t] + soft) / (mean + soft + eps)) * weight[t]
                heavy = weight[t] * bin_ms * bin_ms / (mean + soft + floor)
                for k in range(padded):
                    gradient[k] += pull * slope[k]
                for k in range(size):
                    c, into = heavy * slope[k], fisher[k]
                    for j in range(padded):
                        into[j] += c * slope[j]
            for k in range(padded):
                moved[k] = slope[k]
        if weight[t] > 0:
            loss += weight[t] * rate * bin_ms
            if counts[t] + soft > 0:
                lit = np.log(rate * bin_ms + soft + eps) if rate > 0 else silent
                loss -= weight[t] * (counts[t] + soft) * lit
    return loss


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _unit(tape, unit, theta, sigma, terms, decay, feedback, bin_ms, eps, floor, soft, room):
    unit_ptr, ptr, current, counts, weight = tape
    room[6][:] = 0
    room[7][:] = 0
    loss = 0.0
    for one in range(unit_ptr[unit], unit_ptr[unit + 1]):
        a, b = ptr[one], ptr[one + 1]
        loss += _sequence(
            current[a:b], counts[a:b], weight[a:b], theta, sigma, terms, decay, feedback, bin_ms, eps, floor, soft,
            room,
        )  # fmt: skip
    return loss


@numba.njit(cache=True, nogil=True, error_model="numpy")
def solve(
    matrix: np.ndarray, right: np.ndarray,
) -> bool:  # fmt: skip
    """Solve a positive definite system in place by Cholesky's factors; tell whether it is one."""
    size = right.shape[0]
    for i in range(size):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= matrix[i, k] * matrix[j, k]
            if i == j:
                if not total > 0:
                    return False
                matrix[i, i] = np.sqrt(total)
            else:
                matrix[i, j] = total / matrix[j, j]
    for i in range(size):
        for k in range(i):
            right[i] -= matrix[i, k] * right[k]
        right[i] /= matrix[i, i]
    for i in range(size - 1, -1, -1):
        for k in range(i + 1, size):
            right[i] -= matrix[k, i] * right[k]
        right[i] /= matrix[i, i]
    return True


@numba.njit(cache=True, nogil=True, error_model="numpy")
def descend(
    tape: tuple, unit_of_row: np.ndarray, theta: np.ndarray, sigma: np.ndarray, terms: int, decay: np.ndarray,
    feedback: float, bin_ms: float, eps: float, floor: float, soft: np.ndarray, free: np.ndarray, ridge: np.ndarray,
    anchor: np.ndarray, bounds: np.ndarray, most: int, tolerance: float, losses: np.ndarray, evaluations: np.ndarray,
) -> None:  # fmt: skip
    """Fit each row, in place.

    Args:
        tape: a Tape's arrays.
        unit_of_row: (rows,) unit of each row.
        theta: (rows, parameters).
        sigma: (rows,) pA.
        terms: filters.
        decay: (terms,).
        feedback: factor of the neuron's own rate.
        bin_ms: width of a bin.
        eps: within the logarithm.
        floor: least expected count that the Fisher matrix divides by.
        soft: (rows,) spikes per bin that are added to recorded and expected counts alike: 0 for Poisson's likelihood,
            and the more, the nearer to squared errors.
        free: (parameters,) bool, which are fitted.
        ridge: (rows, parameters) penalty on half the squared distance from `anchor`.
        anchor: (rows, parameters).
        bounds: (rows, 2) of log gamma.
        most: evaluations at most.
        tolerance: it ends when the loss falls by less than this share of it.
        losses: (rows,) gets the losses, penalty included.
        evaluations: (rows,) int64, added to.
    """
    size = theta.shape[1]
    padded = (size + VECTOR - 1) // VECTOR * VECTOR
    room = (
        np.zeros(terms), np.zeros(terms), np.zeros(terms), np.zeros((terms, padded)), np.zeros(padded),
        np.zeros(padded), np.zeros(padded), np.zeros((padded, padded)),
    )  # fmt: skip
    gradient, fisher, matrix = np.zeros(size), np.eye(size), np.zeros((size, size))
    for row in range(theta.shape[0]):
        unit, here, damping = unit_of_row[row], theta[row].copy(), 1e-2
        best = np.inf
        for _ in range(most):
            loss = _unit(
                tape, unit, here, sigma[row], terms, decay, feedback, bin_ms, eps, floor, soft[row], room,
            )  # fmt: skip
            evaluations[row] += 1
            for k in range(size):
                loss += 0.5 * ridge[row, k] * (here[k] - anchor[row, k]) ** 2
            fell = best - loss
            if loss < best:
                small = fell < tolerance * abs(loss) and damping < 1
                best = loss
                theta[row] = here
                for k in np.flatnonzero(free):
                    gradient[k] = room[6][k] + ridge[row, k] * (here[k] - anchor[row, k])
                    for j in np.flatnonzero(free):
                        fisher[k, j] = room[7][k, j]
                    fisher[k, k] += ridge[row, k]
                damping = max(damping * 0.3, 1e-9)
                if small:
                    break
            else:
                damping *= 6
                if damping > 1e8:
                    break
            step = _damped(fisher, gradient, damping, matrix)
            for k in range(size):
                here[k] = theta[row, k] - step[k]
            here[-1] = min(max(here[-1], bounds[row, 0]), bounds[row, 1])
        losses[row] = best


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _damped(fisher, gradient, damping, matrix):
    """Return Marquardt's step; more damping where the matrix is no better."""
    largest = 0.0
    for k in range(len(gradient)):
        largest = max(largest, fisher[k, k])
    while True:
        matrix[:] = fisher
        for k in range(len(gradient)):
            matrix[k, k] += damping * max(fisher[k, k], 1e-10 * largest + 1e-12) + 1e-9 * fisher[k, k]
        step = gradient.copy()
        if solve(matrix, step) or damping > 1e8:
            return step
        damping = max(damping * 10, 1e-6)
