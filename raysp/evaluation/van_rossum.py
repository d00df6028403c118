"""Van Rossum distance: how far apart two spike trains are once each spike is a decaying exponential."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from raysp.evaluation.spike_smoothing import Kernels, checked, inner_products

SHORTEST = 0.25
"""Smallest time constant, bins: a spike is known to the bin only."""
REACH = 1000
"""The kernel ends so many bins after its spike."""


def van_rossum(true: np.ndarray, predicted: np.ndarray, bin_ms: float, taus_ms: np.ndarray) -> np.ndarray:
    """Return the van Rossum distance at each time constant.

    D = sqrt(2 / t sum (c_true - c_predicted)^2), where c is a train convolved with exp(-k / t), k = 0 to 1000 bins, and
    t = max(tau / bin_ms, 0.25): the distance of van Rossum (2001, Neural Computation) as the spike distance of Doran et
    al. 2024 is judged by it. One spike against none is a little more than 1, as bins are counted and not integrated
    over; at tau 0 it is sqrt(8).

    Args:
        true: (bins,) spikes per bin.
        predicted: (bins,) spikes per bin.
        bin_ms: width of a bin, ms.
        taus_ms: (taus,) time constants, ms.

    Returns:
        (taus,) float64, >= 0.

    Raises:
        BadInput: see `spike_smoothing.checked`.
    """
    trains, widths = checked(true, predicted, bin_ms, taus_ms)
    widths = np.maximum(widths, SHORTEST)
    squared = inner_products(trains[:1] - trains[1:], exponential_kernels(tuple(widths)))[:, 0, 0]
    return np.sqrt(2.0 / widths * np.maximum(squared, 0.0))


@lru_cache(maxsize=4)
def exponential_kernels(widths: tuple[float, ...]) -> Kernels:
    """Return the exponentials of these time constants (bins), each cut 1000 bins after its spike."""
    t = np.array(widths)[:, None]
    bins = np.arange(REACH + 1)
    # A geometric series of exp(-2 / t), over the bins where a kernel and its shifted copy overlap.
    by_lag = np.exp(-bins / t) * np.expm1(-2.0 * (REACH + 1 - bins) / t) / np.expm1(-2.0 / t)
    return Kernels(by_lag, np.exp(-bins[1:] / t), both_sides=False)
