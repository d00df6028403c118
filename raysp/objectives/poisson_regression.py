"""Poisson regression with a ridge penalty, for many outputs on the same inputs at once.

Solved jointly because the inputs are long (mc_maze at 5 ms: 240,940 bins x 137 units, 45 outputs): one regression
per output reads them 45 times per step, and unscaled steps are many. In the coordinates where the Hessian at the mean
rate is the identity, a few dozen steps of L-BFGS solve all outputs together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from raysp.errors import BadInput
from raysp.objectives.poisson import MAX_LOG_RATE

SILENT = 1e-9
"""Expected count of an output that never counted anything: the least rate that the benchmark's judge tells from 0."""

_ROWS = 4096
"""Rows at a time: few enough for the rates of all outputs to stay in the processor's cache."""


def poisson_regression(
    inputs: np.ndarray, counts: np.ndarray, alpha: float, *, tolerance: float = 1e-8, max_iterations: int = 2500
) -> tuple[np.ndarray, np.ndarray]:
    """Minimise, for each output, mean(exp(x w + b) - y (x w + b)) + alpha / 2 |w|^2 over its known rows.

    This is the objective of scikit-learn's PoissonRegressor; the intercept b is not penalised.

    Args:
        inputs: (rows, features) float64.
        counts: (rows, outputs) counts >= 0; NaN marks rows that an output does not know.
        alpha: penalty, > 0.
        tolerance: largest entry of the gradient (in scaled coordinates) at the solution.
        max_iterations: steps, at most.

    Returns:
        Weights (features, outputs) and intercepts (outputs,). An output without a count predicts `SILENT` everywhere.

    Raises:
        BadInput: shapes do not agree, alpha is not positive, or the steps did not converge.
    """
    problem = _Problem(inputs, counts)
    problem.penalise(alpha)
    found = problem.solve(tolerance, max_iterations)
    # At the limit of float64 the line search ends before the gradient's bound is met.
    if found.slope > max(tolerance, 1e-6):
        raise BadInput(
            f"poisson regression did not converge in {found.steps} steps (gradient {found.slope:.1e}, "
            f"expected {tolerance:.0e}: {found.message}); try a larger alpha"
        )
    return problem.unscaled()


def poisson_path(
    inputs: np.ndarray, counts: np.ndarray, alphas: Sequence[float], *, tolerance: float = 3e-4
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield what `poisson_regression` returns for one penalty after the other, each from where the last one ended.

    One eigendecomposition of the inputs serves all of them. For comparing penalties, of which the largest come first:
    the gradient is small at what is yielded, and not zero.
    """
    problem = _Problem(inputs, counts)
    for alpha in alphas:
        problem.penalise(alpha)
        problem.solve(tolerance, 100)
        yield problem.unscaled()


@dataclass(frozen=True)
class _Solved:
    slope: float
    steps: int
    message: str


class _Problem:
    """The joint objective in scaled coordinates z (1 + features, outputs): intercepts first, mean rates at z = 0."""

    def __init__(self, inputs: np.ndarray, counts: np.ndarray) -> None:
        if inputs.ndim != 2 or counts.ndim != 2 or len(inputs) != len(counts) or not len(inputs):
            raise BadInput(
                f"expected inputs (rows, features) and counts (rows, outputs), got {inputs.shape}, {counts.shape}"
            )
        known = (~np.isnan(counts)).sum(axis=0)
        mean = np.nansum(counts, axis=0, dtype=np.float64) / np.maximum(known, 1)
        self.firing = mean > 0
        counts, self.mean, self.known = counts[:, self.firing], mean[self.firing], known[self.firing]
        self.center = inputs.mean(axis=0)
        centered = inputs - self.center
        power, self.axes = np.linalg.eigh(centered.T @ centered / len(inputs))
        self.power = np.concatenate([[1.0], np.maximum(power, 0.0)])[:, None]
        self.inputs = np.empty((len(inputs), inputs.shape[1] + 1))
        self.inputs[:, 0] = 1.0
        np.matmul(centered, self.axes, out=self.inputs[:, 1:])
        self.counts = counts
        self.found = np.vstack([np.log(self.mean), np.zeros((inputs.shape[1], len(self.mean)))])

    def penalise(self, alpha: float) -> None:
        """Take a penalty; the scale of the coordinates follows from it."""
        if not alpha > 0:
            raise BadInput(f"poisson regression, alpha expected a penalty > 0, got {alpha}")
        self.penalty = np.full_like(self.found, alpha)
        self.penalty[0] = 0.0
        self.scale = 1.0 / np.sqrt(self.power * self.mean + self.penalty)

    def solve(self, tolerance: float, max_iterations: int) -> _Solved:
        """Go from the weights found last to those of the penalty."""
        if not self.firing.any():
            return _Solved(0.0, 0, "nothing to fit")
        options = {
            "maxiter": max_iterations,
            "maxfun": 2 * max_iterations,
            "ftol": 0.0,
            "gtol": tolerance,
            "maxcor": 20,
        }
        start = self.found.copy()
        start[0] -= np.log(self.mean)
        found = minimize(self.objective, (start / self.scale).ravel(), jac=True, method="L-BFGS-B", options=options)
        self.found = self._weights(found.x)
        return _Solved(np.abs(found.jac).max(), found.nit, found.message)

    def unscaled(self) -> tuple[np.ndarray, np.ndarray]:
        """Return weights and intercepts of all outputs, for inputs as they were given."""
        weights = np.zeros((len(self.axes), len(self.firing)))
        intercepts = np.full(len(self.firing), np.log(SILENT))
        weights[:, self.firing] = rotated = self.axes @ self.found[1:]
        intercepts[self.firing] = self.found[0] - self.center @ rotated
        return weights, intercepts

    def objective(self, z: np.ndarray) -> tuple[float, np.ndarray]:
        weights = self._weights(z)
        value = 0.5 * (self.penalty * weights**2).sum(axis=0)
        gradient = np.zeros_like(weights)
        for start in range(0, len(self.inputs), _ROWS):
            inputs, counts = self.inputs[start : start + _ROWS], self.counts[start : start + _ROWS]
            terms, slopes = _likelihood(inputs @ weights, counts)
            value += terms.sum(axis=0) / self.known
            gradient += inputs.T @ slopes
        gradient = (gradient / self.known + self.penalty * weights) * self.scale
        return float(value.sum()), gradient.ravel()

    def _weights(self, z: np.ndarray) -> np.ndarray:
        weights = z.reshape(self.scale.shape) * self.scale
        weights[0] += np.log(self.mean)
        return weights


def _likelihood(log_rates: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each entry's negative log-likelihood and its slope, 0 where the count is unknown."""
    unknown = np.isnan(counts)
    counts = np.where(unknown, 0.0, counts)
    # Continued by the tangent, as in the models' loss: a step that goes too far must not overflow.
    beyond = np.maximum(log_rates - MAX_LOG_RATE, 0.0)
    slopes = np.exp(log_rates - beyond)
    terms = slopes * (1.0 + beyond) - counts * log_rates
    slopes -= counts
    terms[unknown] = slopes[unknown] = 0.0
    return terms, slopes
