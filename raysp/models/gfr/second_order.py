"""Levenberg-Marquardt, compiled: the exact Fisher matrix by sensitivities that run along, row by row.

Parameters are as in `descent`, with the gains of bent inputs in front: those, alpha, beta, roots of the coefficients,
threshold / sigma, log gamma. Every row goes its own way from its own start; nothing of it depends on other rows.
"""

from __future__ import annotations

from collections.abc import Sequence as Many
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from raysp.config.compiled import njit
from raysp.models.gfr.lanes import Sequence
from raysp.models.gfr.parameters import Filters
from raysp.models.gfr.vectors import BATCH, add_products, advance, hear, padded

MATHS = {"contract", "nsz"}
JIT: dict[str, Any] = {"fastmath": MATHS, "error_model": "numpy"}


@dataclass(frozen=True)
class Tape:
    """Sequences in flat arrays, unit by unit.

    Attributes:
        unit_ptr: (units + 1,) first of each unit's sequences.
        ptr: (sequences + 1,) first bin of each sequence.
        heard: (bins, inputs) float64 what each filter of the current, at gain 1, makes of it, pA; no fit changes it.
            Inputs are the bent ones and the terms, filled up with zeros, as is `decay`, to whole vectors.
        counts: float64 mean spikes per bin.
        weight: float64 of each bin in the loss.
        decay: (terms,).
    """

    unit_ptr: np.ndarray
    ptr: np.ndarray
    heard: np.ndarray
    counts: np.ndarray
    weight: np.ndarray
    decay: np.ndarray

    @classmethod
    def of(cls, sequences: Many[Sequence], sigma: np.ndarray, filters: Filters) -> Tape:
        """Return the tape of sequences, of all units, whose sigma is (units,) pA."""
        order = np.argsort([one.unit for one in sequences], kind="stable")
        found = [sequences[at] for at in order]
        owners = np.array([one.unit for one in found])
        counts, weight = (
            np.concatenate([np.asarray(getattr(one, name), np.float64) for one in found])
            for name in ("counts", "weight")
        )
        ptr = np.concatenate([[0], np.cumsum([len(one.current) for one in found])]).astype(np.int64)
        terms, bends = len(filters.decay), len(filters.bend)
        decay = np.concatenate([filters.bent_decay, filters.decay])
        heard = np.zeros((ptr[-1], padded(len(decay))))
        for first, one in zip(ptr, found, strict=False):
            current = np.asarray(one.current, np.float64)[:, None]
            bent = np.maximum(current - filters.bend * sigma[one.unit], 0)
            inputs = np.concatenate([bent, np.repeat(current, terms, axis=1)], axis=1)
            _filter(inputs, decay, heard[first : first + len(current), : bends + terms])
        unit_ptr = np.searchsorted(owners, np.arange(len(sigma) + 1)).astype(np.int64)
        return cls(unit_ptr, ptr, heard, counts, weight, np.pad(filters.decay, (0, padded(terms) - terms)))

    def arrays(self) -> tuple[np.ndarray, ...]:
        """Return the arrays as compiled functions take them."""
        return self.unit_ptr, self.ptr, self.heard, self.counts, self.weight, self.decay


@njit(**JIT)
def _filter(inputs, decay, heard):
    for t in range(heard.shape[0]):
        for i in range(decay.shape[0]):
            heard[t, i] = inputs[t, i] + (decay[i] * heard[t - 1, i] if t > 0 else 0.0)


class Room(NamedTuple):
    """What a pass over a unit's sequences works in; inputs, terms and parameters are filled up to whole vectors.

    Attributes:
        alpha: (inputs,) gains of the current's filters.
        beta: (terms,) times the feedback.
        fired: (terms,) what each filter, at gain 1, makes of the own rate.
        left: (terms,) what is left of sensitivities after a silence.
        sensitivity: (terms, parameters) of `fired`.
        slope: (parameters,) derivatives of the last rate.
        direct: (parameters,) derivatives of a drive while what was fired stays.
        gradient: (parameters,) of the loss.
        fisher: (parameters, parameters); its lower half.
        slopes: (BATCH, parameters) of bins that wait to be added to it.
        heavy: (BATCH,) their weights.
    """

    alpha: np.ndarray
    beta: np.ndarray
    fired: np.ndarray
    left: np.ndarray
    sensitivity: np.ndarray
    slope: np.ndarray
    direct: np.ndarray
    gradient: np.ndarray
    fisher: np.ndarray
    slopes: np.ndarray
    heavy: np.ndarray


@njit(**JIT)
def room_for(inputs: int, terms: int, rest: int) -> Room:
    """Return room for filters, filled up to whole vectors, and for so many other parameters, likewise."""
    size = inputs + terms + rest
    return Room(
        np.zeros(inputs), np.zeros(terms), np.zeros(terms), np.zeros(terms), np.zeros((terms, size)), np.zeros(size),
        np.zeros(size), np.zeros(size), np.zeros((size, size)), np.zeros((BATCH, size)), np.zeros(BATCH),
    )  # fmt: skip


@njit(**JIT, forceinline=True)
def _polynomial(rest, x):
    """Return the polynomial whose roots of coefficients begin `rest`, and its derivative."""
    p, dp = 0.0, 0.0
    for k in range(rest.shape[0] - 3, -1, -1):
        dp = dp * x + p
        p = p * x + rest[k] ** 2
    return p, dp


@njit(**JIT, forceinline=True)
def _differentiate(heard, t, rest, x, rate, steep, slope_of_p, scale, silence, decay, room):
    """Write the slope of a live bin's rate in all parameters."""
    inputs, terms, order, slope = room.alpha.shape[0], decay.shape[0], rest.shape[0] - 2, room.slope
    for i in range(inputs):
        room.direct[i] = heard[t, i]
    for i in range(terms):
        room.direct[inputs + i] = room.fired[i]
        room.left[i] = decay[i]
    if silence > 0:
        # Sensitivities only faded meanwhile, which has waited until they are wanted.
        for i in range(terms):
            room.left[i] = decay[i] ** silence
            for k in range(slope.shape[0]):
                room.sensitivity[i, k] = decay[i] * room.sensitivity[i, k] + slope[k]
        slope[:] = 0
    advance(room.sensitivity, slope, room.left, room.beta, steep * slope_of_p * scale, room.direct)
    power, first = steep, inputs + terms
    for k in range(order):
        slope[first + k] += 2 * rest[k] * power
        power *= x
    slope[first + order] -= steep * slope_of_p
    slope[first + order + 1] += rate


@njit(**JIT, forceinline=True)
def _add(room, held, pull, heavy):
    """Add a bin to gradient and Fisher matrix, the latter when a batch is full; return how many wait."""
    room.heavy[held] = heavy
    for k in range(room.slope.shape[0]):
        room.slopes[held, k] = room.slope[k]
        room.gradient[k] += pull * room.slope[k]
    if held + 1 < BATCH:
        return held + 1
    add_products(room.fisher, room.slopes, room.heavy)
    return 0


@njit(**JIT)
def _sequence(heard, counts, weight, rest, scale, decay, bin_ms, eps, floor, soft, room):
    """Add a sequence's Fisher matrix and gradient; return its loss. `scale` is 1 / (sigma terms)."""
    order = rest.shape[0] - 2
    threshold, gamma = rest[order], np.exp(rest[order + 1])
    room.fired[:], room.slope[:], room.sensitivity[:] = 0, 0, 0
    loss, rate, silence, held, lit = 0.0, 0.0, 0, 0, False
    unlit = np.log(soft + eps)
    for t in range(heard.shape[0]):
        x = hear(heard, t, room.alpha, room.fired, decay, rate, room.beta) * scale - threshold
        p, dp = _polynomial(rest, x)
        w, c = weight[t], counts[t] + soft
        if not p > 0:
            silence += lit
            rate = 0.0
            if w > 0 and c > 0:
                loss -= w * c * unlit
            continue
        th = np.tanh(p)
        rate, lit = gamma * th, True
        _differentiate(heard, t, rest, x, rate, gamma * (1 - th * th), dp, scale, silence, decay, room)
        silence = 0
        if w > 0:
            mean = rate * bin_ms + soft
            held = _add(room, held, bin_ms * (1 - c / (mean + eps)) * w, w * bin_ms * bin_ms / (mean + floor))
            loss += w * (mean - soft)
            if c > 0:
                loss -= w * c * np.log(mean + eps)
    room.heavy[held:] = 0
    add_products(room.fisher, room.slopes, room.heavy)
    return loss


@njit(**JIT)
def evaluate(
    tape: tuple[np.ndarray, ...], unit: int, theta: np.ndarray, sigma: float, inputs: int, terms: int, feedback: float,
    bin_ms: float, eps: float, floor: float, soft: float, room: Room, gradient: np.ndarray, fisher: np.ndarray,
) -> float:  # fmt: skip
    """Write a unit's gradient, (parameters,), and Fisher matrix, (parameters, parameters); return its loss.

    Arguments as of `descend`, of one row.
    """
    unit_ptr, ptr, heard, counts, weight, decay = tape
    room.gradient[:], room.fisher[:] = 0, 0
    for i in range(inputs):
        room.alpha[i] = theta[i]
    for i in range(terms):
        room.beta[i] = feedback * theta[inputs + i]
    loss = 0.0
    for one in range(unit_ptr[unit], unit_ptr[unit + 1]):
        a, b = ptr[one], ptr[one + 1]
        loss += _sequence(
            heard[a:b], counts[a:b], weight[a:b], theta[inputs + terms :], 1 / (sigma * terms), decay, bin_ms, eps,
            floor, soft, room,
        )  # fmt: skip
    _unpack(room, inputs, terms, feedback, gradient, fisher)
    return loss


@njit(**JIT)
def _unpack(room, inputs, terms, feedback, gradient, fisher):
    """Copy gradient and Fisher matrix to where parameters stand side by side."""
    last, more, then = inputs + terms, room.alpha.shape[0] - inputs, room.beta.shape[0] - terms
    for k in range(gradient.shape[0]):
        row = k + more * (k >= inputs) + then * (k >= last)
        factor = feedback if inputs <= k < last else 1.0
        gradient[k] = room.gradient[row] * factor
        for j in range(k + 1):
            column = j + more * (j >= inputs) + then * (j >= last)
            other = feedback if inputs <= j < last else 1.0
            fisher[k, j] = fisher[j, k] = room.fisher[row, column] * factor * other


@njit(**JIT)
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


@njit(**JIT)
def descend(
    tape: tuple[np.ndarray, ...], unit_of_row: np.ndarray, theta: np.ndarray, sigma: np.ndarray, inputs: int,
    terms: int, feedback: float, bin_ms: float, eps: float, floor: float, soft: np.ndarray, free: np.ndarray,
    ridge: np.ndarray,
    anchor: np.ndarray, bounds: np.ndarray, most: int, tolerance: float, losses: np.ndarray, evaluations: np.ndarray,
) -> None:  # fmt: skip
    """Fit each row, in place.

    Args:
        tape: a Tape's arrays.
        unit_of_row: (rows,) unit of each row.
        theta: (rows, parameters).
        sigma: (rows,) pA.
        inputs: filters of the current.
        terms: filters of the neuron's own rate.
        feedback: factor of the neuron's own rate.
        bin_ms: width of a bin.
        eps: within the logarithm.
        floor: least expected count that the Fisher matrix divides by.
        soft: (rows,) spikes per bin that are added to recorded and expected counts alike: 0 for Poisson's likelihood,
            and the more, the nearer to squared errors.
        free: (rows, parameters) bool, which are fitted.
        ridge: (rows, parameters) penalty on half the squared distance from `anchor`.
        anchor: (rows, parameters).
        bounds: (rows, 2) of log gamma.
        most: evaluations at most.
        tolerance: it ends when the loss falls by less than this share of it.
        losses: (rows,) gets the losses, penalty included.
        evaluations: (rows,) int64, added to.
    """
    size = theta.shape[1]
    room = room_for(tape[2].shape[1], tape[5].shape[0], padded(size - inputs - terms))
    slope, matrix = np.zeros(size), np.zeros((size, size))
    scratch = np.zeros((size, size))
    for row in range(theta.shape[0]):
        gradient, fisher = np.zeros(size), np.eye(size)
        here, damping, best = theta[row].copy(), 1e-2, np.inf
        for _ in range(most):
            loss = evaluate(
                tape, unit_of_row[row], here, sigma[row], inputs, terms, feedback, bin_ms, eps, floor, soft[row], room,
                slope, matrix,
            )  # fmt: skip
            evaluations[row] += 1
            loss += _penalise(here, anchor[row], ridge[row], slope, matrix)
            if loss < best:
                small = best - loss < tolerance * abs(loss) and damping < 1
                best, damping = loss, max(damping * 0.3, 1e-9)
                theta[row] = here
                _keep(free[row], slope, matrix, gradient, fisher)
                if small:
                    break
            else:
                damping *= 6
                if damping > 1e8:
                    break
            here = theta[row] - _damped(fisher, gradient, damping, scratch)
            here[-1] = min(max(here[-1], bounds[row, 0]), bounds[row, 1])
        losses[row] = best


@njit(**JIT)
def _penalise(theta, anchor, ridge, gradient, fisher):
    """Add a ridge to gradient and Fisher matrix; return its loss."""
    loss = 0.0
    for k in range(theta.shape[0]):
        away = theta[k] - anchor[k]
        loss += 0.5 * ridge[k] * away**2
        gradient[k] += ridge[k] * away
        fisher[k, k] += ridge[k]
    return loss


@njit(**JIT)
def _keep(free, slope, matrix, gradient, fisher):
    """Copy what belongs to parameters that are fitted."""
    for k in np.flatnonzero(free):
        gradient[k] = slope[k]
        for j in np.flatnonzero(free):
            fisher[k, j] = matrix[k, j]


@njit(**JIT)
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
