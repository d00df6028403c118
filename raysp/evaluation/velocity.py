"""How well hand velocity can be read out linearly from rates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raysp.errors import BadInput
from raysp.evaluation.r2 import r2_columns
from raysp.evaluation.ridge import fit_ridge

ALPHAS, FOLDS = np.logspace(-4, 0, 9), 5
"""Penalties the benchmark tries, and parts of its cross-validation."""


@dataclass(frozen=True)
class Decoded:
    """Behaviour read out from rates.

    Attributes:
        values: (trials, bins, variables) decoded behaviour of the evaluation trials; NaN for trials without a decoder.
        r2: (decoders, variables) R2 on the evaluation rows that are known.
    """

    values: np.ndarray
    r2: np.ndarray

    @property
    def mean(self) -> float:
        """R2 averaged over variables, then over decoders."""
        return float(np.mean([found.mean() for found in self.r2]))


def decode(
    train_rates: np.ndarray,
    train_behavior: np.ndarray,
    eval_rates: np.ndarray,
    eval_behavior: np.ndarray,
    train_mask: np.ndarray | None = None,
    eval_mask: np.ndarray | None = None,
) -> Decoded:
    """Decode behaviour from rates by ridge regression fitted to the training trials.

    The penalty is cross-validated over contiguous folds of the rows (bins of trial after trial), the intercept not
    penalised: `mean` is what scikit-learn's `GridSearchCV(Ridge(), {"alpha": ALPHAS}, cv=FOLDS)` scores. Rows whose
    first behaviour variable is NaN are left out (Pei et al. 2021, Neural Latents Benchmark, behavioural decoding).

    Args:
        train_rates: (trials, bins, units) of the training trials, held-in then held-out units.
        train_behavior: (trials, bins, variables).
        eval_rates: (trials, bins, units) of the evaluation trials.
        eval_behavior: (trials, bins, variables).
        train_mask: (trials, decoders) True where a trial belongs to a decoder; None for one decoder of all trials.
        eval_mask: likewise for the evaluation trials.

    Raises:
        BadInput: shapes do not fit, a row that counts is not finite, or too few rows are left.
    """
    train = _part(train_rates, train_behavior, train_mask, "training")
    score = _part(eval_rates, eval_behavior, eval_mask, "evaluation")
    for what, ours, theirs in zip(("units", "variables", "decoders"), train, score, strict=True):
        if ours.shape[-1] != theirs.shape[-1]:
            raise BadInput(
                f"decoding expected as many {what} in training as in evaluation, "
                f"got {ours.shape[-1]} and {theirs.shape[-1]}"
            )
    values = np.full(score[1].shape, np.nan)
    r2 = [_one_decoder(train, score, k, values) for k in range(train[2].shape[1])]
    return Decoded(values, np.array(r2))


def _one_decoder(
    train: tuple[np.ndarray, ...], score: tuple[np.ndarray, ...], decoder: int, into: np.ndarray
) -> np.ndarray:
    """Return (variables,) R2, and put what is decoded of the decoder's evaluation trials `into` its place."""
    known = _known(train[1], train[2], decoder, FOLDS, "training")
    weights, intercept = fit_ridge(_rows(train[0], known), _rows(train[1], known), ALPHAS, FOLDS)
    known, (rates, behavior, mask) = _known(score[1], score[2], decoder, 2, "evaluation"), score
    true = _rows(behavior, known).astype(np.float64)
    into[mask[:, decoder]] = rates[mask[:, decoder]].astype(np.float64) @ weights + intercept
    found = _rows(into, known)
    if not (np.isfinite(found).all() and np.isfinite(true).all()):
        raise BadInput("decoding expected finite rates and behaviour in evaluation, got NaN or infinity")
    return r2_columns(true, found)


def _part(
    rates: np.ndarray, behavior: np.ndarray, mask: np.ndarray | None, part: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rates, behavior = np.asarray(rates), np.asarray(behavior)
    if rates.ndim != 3 or behavior.ndim != 3 or rates.shape[:2] != behavior.shape[:2]:
        raise BadInput(
            f"decoding, {part}: expected rates (trials, bins, units) and behaviour (trials, bins, variables), "
            f"got {rates.shape} and {behavior.shape}"
        )
    if mask is None:
        return rates, behavior, np.ones((len(rates), 1), dtype=bool)
    mask = np.asarray(mask)
    if mask.ndim != 2 or len(mask) != len(rates) or mask.shape[1] == 0:
        raise BadInput(f"decoding, {part}: decode mask expected shape ({len(rates)}, decoders), got {mask.shape}")
    return rates, behavior, mask.astype(bool)


def _known(behavior: np.ndarray, mask: np.ndarray, decoder: int, least: int, part: str) -> np.ndarray:
    """Return (trials, bins) True for the rows that count."""
    known = ~np.isnan(behavior[..., 0]) & mask[:, decoder, None]
    if known.sum() < least:
        raise BadInput(
            f"decoding, {part}: decoder {decoder} expected at least {least} bins with known behaviour, "
            f"got {known.sum()}; check the behaviour's NaN and the decode mask"
        )
    return known


def _rows(array: np.ndarray, known: np.ndarray) -> np.ndarray:
    rows = slice(None) if known.all() else known.ravel()
    return array.reshape(-1, array.shape[-1])[rows]
