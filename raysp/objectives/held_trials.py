"""Which penalty predicts trials best that were not fitted: cross-validation of Poisson regressions."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from raysp.objectives.poisson import MAX_LOG_RATE
from raysp.objectives.poisson_regression import SILENT, poisson_path
from raysp.objectives.sureness import believed

FOLDS = 4
PENALTIES = tuple(10.0**power for power in np.arange(6.0, -0.5, -0.75))
"""From one under which only the mean rate is left. Penalty times weights squared stands beside the log-likelihood of
all bins, summed: so said, what is right depends little on how many bins there are."""

ROWS, OUTPUTS, ENTRIES = 12_000, 16, 1e7
"""Bins and units that a choice looks at, at most, and their product with the inputs: more of them make it slow."""


@dataclass(frozen=True)
class Chosen:
    """A penalty, and how well it predicts.

    Attributes:
        loss: mean Poisson loss of trials not fitted, nats per entry; infinite where none can be set aside.
        penalty: on the summed log-likelihood; `poisson_regression`'s alpha is this over the number of bins.
        form: number of the form of the weights.
        weight: how far it is believed against the mean rate, see `sureness.believed`: few trials flatter some penalty.
    """

    loss: float
    penalty: float
    form: int = 0
    weight: float = 0.0


Fit = tuple[np.ndarray, np.ndarray]
"""Weights (features, outputs) and intercepts (outputs,)."""

Forms = Callable[[np.ndarray, np.ndarray, Fit], Sequence[Fit]]
"""Gives forms of a fit, each with fewer freedoms than the one before say, of inputs, counts and the fit."""


def as_fitted(inputs: np.ndarray, counts: np.ndarray, fit: Fit) -> Sequence[Fit]:
    """Return the one form of a fit that is itself."""
    return [fit]


def folds(trials: int, ids: np.ndarray | None = None) -> np.ndarray:
    """Return (trials,) numbers of the fold that each trial belongs to, at most `FOLDS`.

    Args:
        trials: how many.
        ids: (trials,) numbers of theirs: windows cut from one trial share its number, and so their fold.
    """
    own = np.arange(trials) if ids is None else np.unique(ids, return_inverse=True)[1]
    order = np.random.default_rng(0).permutation(own.max() + 1)
    return order[own] % min(FOLDS, own.max() + 1)


def best_penalty(inputs: np.ndarray, counts: np.ndarray, fold: np.ndarray, forms: Forms = as_fitted) -> Chosen:
    """Return the penalty, and the form of the weights, by which trials that were not fitted are predicted best.

    Args:
        inputs: (trials, bins, features) float64.
        counts: (trials, bins, outputs) counts; NaN where they are unknown.
        fold: (trials,) see `folds`.
        forms: of each fit; as many of every one.
    """
    taken, shown = spread(np.flatnonzero(np.nansum(counts, axis=(0, 1)) > 0), OUTPUTS), inputs.shape[2]
    rows = int(min(ROWS, ENTRIES / max(shown * len(taken), 1)))
    some = spread(np.arange(len(inputs)), max(rows // inputs.shape[1], 2 * FOLDS))
    inputs, counts, fold = inputs[some], counts[some][..., taken], fold[some]
    numbers = np.unique(fold)
    if len(numbers) < 2 or not len(taken) or not shown:
        return Chosen(math.inf, PENALTIES[0])
    parts = [(_flat(inputs, fold != one), _flat(counts, fold != one)) for one in numbers]
    asked = [(_flat(inputs, fold == one), _flat(counts, fold == one)) for one in numbers]
    paths = [poisson_path(x, y, [one / len(x) for one in PENALTIES]) for x, y in parts]
    best, log_rates = Chosen(math.inf, PENALTIES[0]), []
    for penalty, *found in zip(PENALTIES, *paths, strict=True):
        each = zip(*(forms(*part, fit) for part, fit in zip(parts, found, strict=True)), strict=True)
        predicted = [[x @ weights + bias for (x, _), (weights, bias) in zip(asked, fits, strict=True)] for fits in each]
        losses = [_loss(one, asked) for one in predicted]
        if min(losses) >= best.loss:
            break
        best = Chosen(min(losses), penalty, losses.index(min(losses)))
        log_rates = predicted[best.form]
    return dataclasses.replace(best, weight=_weight(log_rates, parts, asked, inputs.shape[1]))


def climbed(loss: Callable[[float], float], start: float, factor: float, least: float, most: float) -> float:
    """Return a value with no better neighbour: from `start`, steps by `factor` go on while the loss falls.

    Args:
        loss: of a value > 0.
        start: between `least` and `most`, which end the search.
        factor: > 1.
    """
    best, at = loss(start), start
    for step in (factor, 1.0 / factor):
        moved = at
        while least <= (moved := moved * step) <= most and (found := loss(moved)) < best:
            best, at = found, moved
        if at != start:
            break
    return at


def _flat(arrays: np.ndarray, trials: np.ndarray) -> np.ndarray:
    return arrays[trials].reshape(-1, arrays.shape[2])


def spread(values: np.ndarray, most: int) -> np.ndarray:
    """Return at most so many values, from the first to the last."""
    return values if len(values) <= most else values[np.linspace(0, len(values) - 1, most).round().astype(int)]


def drawn(inputs: np.ndarray, counts: np.ndarray, fit: Fit, weight: float) -> Fit:
    """Return a fit drawn towards the mean rates: log rates vary by a share, and each output keeps its spikes.

    Args:
        inputs: (rows, features) that were fitted.
        counts: (rows, outputs), NaN where unknown.
        fit: weights and intercepts.
        weight: 1 leaves it as it is.
    """
    if weight == 1.0:
        return fit
    weights, known = weight * fit[0], ~np.isnan(counts)
    expected = np.exp(np.minimum(inputs @ weights, MAX_LOG_RATE)).sum(axis=0, where=known)
    total = np.nansum(counts, axis=0)
    with np.errstate(divide="ignore"):
        return weights, np.where(total > 0, np.log(total / expected), fit[1])


def _weight(
    log_rates: Sequence[np.ndarray],
    parts: Sequence[tuple[np.ndarray, np.ndarray]],
    asked: Sequence[tuple[np.ndarray, np.ndarray]],
    bins: int,
) -> float:
    """Return how far log rates of trials that were not fitted are believed against the mean rates of the others."""
    if not log_rates:
        return 0.0

    def differences(weight: float) -> tuple[np.ndarray, float]:
        each, variance = [], 0.0
        for predicted, (_, fitted), (_, counts) in zip(log_rates, parts, asked, strict=True):
            rows = np.maximum((~np.isnan(fitted)).sum(axis=0), 1)
            mean = np.log(np.maximum(np.nansum(fitted, axis=0) / rows, SILENT))
            ratio, rate = weight * (np.minimum(predicted, MAX_LOG_RATE) - mean), np.exp(mean)
            losses = np.exp(mean + ratio) - rate - counts * ratio
            each.append(np.nansum(losses.reshape(-1, bins * len(mean)), axis=1))
            variance += float(np.nansum(rate * ratio**2 + 0.0 * counts))
        return np.concatenate(each), math.sqrt(variance)

    return believed(differences)


def _loss(log_rates: Sequence[np.ndarray], asked: Sequence[tuple[np.ndarray, np.ndarray]]) -> float:
    total = known = 0.0
    for predicted, (_, counts) in zip(log_rates, asked, strict=True):
        held = np.minimum(predicted, MAX_LOG_RATE)
        total += np.nansum(np.exp(held) * (1.0 + predicted - held) + 0.0 * counts - counts * predicted)
        known += np.count_nonzero(~np.isnan(counts))
    return total / max(known, 1.0)
