"""How well each model's latents can be read linearly from each other model's.

Models that predict equally well need not have found the same latents. What a model adds of its own, no other model
has: its latents are read badly from theirs (Dabholkar & Barak 2025, PLOS Computational Biology 21(12) e1013789).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from raysp.errors import BadInput
from raysp.evaluation.r2 import r2_from_sums

FOLDS, LEAST_TRIALS = 5, 10
PENALTIES = (1e-6, 1e-4, 1e-2, 1.0)
"""Of the ridge regression, against the inputs' mean sum of squares."""


def cross_decoding(latents: Sequence[np.ndarray], recorded: np.ndarray | None = None, *, seed: int = 0) -> np.ndarray:
    """Return R2 of each model's latents read from each model's, bin by bin, on trials left out of the fit.

    Five folds of whole trials; the penalty for a fold is chosen on the next one, from the other three. Squared errors
    are summed over dimensions and folds before they are compared with the variance, so that rotating latents changes
    nothing, and dimensions weigh as much as they vary.

    Args:
        latents: of each model, (trials, bins, dimensions), of the same trials and bins.
        recorded: (trials, bins) False for bins that count for nothing; None where all count.
        seed: of the folds.

    Returns:
        (models, models): in a row what is read from that model, in a column what is read of it. The diagonal is a
        model read from itself, about 1. A column is nan where latents never change.

    Raises:
        BadInput: shapes do not fit, a value is not finite, or there are fewer than ten trials.
    """
    arrays = [np.asarray(one) for one in latents]
    _check(arrays)
    order = np.random.default_rng(seed).permutation(len(arrays[0]))
    bins = np.ones(arrays[0].shape[:2], dtype=bool) if recorded is None else np.asarray(recorded)
    folds = [(rows := np.sort(part), bins[rows]) for part in np.array_split(order, FOLDS)]
    models = [_Folds.of([one[rows][seen] for rows, seen in folds]) for one in arrays]
    errors = np.array([_errors(one, models) for one in models])
    spreads = np.array([one.spread for one in models])
    found = r2_from_sums(errors, np.broadcast_to(spreads, errors.shape))
    found[:, spreads == 0] = np.nan
    return found


@dataclass(frozen=True)
class _Folds:
    """A model's latents, fold by fold.

    Attributes:
        rows: of each fold, (bins, dimensions + 1), the last column ones.
        grams: of each fold, the products of these columns.
        spread: sum of squared deviations from the mean.
    """

    rows: list[np.ndarray]
    grams: list[np.ndarray]
    spread: float

    @classmethod
    def of(cls, parts: list[np.ndarray]) -> _Folds:
        """Return the folds of latents, (bins, dimensions) each."""
        count = sum(len(part) for part in parts)
        mean = sum((part.sum(axis=0, dtype=np.float64) for part in parts), np.zeros(parts[0].shape[1])) / count
        rows = [np.concatenate([part - mean, np.ones((len(part), 1))], axis=1) for part in parts]
        grams = [one.T @ one for one in rows]
        return cls(rows, grams, float(sum(np.trace(gram[:-1, :-1]) for gram in grams)))


def _errors(own: _Folds, models: Sequence[_Folds]) -> list[float]:
    """Return the summed squared errors of every model's latents, read from one model's on folds left out."""
    solvers: dict[tuple[int, ...], list[np.ndarray]] = {}
    for test in range(FOLDS):
        aside = (test + 1) % FOLDS
        for left_out in ((test, aside), (test,)):
            gram = sum((one for fold, one in enumerate(own.grams) if fold not in left_out), np.zeros(1))
            solvers[left_out] = [_factor(gram, penalty) for penalty in PENALTIES]
    return [sum(_errors_of_folds(own, other, solvers)) for other in models]


def _errors_of_folds(own: _Folds, other: _Folds, solvers: dict[tuple[int, ...], list[np.ndarray]]) -> list[float]:
    crosses = [x.T @ y[:, :-1] for x, y in zip(own.rows, other.rows, strict=True)]
    found: list[float] = []
    for test in range(FOLDS):
        aside = (test + 1) % FOLDS
        total = sum((one for fold, one in enumerate(crosses) if fold != test), np.zeros(1))
        tried = [linalg.cho_solve((one, True), total - crosses[aside]) for one in solvers[test, aside]]
        best = int(np.argmin([_error(own, other, crosses, aside, weights) for weights in tried]))
        found.append(_error(own, other, crosses, test, linalg.cho_solve((solvers[test,][best], True), total)))
    return found


def _factor(gram: np.ndarray, penalty: float) -> np.ndarray:
    """Return the Cholesky factor of the regression's normal equations; the intercept is not penalised."""
    inputs = len(gram) - 1
    ridge = np.append(np.full(inputs, max(penalty * np.trace(gram[:-1, :-1]) / inputs, 1e-12)), 0.0)
    return np.asarray(linalg.cholesky(gram + np.diag(ridge), lower=True))


def _error(own: _Folds, other: _Folds, crosses: list[np.ndarray], fold: int, weights: np.ndarray) -> float:
    """Return the squared errors on a fold, from its sums of products alone."""
    of_it = np.trace(other.grams[fold][:-1, :-1])
    return max(float(of_it - 2 * (weights * crosses[fold]).sum() + (weights * (own.grams[fold] @ weights)).sum()), 0.0)


def _check(arrays: Sequence[np.ndarray]) -> None:
    shapes = [one.shape for one in arrays]
    if not arrays or any(len(shape) != 3 or shape[:2] != shapes[0][:2] or not shape[2] for shape in shapes):
        raise BadInput(f"cross-decoding expected latents (trials, bins, dimensions) of the same trials, got {shapes}")
    if len(arrays[0]) < LEAST_TRIALS:
        raise BadInput(f"cross-decoding expected {LEAST_TRIALS} or more trials, got {len(arrays[0])}")
    if not all(np.isfinite(one).all() for one in arrays):
        raise BadInput("cross-decoding expected finite latents, got NaN or infinity")
