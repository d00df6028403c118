"""The measures of two spike trains as they are defined, one width at a time: what the fast forms are held against."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d


def smoothed(train, width, mode):
    train = np.asarray(train, dtype=np.float64)
    return gaussian_filter1d(train, width, mode=mode, truncate=4.0) if width > 0 else train


def schreiber(true, predicted, width):
    first, second = (smoothed(train, width, "constant") for train in (true, predicted))
    size = np.linalg.norm(first) * np.linalg.norm(second)
    return first @ second / size if size > 0 else 0.0


def smoothed_pearson(true, predicted, width):
    """Return r, and how far rounding moves it: smoothed trains are known to 16 digits of their mean."""
    if np.ptp(true) == 0 or np.ptp(predicted) == 0:
        return 0.0, 0.0
    first, second = (smoothed(train, width, "reflect") for train in (true, predicted))
    level = max(x.mean() / x.std() for x in (first, second))
    first, second = first - first.mean(), second - second.mean()
    return first @ second / np.linalg.norm(first) / np.linalg.norm(second), 1e-14 * level


def van_rossum(true, predicted, width):
    t = max(width, 0.25)
    kernel = np.exp(-np.arange(1001) / t)
    first, second = (np.convolve(train, kernel)[: len(train)] for train in (true, predicted))
    return np.sqrt(2.0 / t * np.sum((first - second) ** 2))


def random_train(rng, bins, density, at_ends):
    """Return (bins,) counts: `density` expected spikes per bin, and one more in the first and the last bin."""
    train = rng.poisson(density, bins)
    if at_ends:
        train[[0, -1]] += 1
    return train
