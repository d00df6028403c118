"""The published fit of the activation function to what the first bins of current steps give, compiled.

g(I) = gamma ReLU(tanh(sum over k of a_k^2 ((I - b) / sigma)^k)); a and b are fitted, gamma is given, and sigma is the
largest |I| of the points. The loss is the sum of m - y log(m + 1e-8) over the points, m = g dt'.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raysp.config.compiled import njit
from raysp.models.gfr.descent import EPS, FIRST, SECOND
from raysp.models.gfr.second_order import solve

LIT = 0.01
"""spikes/ms above which a point counts as the first with spikes."""

LOG_EPS = 1e-8
STAGES = (0.3, 0.03, 1e-3, LOG_EPS)
"""Within the logarithm, one fit after the other: silent points with spikes have no gradient at the last."""


@dataclass(frozen=True)
class Activations:
    """Activation functions of units.

    Attributes:
        poly: (units, degree + 1) roots of the coefficients.
        threshold: (units,) b, pA.
        sigma: (units,) pA.
        loss: (units,) sum over the points; inf where no start came to a number.
    """

    poly: np.ndarray
    threshold: np.ndarray
    sigma: np.ndarray
    loss: np.ndarray


def begin(current: np.ndarray, rate: np.ndarray, degree: int, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Return the published start, (degree + 1,) roots and threshold in pA; not finite where two points coincide.

    Args:
        current: (points,) pA.
        rate: (points,) spikes/ms.
        degree: of the polynomial, at least 1.
        rng: of the roots.
    """
    order = np.argsort(current, kind="stable")
    current, rate = current[order], rate[order]
    steepest = int(np.argmax(rate))
    lit = np.flatnonzero(rate > LIT)
    x1, y1 = 0.0, 0.0
    if len(lit):
        first = lit[0] - 1 if lit[0] >= 2 else lit[0]
        x1, y1 = current[first], rate[first]
    poly = rng.normal(0, 0.1, degree + 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        poly[1] = abs((rate[steepest] - y1) / np.float64(current[steepest] - x1) * np.abs(current).max())
    return poly, x1


def fit(
    current: np.ndarray, rate: np.ndarray, ptr: np.ndarray, gamma: np.ndarray, bin_ms: int, numbers: np.ndarray,
    seed: int, degree: int = 1, epochs: int = 1000, starts: int = 3, learning_rate: float = 0.05,
    second_order: bool = False,
) -> Activations:  # fmt: skip
    """Fit units one by one, the best of several starts each.

    Args:
        current: (points,) pA, unit by unit.
        rate: (points,) spikes/ms.
        ptr: (units + 1,) first point of each unit; a unit without points has no fit.
        gamma: (units,) spikes/ms; not finite for no fit.
        bin_ms: width of the bins that the points are means over.
        numbers: (units,) the recording's own numbers of units, which seed their starts.
        seed: with them.
        degree: of the polynomial.
        epochs: of Adam.
        starts: per unit.
        learning_rate: of Adam.
        second_order: Levenberg-Marquardt instead, from the same starts.
    """
    units = len(gamma)
    poly, threshold, sigma = np.zeros((units, degree + 1)), np.zeros(units), np.ones(units)
    loss = np.full(units, np.inf)
    for unit in np.flatnonzero((np.diff(ptr) > 0) & np.isfinite(gamma)):
        points = slice(ptr[unit], ptr[unit + 1])
        x, y = current[points].astype(np.float64), rate[points].astype(np.float64)
        sigma[unit] = np.abs(x).max()
        rng = np.random.default_rng([seed, int(numbers[unit])])
        for _ in range(starts):
            roots, b = begin(x, y, degree, rng)
            theta = np.append(roots, b)
            if not np.isfinite(theta).all() or sigma[unit] == 0:
                continue
            if second_order:
                theta[-1] /= sigma[unit]
                found = _levenberg(x, y * bin_ms, theta, sigma[unit], gamma[unit] * bin_ms, np.array(STAGES))
                theta[-1] *= sigma[unit]
            else:
                found = _adam(x, y * bin_ms, theta, sigma[unit], gamma[unit] * bin_ms, epochs, learning_rate)
            if found < min(loss[unit], 1e10):
                loss[unit], poly[unit], threshold[unit] = found, theta[:-1], theta[-1]
    return Activations(poly, threshold, sigma, loss)


@njit(error_model="numpy")
def _point(x, y, theta, sigma, most, eps, slope):
    """Return m, and write its derivatives in roots and threshold, pA."""
    order = theta.shape[0] - 1
    u = (x - theta[order]) / sigma
    p, dp = 0.0, 0.0
    for k in range(order - 1, -1, -1):
        dp = dp * u + p
        p = p * u + theta[k] ** 2
    slope[:] = 0
    if not p > 0:
        return p * 0
    th = np.tanh(p)
    steep, power = most * (1 - th * th), 1.0
    for k in range(order):
        slope[k] = steep * 2 * theta[k] * power
        power *= u
    slope[order] = -steep * dp / sigma
    return most * th


@njit(error_model="numpy")
def _adam(current, counts, theta, sigma, most, epochs, learning_rate):
    """Fit in place; return the loss before the last step, as published."""
    size = theta.shape[0]
    slope, gradient, moments, squares = np.zeros(size), np.zeros(size), np.zeros(size), np.zeros(size)
    loss = np.inf
    for epoch in range(1, epochs + 1):
        gradient[:] = 0
        loss = 0.0
        for j in range(current.shape[0]):
            mean = _point(current[j], counts[j], theta, sigma, most, LOG_EPS, slope)
            pull = 1 - counts[j] / (mean + LOG_EPS)
            if epoch == epochs:
                loss += mean - counts[j] * np.log(mean + LOG_EPS)
            for k in range(size):
                gradient[k] += pull * slope[k]
        first, second = 1 - FIRST**epoch, 1 - SECOND**epoch
        for k in range(size):
            moments[k] = FIRST * moments[k] + (1 - FIRST) * gradient[k]
            squares[k] = SECOND * squares[k] + (1 - SECOND) * gradient[k] ** 2
            theta[k] -= learning_rate / first * moments[k] / (np.sqrt(squares[k] / second) + EPS)
    return loss


@njit(error_model="numpy")
def _levenberg(current, counts, theta, sigma, most, stages):
    """Fit in place, the threshold in units of sigma; return the loss."""
    size = theta.shape[0]
    slope, gradient, fisher = np.zeros(size), np.zeros(size), np.zeros((size, size))
    best = np.inf
    for eps in stages:
        here, damping, best = theta.copy(), 1e-2, np.inf
        kept, matrix = np.zeros(size), np.zeros((size, size))
        for _ in range(200):
            loss = 0.0
            gradient[:], fisher[:] = 0, 0
            for j in range(current.shape[0]):
                mean = _point(current[j] / sigma, counts[j], here, 1.0, most, eps, slope)
                loss += mean - counts[j] * np.log(mean + eps)
                pull, heavy = 1 - counts[j] / (mean + eps), 1 / (mean + max(eps, 0.02))
                for k in range(size):
                    gradient[k] += pull * slope[k]
                    for m in range(size):
                        fisher[k, m] += heavy * slope[k] * slope[m]
            small = loss < best and best - loss < 1e-10 * abs(loss) and damping < 1e-2
            if loss < best:
                best, damping = loss, max(damping * 0.3, 1e-9)
                theta[:], kept[:], matrix[:] = here, gradient, fisher
            else:
                damping *= 6
            if small or damping > 1e8:
                break
            damped = matrix.copy()
            for k in range(size):
                damped[k, k] += damping * max(matrix[k, k], 1e-6) + 1e-9
            step = kept.copy()
            if not solve(damped, step):
                damping *= 10
            here = theta - step
    return best
