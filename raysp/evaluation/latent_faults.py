"""What can be wrong with latents and rates that scores do not show: measures that need no truth.

Each is of one model on evaluation trials. Thresholds, and what to do, stand beside the sentences that tell of them.
"""

from __future__ import annotations

import numpy as np

from raysp.errors import BadInput
from raysp.evaluation.r2 import r2_columns
from raysp.evaluation.ridge import fit_ridge

LEAST_TRIALS, FOLDS = 40, 5
PENALTIES = np.logspace(-3, 3, 13)


def variance_between_trials(latents: np.ndarray, recorded: np.ndarray | None = None) -> float:
    """Return the share of the variance of latents that is not the same in every trial.

    1 - variance of the mean over trials / variance over trials and bins, dimensions summed. 0 where every trial has
    the same trajectory, as when the posterior of a variational model has collapsed on its prior; 1 where nothing is
    shared.

    Args:
        latents: (trials, bins, dimensions).
        recorded: (trials, bins) False for bins that count for nothing; None where all count.

    Raises:
        BadInput: there are fewer than two trials, or latents never change.
    """
    values = np.asarray(latents, dtype=np.float64)
    if recorded is not None:
        values = np.where(recorded[..., None], values, np.nan)
    there = ~np.isnan(values[..., 0])
    values = values[:, there.sum(axis=0) > 1]
    if values.size == 0:
        raise BadInput("variance between trials expected two trials or more")
    between = np.nansum((values - np.nanmean(values, axis=0)) ** 2)
    whole = np.nansum((values - np.nanmean(values, axis=(0, 1))) ** 2)
    if whole <= 1e-12 * np.nansum(values**2):
        raise BadInput("latents never change")
    return float(between / whole)


def own_spike_gain(seen: np.ndarray, hidden: np.ndarray, counts: np.ndarray) -> float:
    """Return how many times as high a rate is where the model sees that bin's own spike.

    Rates of the same bins are compared, once with their counts in the input, once with them hidden. Where the count is
    above the hidden rate, seeing it raises a rate; where it is below, seeing it lowers it. The value is the ratio of
    the two geometric mean changes, so that what hiding does to all rates alike cancels. A model that learns nothing
    from a bin's own count has 1; one that copies counts has many times that.

    Args:
        seen: (entries,) expected spikes per bin, predicted with the counts in the input.
        hidden: (entries,) likewise without them.
        counts: (entries,) what was counted; NaN where unknown.

    Raises:
        BadInput: no count is above, or none below, the rate.
    """
    above, below = counts > hidden, counts < hidden
    if not above.any() or not below.any():
        raise BadInput("the gain of a bin's own spike expected hidden counts above and below the predicted rates")
    seen, hidden = (np.maximum(np.asarray(one, dtype=np.float64), 1e-9) for one in (seen, hidden))
    change = np.log(seen) - np.log(hidden)
    return float(np.exp(change[above].mean() - change[below].mean()))


def order_r2(values: np.ndarray, ids: np.ndarray, condition: np.ndarray | None = None, *, seed: int = 0) -> float:
    """Return R2 of the order in which trials were recorded, read by ridge regression from one vector for each.

    Cross-validated over five folds of trials, the penalty chosen inside each fit; below 0 where nothing is there.
    Where conditions are known, the order is that within each: a recording that takes them in blocks has the order of
    the blocks in whatever tells conditions apart. Of five conditions or more, all trials of one are in one fold: about
    their mean, those that a fit sees tell of those that it does not; of two trials, each mirrors the other.

    Args:
        values: (trials, dimensions), such as means over the bins of latents, or of counts.
        ids: (trials,) the recording's own numbers, by which trials are ordered.
        condition: (trials,) the condition of each, -1 for none; None where unknown.
        seed: of the folds.

    Raises:
        BadInput: there are fewer than 40 trials, or fewer that are not alone of their condition; they are not all
            numbered differently; or values never change.
    """
    if len(ids) < LEAST_TRIALS or len(np.unique(ids)) < len(ids):
        raise BadInput(f"the order of trials expected {LEAST_TRIALS} or more, each with a number of its own")
    place = np.argsort(np.argsort(ids)).astype(np.float64)[:, None]
    groups = np.zeros(len(ids), dtype=np.int64) if condition is None else np.unique(condition, return_inverse=True)[1]
    repeated = np.bincount(groups)[groups] > 1
    if repeated.sum() < LEAST_TRIALS:
        raise BadInput(f"the order of trials expected {LEAST_TRIALS} or more that share a condition with another")
    values, place, groups = values[repeated], place[repeated], groups[repeated]
    least = 1e-9 * np.abs(values).max(axis=0)
    values, place = (_within(groups, one) for one in (values, place))
    spread = values.std(axis=0)
    spread = np.where(spread > least, spread, 0.0)
    if not np.isfinite(values).all() or not (spread > 0).any():
        raise BadInput("the order of trials expected finite values that change from trial to trial of a condition")
    x = (values / np.where(spread > 0, spread, 1.0)).astype(np.float64)
    predicted = np.empty_like(place)
    for test in _folds(groups, seed):
        kept = np.setdiff1d(np.arange(len(groups)), test, assume_unique=True)
        # The ridge's own folds are contiguous rows.
        kept = np.concatenate([kept[one] for one in _folds(groups[kept], seed)])
        weights, intercept = fit_ridge(x[kept], place[kept], PENALTIES * len(kept), FOLDS)
        predicted[test] = x[test] @ weights + intercept
    return float(r2_columns(place, predicted)[0])


def _within(groups: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return (trials, columns) values less their group's mean."""
    sums = np.zeros((groups.max() + 1, values.shape[1]))
    np.add.at(sums, groups, values)
    # Numbers of groups may be left out, where nothing is summed.
    centred: np.ndarray = values - (sums / np.maximum(np.bincount(groups), 1)[:, None])[groups]
    return centred


def _folds(groups: np.ndarray, seed: int) -> list[np.ndarray]:
    """Return which trials are in each fold: whole groups, drawn in a random order; of few groups, trials."""
    own = groups if len(np.unique(groups)) >= FOLDS else np.arange(len(groups))
    drawn = np.random.default_rng(seed).permutation(np.unique(own))
    return [np.flatnonzero(np.isin(own, one)) for one in np.array_split(drawn, FOLDS)]
