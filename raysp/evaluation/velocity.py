"""How well hand velocity can be read out linearly from rates."""

from __future__ import annotations

import numpy as np

from raysp.errors import BadInput
from raysp.evaluation.r2 import r2_columns
from raysp.evaluation.ridge import fit_ridge

ALPHAS = np.logspace(-4, 0, 9)
"""Penalties the benchmark tries."""


def velocity_r2(
    train_rates: np.ndarray,
    train_behavior: np.ndarray,
    eval_rates: np.ndarray,
    eval_behavior: np.ndarray,
    train_mask: np.ndarray | None = None,
    eval_mask: np.ndarray | None = None,
    *,
    alphas: np.ndarray = ALPHAS,
    folds: int = 5,
) -> float:
    """Return R2 of behaviour decoded from rates, averaged over behaviour variables, then over decoders.

    The same number as scikit-learn's `GridSearchCV(Ridge(), {"alpha": alphas}, cv=folds).fit(train).score(eval)`:
    contiguous folds over the rows (bins of trial after trial), intercept not penalised. Rows whose first behaviour
    variable is NaN are left out (Pei et al. 2021, Neural Latents Benchmark, behavioural decoding).

    Args:
        train_rates: (trials, bins, neurons) of the training trials, held-in then held-out neurons.
        train_behavior: (trials, bins, variables).
        eval_rates: (trials, bins, neurons) of the evaluation trials.
        eval_behavior: (trials, bins, variables).
        train_mask: (trials, decoders) True where a trial belongs to a decoder; None for one decoder of all trials.
        eval_mask: likewise for the evaluation trials.
        alphas: penalties to choose from, > 0.
        folds: of the cross-validation, at least 2.

    Raises:
        BadInput: shapes do not fit, a row that counts is not finite, or too few rows are left.
    """
    alphas = np.asarray(alphas, dtype=np.float64)
    if alphas.ndim != 1 or len(alphas) == 0 or not (alphas > 0).all() or folds < 2:
        raise BadInput(f"decoding expected penalties > 0 and at least 2 folds, got alphas {alphas} and {folds} folds")
    train = _part(train_rates, train_behavior, train_mask, "training")
    score = _part(eval_rates, eval_behavior, eval_mask, "evaluation")
    for what, ours, theirs in zip(("neurons", "variables", "decoders"), train, score, strict=True):
        if ours.shape[-1] != theirs.shape[-1]:
            raise BadInput(
                f"decoding expected as many {what} in training as in evaluation, "
                f"got {ours.shape[-1]} and {theirs.shape[-1]}"
            )
    return float(np.mean([_one_decoder(train, score, k, alphas, folds) for k in range(train[2].shape[1])]))


def _one_decoder(
    train: tuple[np.ndarray, ...], score: tuple[np.ndarray, ...], decoder: int, alphas: np.ndarray, folds: int
) -> float:
    rates, behavior = _known_rows(*train, decoder, folds, "training")
    weights, intercept = fit_ridge(rates, behavior, alphas, folds)
    rates, behavior = (x.astype(np.float64) for x in _known_rows(*score, decoder, 2, "evaluation"))
    if not (np.isfinite(rates).all() and np.isfinite(behavior).all()):
        raise BadInput("decoding expected finite rates and behaviour in evaluation, got NaN or infinity")
    return float(r2_columns(behavior, rates @ weights + intercept).mean())


def _part(
    rates: np.ndarray, behavior: np.ndarray, mask: np.ndarray | None, part: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rates, behavior = np.asarray(rates), np.asarray(behavior)
    if rates.ndim != 3 or behavior.ndim != 3 or rates.shape[:2] != behavior.shape[:2]:
        raise BadInput(
            f"decoding, {part}: expected rates (trials, bins, neurons) and behaviour (trials, bins, variables), "
            f"got {rates.shape} and {behavior.shape}"
        )
    if mask is None:
        return rates, behavior, np.ones((len(rates), 1), dtype=bool)
    mask = np.asarray(mask)
    if mask.ndim != 2 or len(mask) != len(rates) or mask.shape[1] == 0:
        raise BadInput(f"decoding, {part}: decode mask expected shape ({len(rates)}, decoders), got {mask.shape}")
    return rates, behavior, mask.astype(bool)


def _known_rows(
    rates: np.ndarray, behavior: np.ndarray, mask: np.ndarray, decoder: int, least: int, part: str
) -> tuple[np.ndarray, np.ndarray]:
    known = ~np.isnan(behavior[..., 0]) & mask[:, decoder, None]
    if known.sum() < least:
        raise BadInput(
            f"decoding, {part}: decoder {decoder} expected at least {least} bins with known behaviour, "
            f"got {known.sum()}; check the behaviour's NaN and the decode mask"
        )
    rows = slice(None) if known.all() else known.ravel()
    return rates.reshape(-1, rates.shape[-1])[rows], behavior.reshape(-1, behavior.shape[-1])[rows]
