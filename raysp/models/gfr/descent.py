"""Adam, compiled: all epochs of all rows in one call, with the losses of each epoch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from raysp.config.compiled import njit
from raysp.models.gfr import kernels, single
from raysp.models.gfr.kernels import WIDTH
from raysp.models.gfr.lanes import Lanes

FIRST, SECOND, EPS = 0.9, 0.999, 1e-8
"""Adam's averages and its divisor's least value, as its authors have them."""

FEW = 3
"""Lanes of a tile up to which each is run alone."""

Arrays = tuple[np.ndarray, ...]
JIT: dict[str, Any] = {"error_model": "numpy"}


def packed(lanes: Lanes) -> Arrays:
    """Return the arrays of lanes as compiled functions take them."""
    return (
        lanes.tile_ptr, lanes.group_ptr, lanes.current, lanes.counts, lanes.weight, lanes.spike_ptr, lanes.spike_bin,
        lanes.spike_lane, lanes.spike_count, lanes.row, lanes.lane_ptr, lanes.lane_at,
    )  # fmt: skip


@njit(**JIT)
def scratch(
    terms: int, order: int, tiles: int, longest: int, like: np.ndarray,
) -> Arrays:  # fmt: skip
    """Return what a pass over tiles writes into: states, rates and gradients."""
    real = like.dtype
    rows = 2 * terms + order + 1
    return (
        np.zeros((terms, WIDTH), real),
        np.zeros(WIDTH, real),
        np.zeros(WIDTH, real),
        np.zeros((longest, WIDTH), real),
        np.zeros((longest, WIDTH), real),
        np.zeros((rows, WIDTH), real),
        np.zeros((tiles, WIDTH)),
        np.zeros((tiles, rows, WIDTH)),
    )


@njit(**JIT)
def _lane_parameters(theta, sigma, rows, terms, order, feedback, like):
    """Return alpha, beta, threshold, scale, gamma and coefficients of a tile's lanes; zeros where there is no row."""
    real = like.dtype
    alpha, beta = np.zeros((terms, WIDTH), real), np.zeros((terms, WIDTH), real)
    threshold, scale = np.zeros(WIDTH, real), np.zeros(WIDTH, real)
    gamma, poly = np.ones(WIDTH, real), np.zeros((order, WIDTH), real)
    for s in range(WIDTH):
        row = rows[s]
        if row < 0:
            continue
        mine = theta[row]
        for i in range(terms):
            alpha[i, s] = mine[i] / terms
            beta[i, s] = feedback * mine[terms + i] / terms
        for k in range(order):
            poly[k, s] = mine[2 * terms + k] ** 2
        threshold[s] = mine[2 * terms + order] * sigma[row]
        scale[s] = 1 / sigma[row]
        gamma[s] = np.exp(mine[2 * terms + order + 1])
    return alpha, beta, threshold, scale, gamma, poly


@njit(**JIT)
def tile_pass(
    data: Arrays, tile: int, theta: np.ndarray, sigma: np.ndarray, terms: int, decay: np.ndarray, feedback: float,
    bin_ms: float, eps: float, with_gradient: bool, room: Arrays,
) -> None:  # fmt: skip
    """Run a tile; leave each lane's loss in double precision and, if asked, its gradient."""
    tile_ptr, _, current, counts, weight, spike_ptr, spike_bin, spike_lane, spike_count, row, _, _ = data
    state, drive, rate, rates, inner, into, losses, gradients = room
    order = theta.shape[1] - 2 * terms - 2
    alpha, beta, threshold, scale, gamma, poly = _lane_parameters(
        theta, sigma, row[tile], terms, order, feedback, current
    )
    first, last = tile_ptr[tile], tile_ptr[tile + 1]
    bins, used = last - first, np.sum(row[tile] >= 0)
    now, y, w = current[first:last], counts[first:last], weight[first:last]
    losses[tile] = 0
    if used <= FEW:
        for s in range(used):
            kernels_of_one = (decay, alpha[:, s].copy(), beta[:, s].copy())
            single.forward(
                now[:, s], *kernels_of_one, threshold[s], scale[s], gamma[s], poly[:, s], state[:, 0],
                rates[:bins, s], inner[:bins, s],
            )  # fmt: skip
            losses[tile, s] = single.expected(w[:, s], rates[:bins, s], bin_ms)
            if with_gradient:
                single.backward(
                    now[:, s], y[:, s], w[:, s], decay, kernels_of_one[2], scale[s], gamma[s], poly[:, s], bin_ms, eps,
                    rates[:bins, s], inner[:bins, s], state[:, 0], into[:, s],
                )  # fmt: skip
    else:
        kernels.forward(
            now, decay, alpha, beta, threshold, scale, gamma, poly, state, drive, rate, rates[:bins], inner[:bins]
        )
        kernels.expected(w, rates[:bins], bin_ms, losses[tile])
        if with_gradient:
            kernels.backward(
                now, y, w, decay, beta, scale, gamma, poly, bin_ms, eps, rates[:bins], inner[:bins], state, drive,
                rate, into,
            )  # fmt: skip
    for j in range(spike_ptr[tile], spike_ptr[tile + 1]):
        found = np.float64(rates[spike_bin[j], spike_lane[j]] * bin_ms + eps)
        losses[tile, spike_lane[j]] -= spike_count[j] * np.log(found)
    if with_gradient:
        gradients[tile] = into


@njit(**JIT)
def group_pass(
    data: Arrays, group: int, theta: np.ndarray, sigma: np.ndarray, terms: int, decay: np.ndarray, feedback: float,
    bin_ms: float, eps: float, with_gradient: bool, room: Arrays, loss: np.ndarray, gradient: np.ndarray,
) -> None:  # fmt: skip
    """Write each row's loss in a group, (rows,), and the gradient in its parameters, (rows, parameters)."""
    group_ptr, lane_ptr, lane_at = data[1], data[10], data[11]
    losses, gradients = room[6], room[7]
    order = theta.shape[1] - 2 * terms - 2
    for tile in range(group_ptr[group], group_ptr[group + 1]):
        tile_pass(data, tile, theta, sigma, terms, decay, feedback, bin_ms, eps, with_gradient, room)
    loss[:] = 0
    gradient[:] = 0
    for row in range(theta.shape[0]):
        for j in range(lane_ptr[group, row], lane_ptr[group, row + 1]):
            tile, s = lane_at[j] // WIDTH, lane_at[j] % WIDTH
            loss[row] += losses[tile, s]
            if with_gradient:
                for k in range(2 * terms + order + 1):
                    gradient[row, k] += gradients[tile, k, s]
        if with_gradient:
            _to_parameters(theta[row], terms, order, feedback, gradient[row])


@njit(**JIT)
def _to_parameters(theta, terms, order, feedback, gradient):
    """Turn a gradient in coefficients, gamma and scaled gains into one in the parameters, in place."""
    to_gamma = gradient[2 * terms + order]
    to_threshold = 0.0
    for k in range(1, order):
        to_threshold -= k * theta[2 * terms + k] ** 2 * gradient[2 * terms + k - 1]
    for i in range(terms):
        gradient[i] /= terms
        gradient[terms + i] *= feedback / terms
    for k in range(order):
        gradient[2 * terms + k] *= 2 * theta[2 * terms + k]
    gradient[2 * terms + order] = to_threshold
    gradient[2 * terms + order + 1] = to_gamma * np.exp(theta[2 * terms + order + 1])


@njit(**JIT)
def epochs(
    data: Arrays, held: Arrays, theta: np.ndarray, sigma: np.ndarray, terms: int, decay: np.ndarray, feedback: float,
    bin_ms: float, eps: float, rates: np.ndarray, free: np.ndarray, lasso: np.ndarray, ridge: np.ndarray,
    anchor: np.ndarray, normal: np.ndarray, moments: np.ndarray, squares: np.ndarray, steps: np.ndarray,
    same: np.ndarray, last: np.ndarray, stopped: np.ndarray, done: int, losses: np.ndarray, held_losses: np.ndarray,
    room: Arrays, held_room: Arrays,
) -> None:  # fmt: skip
    """Train each row for some epochs, in place: one step of Adam per group and epoch.

    Args:
        data: packed lanes of what is trained on.
        held: packed lanes whose loss is taken after each epoch, all of group 0.
        theta: (rows, parameters) alpha, beta, roots of the coefficients, threshold / sigma, log gamma.
        sigma: (rows,) pA.
        terms: filters.
        decay: (terms,).
        feedback: factor of the neuron's own rate.
        bin_ms: width of a bin.
        eps: within the logarithm.
        rates: (rows,) learning rates.
        free: (parameters,) bool, which are trained.
        lasso: (rows,) penalty on the sum of absolute alpha and beta, per group.
        ridge: (rows,) penalty on half the sum of squared distances of all from `anchor`, per group.
        anchor: (rows, parameters).
        normal: (groups + 1, rows) factor of each group's loss in the logged one; the last is the held one's.
        moments: (rows, parameters) of Adam.
        squares: (rows, parameters) of Adam.
        steps: (rows,) int64 of Adam, so far.
        same: (rows,) int64 epochs in a row whose loss was that of the epoch before, to the bit.
        last: (rows,) loss of the epoch before.
        stopped: (rows,) int64 epochs when three losses in a row were the same, where training ends; 0 before.
        done: epochs before these.
        losses: (epochs, rows) gets the logged losses.
        held_losses: (epochs, rows) likewise.
        room: scratch for data.
        held_room: scratch for held.
    """
    rows, groups = theta.shape[0], data[1].shape[0] - 1
    loss, gradient = np.zeros(rows), np.zeros(theta.shape)
    for epoch in range(losses.shape[0]):
        losses[epoch] = 0
        for group in range(groups):
            group_pass(data, group, theta, sigma, terms, decay, feedback, bin_ms, eps, True, room, loss, gradient)
            for row in range(rows):
                losses[epoch, row] += loss[row] * normal[group, row]
                if normal[group, row] == 0 or stopped[row] > 0:
                    continue
                _penalties(theta[row], anchor[row], terms, lasso[row], ridge[row], gradient[row])
                steps[row] += 1
                _step(theta[row], gradient[row], moments[row], squares[row], steps[row], rates[row], free)
        if held[1][-1] > 0:
            group_pass(held, 0, theta, sigma, terms, decay, feedback, bin_ms, eps, False, held_room, loss, gradient)
            held_losses[epoch] = loss * normal[groups]
        for row in range(rows):
            same[row] = same[row] + 1 if losses[epoch, row] == last[row] else 0
            last[row] = losses[epoch, row]
            if same[row] >= 2 and stopped[row] == 0:
                stopped[row] = done + epoch + 1


@njit(**JIT)
def _penalties(theta, anchor, terms, lasso, ridge, gradient):
    for k in range(2 * terms):
        gradient[k] += lasso * np.sign(theta[k])
    for k in range(theta.shape[0]):
        gradient[k] += ridge * (theta[k] - anchor[k])


@njit(**JIT)
def _step(theta, gradient, moments, squares, steps, rate, free):
    first, second = 1 - FIRST**steps, 1 - SECOND**steps
    for k in range(theta.shape[0]):
        if free[k]:
            moments[k] = FIRST * moments[k] + (1 - FIRST) * gradient[k]
            squares[k] = SECOND * squares[k] + (1 - SECOND) * gradient[k] ** 2
            theta[k] -= rate / first * moments[k] / (np.sqrt(squares[k] / second) + EPS)


@dataclass(frozen=True)
class Plan:
    """How rows are trained; (rows,) each unless said.

    Attributes:
        sigma: pA.
        decay: (terms,).
        feedback: factor of the neuron's own rate.
        bin_ms: width of a bin.
        rates: learning rates.
        free: (parameters,) bool, which are trained.
        normal: (groups + 1, rows) what each group's loss counts in the logged one; the last is the held one's.
        lasso: penalty on the sum of absolute alpha and beta, per group.
        ridge: penalty on half the sum of squared distances from the start, per group.
        eps: within the logarithm.
    """

    sigma: np.ndarray
    decay: np.ndarray
    feedback: float
    bin_ms: int
    rates: np.ndarray
    free: np.ndarray
    normal: np.ndarray
    lasso: np.ndarray
    ridge: np.ndarray
    eps: float = 1e-8


@dataclass(frozen=True)
class State:
    """Where training stands. Attributes as `epochs` has them; `anchor` is the start."""

    theta: np.ndarray
    anchor: np.ndarray
    moments: np.ndarray
    squares: np.ndarray
    steps: np.ndarray
    same: np.ndarray
    last: np.ndarray
    stopped: np.ndarray
    losses: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    held_losses: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))

    @classmethod
    def begin(cls, theta: np.ndarray) -> State:
        """Return the state before the first epoch, of (rows, parameters)."""
        rows, none = len(theta), np.zeros((0, len(theta)))
        steps, same, stopped = (np.zeros(rows, np.int64) for _ in range(3))
        moments, squares, last = np.zeros_like(theta), np.zeros_like(theta), np.full(rows, np.nan)
        return cls(theta, theta, moments, squares, steps, same, last, stopped, none, none)


def train(lanes: Lanes, held: Lanes, plan: Plan, state: State, count: int) -> State:
    """Return the state after so many more epochs.

    Args:
        lanes: what is trained on.
        held: what a loss is taken of after each epoch, all of group 0; may hold nothing.
        plan: how.
        state: where it stands.
        count: epochs.
    """
    terms, real = len(plan.decay), lanes.current.dtype.type
    order = state.theta.shape[1] - 2 * terms - 2
    names = ("theta", "moments", "squares", "steps", "same", "last", "stopped")
    new = {name: getattr(state, name).copy() for name in names}
    losses, held_losses = np.zeros((count, len(state.theta))), np.full((count, len(state.theta)), np.nan)
    rooms = [scratch(terms, order, len(one.row), one.longest, one.current) for one in (lanes, held)]
    epochs(
        packed(lanes), packed(held), new["theta"], plan.sigma, terms, plan.decay.astype(real), float(plan.feedback),
        real(plan.bin_ms), real(plan.eps), plan.rates, plan.free, plan.lasso, plan.ridge, state.anchor, plan.normal,
        new["moments"], new["squares"], new["steps"], new["same"], new["last"], new["stopped"], len(state.losses),
        losses, held_losses, *rooms,
    )  # fmt: skip
    both = np.concatenate([state.losses, losses]), np.concatenate([state.held_losses, held_losses])
    return State(anchor=state.anchor, losses=both[0], held_losses=both[1], **new)
