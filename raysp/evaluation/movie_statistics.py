"""Statistics of repeated spikes: what repeats have in common (signal), and what each has of its own (noise)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Covariances:
    """Covariances of spikes of units i at t and j at t - lag, (lags, units, units) each, corrected for few repeats.

    Attributes:
        total: over repeats and times.
        noise: of what is left without the mean over repeats.
    """

    total: np.ndarray
    noise: np.ndarray

    @property
    def signal(self) -> np.ndarray:
        """Of the mean over repeats, without what chance puts into it."""
        return self.total - self.noise

    def correlations(self, which: str) -> np.ndarray:
        """Return `total`, `noise` or `signal` covariances over the total standard deviations; NaN of a silent unit."""
        spread = np.sqrt(np.diagonal(self.total[0]))
        with np.errstate(invalid="ignore", divide="ignore"):
            return getattr(self, which) / np.outer(spread, spread)


def lagged(one: np.ndarray, other: np.ndarray, lags: int) -> np.ndarray:
    """Return (lags, units, units) means over trials and times of one's i at t times the other's j at t - lag, circular.

    >>> lagged(np.array([[[1.0], [0.0]]]), np.array([[[0.0], [1.0]]]), 2).ravel().tolist()
    [0.0, 0.5]
    """
    trials, times, units = one.shape
    flat = one.reshape(-1, units).T
    return np.stack([flat @ np.roll(other, lag, 1).reshape(-1, units) for lag in range(lags)]) / (trials * times)


def mean_rates(movies: Sequence[np.ndarray]) -> np.ndarray:
    """Return the (units,) means of (repeats, bins, units) of movies, each weighed by its length, however often shown.

    >>> mean_rates([np.ones((1, 2, 1)), np.zeros((6, 2, 1))]).tolist()
    [0.5]
    """
    return np.concatenate([one.mean(axis=0) for one in movies]).mean(axis=0)


def covariances(movies: Sequence[np.ndarray], lags: int) -> Covariances:
    """Return the covariances of repeats of movies, each movie weighed by its length.

    Args:
        movies: (repeats, bins, units) spikes of each, two repeats or more.
        lags: how many, the first of which is 0.
    """
    total, noise = 0.0, 0.0
    lengths, overall = [one.shape[1] for one in movies], mean_rates(movies)
    for spikes, length in zip(movies, lengths, strict=True):
        repeats, weight = len(spikes), length / sum(lengths)
        around, own = spikes - overall, spikes - spikes.mean(axis=0)
        total = total + weight * lagged(around, around, lags)
        # The mean of few repeats takes a share of what is each one's own.
        noise = noise + weight * lagged(own, own, lags) * repeats / (repeats - 1)
    return Covariances(np.asarray(total), np.asarray(noise))


def pairs(values: np.ndarray) -> np.ndarray:
    """Return the entries of pairs of units: of lag 0, (units, units), each once; of later lags in either order.

    >>> pairs(np.arange(4).reshape(2, 2)).tolist(), pairs(np.arange(4).reshape(1, 2, 2)).tolist()
    ([2], [1, 2])
    """
    units = values.shape[-1]
    once, apart = np.tril(np.ones((units, units), bool), -1), ~np.eye(units, dtype=bool)
    return values[once] if values.ndim == 2 else values[:, apart].ravel()


def shuffled(spikes: np.ndarray) -> np.ndarray:
    """Return (repeats, bins, units) spikes with each unit's repeats in a random order of its own, always the same.

    >>> shuffled(np.arange(4.0).reshape(4, 1, 1)).ravel().tolist()
    [2.0, 0.0, 1.0, 3.0]
    """
    rng = np.random.default_rng(0)
    return np.stack([one[rng.permutation(len(one))] for one in np.moveaxis(spikes, 2, 0)], axis=2)


def r2(recorded: np.ndarray, predicted: np.ndarray) -> float:
    """Return the share of the recorded variance over entries that is predicted; NaN where there is none."""
    spread = ((recorded - recorded.mean()) ** 2).sum()
    return float(1 - ((recorded - predicted) ** 2).sum() / spread) if spread > 0 else np.nan


def pearson(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return Pearson's r along the first axis; NaN where one side does not vary."""
    one, other = (np.asarray(each, np.float64) for each in (one, other))
    one, other = one - one.mean(axis=0), other - other.mean(axis=0)
    norms = np.sqrt((one**2).sum(axis=0) * (other**2).sum(axis=0))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(norms > 1e-12, (one * other).sum(axis=0) / norms, np.nan)
