"""Few-shot co-smoothing: can units be read from a model's latents after only a few trials?

High co-bps does not rule out latents full of dynamics that the recording has not. Such latents cost trials: a readout
to held-out units that is fitted anew on a few trials has to find its way among them (Dabholkar & Barak 2025, PLOS
Computational Biology 21(12) e1013789).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from raysp.errors import BadInput
from raysp.evaluation.bits_per_spike import bits_per_spike
from raysp.objectives.poisson_regression import poisson_path, poisson_regression

SPREADS = (0.05, 0.15, 0.5, 1.5, 5.0)
"""What a readout's log rates may vary by before counts are seen, standard deviations; the narrowest first."""

FOLDS, WITHOUT_FOLDS = 4, 3
"""Folds of the trials of a draw, among which the spread is chosen; and how many spreads go where there is one trial."""

LEAST_TRIALS, MOST_SHOTS = 8, 128
AT_ONCE, DRAWS, FITTED, LEAST_DRAWS = 100, 20, 160, 3
"""Evaluation trials that are predicted at a time; draws of few trials; trials that are fitted for one number of shots,
over all draws; and draws of many trials."""


def few_shot_bits_per_spike(
    train_latents: np.ndarray,
    train_heldout: np.ndarray,
    eval_latents: np.ndarray,
    eval_heldout: np.ndarray,
    *,
    shots: int,
    draws: int = 10,
    penalty: float | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Return co-bps of readouts fitted anew to `shots` training trials, one value for each random draw of trials.

    The readout is a Poisson regression per unit with exponential link. Latents are centred and scaled as a whole, by
    one number, so that rotating them changes nothing. With every training trial for shots it is a linear-exponential
    co-smoothing. Values are comparable between models only for the same shots.

    Args:
        train_latents: (training trials, bins, dimensions), inferred from held-in units alone.
        train_heldout: (training trials, bins, held-out) counts; NaN where unobserved.
        eval_latents: (evaluation trials, bins, dimensions), likewise.
        eval_heldout: (evaluation trials, bins, held-out) counts.
        shots: training trials per fit.
        draws: random choices of so many trials, without replacement within a draw.
        penalty: L2 on the weights, against the mean deviance per bin (scikit-learn's alpha). By default it is chosen
            for each draw, by cross-validation among its trials alone.
        seed: of the draws: the same for every model that is to be compared.

    Returns:
        (draws,) bits per spike over the evaluation trials.

    Raises:
        BadInput: shapes do not fit, latents are not finite, or there are not so many trials.
    """
    train, evaluation = _checked(train_latents, train_heldout, eval_latents, eval_heldout)
    _check(len(train), shots, draws, penalty)
    counts, found = np.asarray(train_heldout), []
    scaled = _Scaling.of(train, ~np.isnan(counts).all(axis=2))
    for chosen in _chosen(len(train), shots, draws, seed):
        weights, intercepts, y = _readout(scaled(train[chosen]), counts[chosen].astype(np.float64), penalty)
        # A few trials at a time in float64.
        parts = np.array_split(evaluation, -(-len(evaluation) // AT_ONCE))
        rates = [_rates(weights, intercepts, scaled(part), y) for part in parts]
        found.append(bits_per_spike(np.concatenate(rates), eval_heldout))
    return np.array(found)


def mean_rate_bits_per_spike(
    train_heldout: np.ndarray, eval_heldout: np.ndarray, *, shots: int, draws: int = 10, seed: int = 0
) -> np.ndarray:
    """Return what mean counts of the same trials come to: the floor of `few_shot_bits_per_spike`, (draws,).

    Arguments and errors as there.
    """
    counts = np.asarray(train_heldout, dtype=np.float64)
    _check(len(counts), shots, draws, None)
    found = []
    for chosen in _chosen(len(counts), shots, draws, seed):
        rows = counts[chosen].reshape(-1, counts.shape[2])
        seen = np.maximum((~np.isnan(rows)).sum(axis=0), 1)
        rates = np.maximum(np.nansum(rows, axis=0), 0.5) / seen
        found.append(bits_per_spike(np.broadcast_to(rates, np.shape(eval_heldout)), eval_heldout))
    return np.array(found)


def grid_of_shots(trials: int) -> tuple[int, ...]:
    """Return the numbers of shots worth asking of so many training trials: powers of 2 from 4 on, 128 at most.

    Raises:
        BadInput: there are too few trials for any.

    >>> grid_of_shots(70)
    (4, 8, 16, 32, 64)
    """
    if trials < LEAST_TRIALS:
        raise BadInput(f"few-shot co-smoothing expected {LEAST_TRIALS} or more training trials, got {trials}")
    return tuple(2**power for power in range(2, 8) if 2**power <= min(trials, MOST_SHOTS))


def draws_of(shots: int, most: int = DRAWS) -> int:
    """Return how many draws there are of so many trials: fewer of many, which cost more and differ less.

    >>> draws_of(4), draws_of(32)
    (20, 5)
    """
    return min(most, max(FITTED // shots, LEAST_DRAWS))


def _chosen(trials: int, shots: int, draws: int, seed: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        yield rng.choice(trials, shots, replace=False)


def _check(trials: int, shots: int, draws: int, penalty: float | None) -> None:
    if not 1 <= shots <= trials or draws < 1 or (penalty is not None and not penalty > 0):
        raise BadInput(
            f"few-shot co-smoothing expected 1 to {trials} shots, draws >= 1 and a penalty > 0 or none, "
            f"got {shots}, {draws} and {penalty}"
        )


def _readout(
    latents: np.ndarray, counts: np.ndarray, penalty: float | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return weights and intercepts of regressions fitted to the chosen trials, and the counts as rows."""
    x, y = _observed(latents, counts)
    if penalty is not None:
        return *poisson_regression(x, y, penalty), y
    *_, fit = poisson_path(x, y, _alphas(x)[: _best(latents, counts)])
    return *fit, y


def _best(latents: np.ndarray, counts: np.ndarray) -> int:
    """Return how many penalties, the largest first, are gone through to the one that predicts left-out trials."""
    folds = min(len(latents), FOLDS)
    if folds < 2:
        return WITHOUT_FOLDS
    total = np.zeros(len(SPREADS))
    for left_out in np.array_split(np.arange(len(latents)), folds):
        kept = np.delete(np.arange(len(latents)), left_out)
        x, y = _observed(latents[kept], counts[kept])
        asked, known = _rows(latents[left_out]), _rows(counts[left_out])
        seen = ~np.isnan(known)
        for place, fit in enumerate(poisson_path(x, y, _alphas(x))):
            rates = _rates(*fit, asked, y)
            total[place] += (np.where(seen, known, 0) * np.log(rates) - rates)[seen].sum()
    return 1 + int(np.argmax(total))


def _alphas(x: np.ndarray) -> list[float]:
    # Of weights whose prior lets log rates vary by so much, inputs having a mean variance of 1.
    return [x.shape[1] / (spread**2 * len(x)) for spread in SPREADS]


def _rates(weights: np.ndarray, intercepts: np.ndarray, rows: np.ndarray, counts: np.ndarray) -> np.ndarray:
    seen = np.maximum((~np.isnan(counts)).sum(axis=0), 1)
    most = np.where(np.isnan(counts), 0.0, counts).max(axis=0)
    # No further than the largest count seen: exp() of latents outside the few trials' range would rule the score.
    rates = np.minimum(np.exp(np.minimum(rows @ weights + intercepts, 50.0)), most)
    # A silent unit has no finite fit: half a spike in what was seen keeps its later spikes from costing all.
    return np.maximum(np.where(most > 0, rates, 0.5 / seen), 1e-9)


def _observed(latents: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of latents and of counts, those in which some count is known."""
    x, y = _rows(latents), _rows(counts)
    seen = ~np.isnan(y).all(axis=1)
    return x[seen], y[seen]


def _rows(array: np.ndarray) -> np.ndarray:
    return array.reshape(-1, array.shape[-1])


def _checked(
    train_latents: np.ndarray, train_heldout: np.ndarray, eval_latents: np.ndarray, eval_heldout: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    train, evaluation = (np.asarray(x) for x in (train_latents, eval_latents))
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
    return train, evaluation


@dataclass(frozen=True)
class _Scaling:
    """Mean and common scale of training latents; float64 of the trials at hand alone, which memory has room for."""

    mean: np.ndarray
    scale: float

    @classmethod
    def of(cls, train: np.ndarray, there: np.ndarray) -> _Scaling:
        """Return those of the bins that are there, (trials, bins)."""
        mean = train.mean(axis=(0, 1), dtype=np.float64, where=there[..., None])
        power = sum(((trial[seen] - mean) ** 2).sum() for trial, seen in zip(train, there, strict=True))
        return cls(mean, float(np.sqrt(power / max(there.sum() * train.shape[2], 1))) or 1.0)

    def __call__(self, latents: np.ndarray) -> np.ndarray:
        return np.asarray((latents - self.mean) / self.scale)
