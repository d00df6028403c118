"""Ridge regression with its penalty cross-validated, from the second moments of each fold.

Penalties times folds regressions of the same rows all need only the folds' second moments: each row is touched once,
and one eigendecomposition per fold serves every penalty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from raysp.errors import BadInput
from raysp.evaluation.r2 import r2_from_sums


@dataclass(frozen=True)
class Moments:
    """Sums over rows z = (x, y) about a common origin, which keeps large means from eating digits.

    Attributes:
        rows: how many.
        total: (inputs + outputs,) sum of z.
        cross: (inputs + outputs, inputs + outputs) sum of z z'.
    """

    rows: int
    total: np.ndarray
    cross: np.ndarray

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.rows + other.rows, self.total + other.total, self.cross + other.cross)

    def __sub__(self, other: Moments) -> Moments:
        return Moments(self.rows - other.rows, self.total - other.total, self.cross - other.cross)

    def centred(self) -> np.ndarray:
        """Return the sum of (z - mean)(z - mean)'."""
        return self.cross - np.outer(self.total, self.total) / self.rows


def fit_ridge(x: np.ndarray, y: np.ndarray, alphas: np.ndarray, folds: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the ridge regression of y on x whose penalty has the best mean R2 over contiguous folds.

    Minimises sum |y - x w - b|^2 + alpha |w|^2 (Hoerl & Kennard 1970), b not penalised; refitted on all rows. The first
    of equally good penalties is taken.

    Args:
        x: (rows, inputs), at least `folds` rows.
        y: (rows, outputs).
        alphas: (penalties,) > 0.
        folds: of the cross-validation, at least 2.

    Returns:
        Weights (inputs, outputs) and intercept (outputs,).

    Raises:
        BadInput: a value is NaN or infinite.
    """
    inputs = x.shape[1]
    parts = list(zip(np.array_split(x, folds), np.array_split(y, folds), strict=True))
    with np.errstate(invalid="ignore", over="ignore"):
        origin = np.concatenate([part.mean(axis=0, dtype=np.float64) for part in parts[0]])
        moments = [_moments(fold_x, fold_y, origin) for fold_x, fold_y in parts]
        whole = sum(moments[1:], start=moments[0])
    if not np.isfinite(whole.cross).all():
        raise BadInput("decoding expected finite rates and behaviour in the rows used to fit, got NaN or infinity")
    scores = [
        _r2_of_fold(fold, _spread(fold_y), *_solve(whole - fold, inputs, alphas))
        for fold, (_, fold_y) in zip(moments, parts, strict=True)
    ]
    best = int(np.argmax(np.mean(scores, axis=0)))
    weights, intercept = _solve(whole, inputs, alphas[best : best + 1])
    return weights[0], intercept[0] + origin[inputs:] - origin[:inputs] @ weights[0]


def _moments(x: np.ndarray, y: np.ndarray, origin: np.ndarray) -> Moments:
    z = np.empty((len(x), len(origin)))
    np.subtract(x, origin[: x.shape[1]], out=z[:, : x.shape[1]])
    np.subtract(y, origin[x.shape[1] :], out=z[:, x.shape[1] :])
    return Moments(len(z), z.sum(axis=0), z.T @ z)


def _spread(y: np.ndarray) -> np.ndarray:
    # Not from the moments: a constant output must give exactly zero, which R2 treats apart.
    y = y.astype(np.float64)
    return ((y - y.mean(axis=0)) ** 2).sum(axis=0)


def _solve(moments: Moments, inputs: int, alphas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return weights (penalties, inputs, outputs) and intercepts (penalties, outputs)."""
    centred = moments.centred()
    values, vectors = linalg.eigh(centred[:inputs, :inputs], driver="evd")
    projected = vectors.T @ centred[:inputs, inputs:]
    shrunk = projected / (np.maximum(values, 0.0) + alphas[:, None])[:, :, None]
    weights = vectors @ shrunk
    mean = moments.total / moments.rows
    return weights, mean[inputs:] - mean[:inputs] @ weights


def _r2_of_fold(fold: Moments, spread: np.ndarray, weights: np.ndarray, intercepts: np.ndarray) -> np.ndarray:
    """Return (penalties,) R2 on the fold's rows, averaged over outputs; nan for a fold of one row, as scikit-learn."""
    if fold.rows < 2:
        return np.full(len(weights), np.nan)
    inputs = weights.shape[1]
    centred, mean = fold.centred(), fold.total / fold.rows
    # The residual is z'v + constant with v = (-w, 1), so its sum of squares is a quadratic form in the moments.
    bias = mean[inputs:] - mean[:inputs] @ weights - intercepts
    explained = (weights * (centred[:inputs, :inputs] @ weights)).sum(axis=1)
    shared = (weights * centred[:inputs, inputs:]).sum(axis=1)
    error = np.diagonal(centred)[inputs:] - 2 * shared + explained + fold.rows * bias**2
    return r2_from_sums(np.maximum(error, 0.0), np.broadcast_to(spread, error.shape)).mean(axis=1)
