"""Few-shot co-smoothing: can new units be read from a model's latents after only a few trials?

High co-bps does not rule out latents full of dynamics that the recording has not. Such latents cost trials: a readout
to held-out units that is fitted anew on a few trials has to find its way among them (Dabholkar & Barak 2025, PLOS
Computational Biology 21(12) e1013789).
"""

from __future__ import annotations

import numpy as np

from raysp.errors import BadInput
from raysp.evaluation.bits_per_spike import bits_per_spike


def few_shot_bits_per_spike(
    train_latents: np.ndarray,
    train_heldout: np.ndarray,
    eval_latents: np.ndarray,
    eval_heldout: np.ndarray,
    *,
    shots: int,
    draws: int = 10,
    penalty: float = 1e-3,
    seed: int = 0,
) -> np.ndarray:
    """Return co-bps of readouts fitted anew to `shots` training trials, one value for each random draw of trials.

    The readout is a Poisson regression per unit with exponential link, from latents that are standardised over all
    training trials; the latents stay as they are. With every training trial for shots it is a linear-exponential
    co-smoothing. Values are comparable between models only for the same shots and penalty.

    Args:
        train_latents: (training trials, bins, dimensions), inferred from held-in units alone.
        train_heldout: (training trials, bins, held-out) counts; NaN where unobserved.
        eval_latents: (evaluation trials, bins, dimensions), likewise.
        eval_heldout: (evaluation trials, bins, held-out) counts.
        shots: training trials per fit.
        draws: random choices of so many trials, without replacement within a draw.
        penalty: L2 on the weights, against the mean deviance per bin (scikit-learn's alpha).
        seed: of the draws: the same for every model that is to be compared.

    Returns:
        (draws,) bits per spike over the evaluation trials.

    Raises:
        BadInput: shapes do not fit, latents are not finite, or there are not so many trials.
    """
    train, evaluation = _standardised(train_latents, train_heldout, eval_latents, eval_heldout)
    if not 1 <= shots <= len(train) or draws < 1 or penalty < 0:
        raise BadInput(
            f"few-shot co-smoothing expected 1 to {len(train)} shots, draws >= 1 and a penalty >= 0, "
            f"got {shots}, {draws} and {penalty}"
        )
    rng = np.random.default_rng(seed)
    scores = []
    for _ in range(draws):
        chosen = rng.choice(len(train), shots, replace=False)
        rates = _readout(train[chosen], np.asarray(train_heldout)[chosen], evaluation, penalty)
        scores.append(bits_per_spike(rates, eval_heldout))
    return np.array(scores)


def _readout(latents: np.ndarray, counts: np.ndarray, evaluation: np.ndarray, penalty: float) -> np.ndarray:
    """Return (evaluation trials, bins, units) rates of regressions fitted to the chosen trials."""
    from sklearn.linear_model import PoissonRegressor

    x = latents.reshape(-1, latents.shape[-1])
    rows = evaluation.reshape(-1, evaluation.shape[-1])
    rates = np.empty((len(rows), counts.shape[-1]))
    for unit, y in enumerate(counts.reshape(len(x), -1).T.astype(np.float64)):
        seen = ~np.isnan(y)
        if y[seen].sum() == 0:
            # A silent unit has no finite fit: half a spike in what was seen keeps its later spikes from costing all.
            rates[:, unit] = 0.5 / max(seen.sum(), 1)
            continue
        fit = PoissonRegressor(alpha=penalty, solver="newton-cholesky", max_iter=200).fit(x[seen], y[seen])
        # No further than the largest count seen: exp() of latents outside the few trials' range would rule the score.
        rates[:, unit] = np.minimum(fit.predict(rows), y[seen].max())
    return rates.reshape(*evaluation.shape[:2], -1)


def _standardised(
    train_latents: np.ndarray, train_heldout: np.ndarray, eval_latents: np.ndarray, eval_heldout: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    train, evaluation = (np.asarray(x, dtype=np.float64) for x in (train_latents, eval_latents))
    for part, latents, counts in (("training", train, train_heldout), ("evaluation", evaluation, eval_heldout)):
        if latents.ndim != 3 or np.ndim(counts) != 3 or latents.shape[:2] != np.shape(counts)[:2]:
            raise BadInput(
                f"few-shot co-smoothing, {part}: expected latents (trials, bins, dimensions) and held-out counts "
                f"(trials, bins, held-out), got {latents.shape} and {np.shape(counts)}"
            )
        if not np.isfinite(latents).all():
            raise BadInput(f"few-shot co-smoothing, {part}: expected finite latents, got NaN or infinity")
    if train.shape[2] != evaluation.shape[2] or np.shape(train_heldout)[2] != np.shape(eval_heldout)[2]:
        raise BadInput(
            "few-shot co-smoothing expected the same dimensions and units in training and evaluation, "
            f"got latents {train.shape} and {evaluation.shape}"
        )
    mean, sd = train.mean(axis=(0, 1)), train.std(axis=(0, 1))
    sd = np.where(sd > 0, sd, 1.0)
    return (train - mean) / sd, (evaluation - mean) / sd
