"""Inner products of smoothed spike trains, for many kernel widths at once and without smoothing anything.

The sum over bins of two smoothed trains' product is a sum over pairs of spikes: each pair adds the kernel's
autocorrelation at the lag between its two spikes. So pairs are counted by lag once, and each width of the kernel is
one weighted sum of these counts. Both are exact; what kernels would add beyond a recording's ends is taken off again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import fft

from raysp.errors import BadInput

LONGEST = 1000.0
"""Widest kernel, bins. The van Rossum kernel ends there, so wider ones would be other measures."""


@dataclass(frozen=True)
class Kernels:
    """What the inner products need to know of a kernel, for each of its widths.

    Attributes:
        by_lag: (widths, lags + 1) sum over bins of the kernel times itself shifted by 0, 1, ... bins.
        tails: (widths, reach) the kernel 1, 2, ... bins away from its spike, on a side where it does not end.
        both_sides: it reaches before the spike as far as behind it, otherwise only behind it.
    """

    by_lag: np.ndarray
    tails: np.ndarray
    both_sides: bool

    @property
    def lags(self) -> int:
        """Largest lag at which two kernels still overlap, bins."""
        return self.by_lag.shape[1] - 1


def checked(
    true: np.ndarray, predicted: np.ndarray, bin_ms: float, sigmas_ms: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Check two spike trains and the widths they are smoothed with.

    Args:
        true: (bins,) spikes per bin.
        predicted: (bins,) spikes per bin.
        bin_ms: width of a bin, ms.
        sigmas_ms: (sigmas,) widths of the kernel, ms.

    Returns:
        (2, bins) float64 counts, true before predicted; (sigmas,) float64 widths in bins.

    Raises:
        BadInput: lengths differ, there is no bin, a count is negative, fractional or not finite, a bin has no width,
            or a kernel's width is negative, not finite or above 1000 bins.
    """
    trains = [_checked_counts(train, name) for train, name in ((true, "true"), (predicted, "predicted"))]
    if len(trains[0]) != len(trains[1]):
        raise BadInput(
            f"spike trains expected as many predicted as true bins, got {len(trains[1])} and {len(trains[0])}: "
            "cut both to the bins that were predicted"
        )
    if not 0 < bin_ms < np.inf:
        raise BadInput(f"bin_ms expected a width > 0 ms, got {bin_ms}")
    widths = np.asarray(sigmas_ms, dtype=np.float64) / bin_ms
    if widths.ndim != 1 or widths.size == 0:
        raise BadInput(f"sigmas_ms expected a list of widths in ms, got an array of shape {widths.shape}")
    if not ((widths >= 0) & (widths <= LONGEST)).all():
        raise BadInput(
            f"sigmas_ms expected widths from 0 to {LONGEST * bin_ms:g} ms ({LONGEST:g} bins), got "
            f"{np.min(sigmas_ms)} to {np.max(sigmas_ms)}: give them in ms, and bin_ms too"
        )
    return np.stack(trains), widths


def _checked_counts(train: np.ndarray, name: str) -> np.ndarray:
    counts = np.asarray(train)
    whole = counts.dtype.kind in "bui"
    counts = counts.astype(np.float64)
    if counts.ndim != 1 or counts.size == 0:
        raise BadInput(f"{name} spikes expected counts of shape (bins,), at least one bin, got shape {counts.shape}")
    if not (counts.min() >= 0 and counts.max() < np.inf and (whole or (counts == np.rint(counts)).all())):
        raise BadInput(
            f"{name} spikes expected whole counts >= 0, got values from {counts.min()} to {counts.max()} or fractions: "
            "give spikes per bin, not rates"
        )
    return counts


def gaussian(width: float) -> np.ndarray:
    """Return a Gaussian cut at 4 standard deviations, with sum 1: the weights of SciPy's Gaussian filter.

    Args:
        width: standard deviation, bins; 0 for no smoothing.

    Returns:
        (2 radius + 1,) weights, radius = int(4 width + 0.5) bins.
    """
    radius = int(4.0 * width + 0.5)
    if radius == 0:
        return np.ones(1)
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / width) ** 2)
    return kernel / kernel.sum()


@lru_cache(maxsize=4)
def gaussian_kernels(widths: tuple[float, ...]) -> Kernels:
    """Return the Gaussians of these standard deviations (bins), each cut at 4 of its own."""
    kernels = [gaussian(width) for width in widths]
    reach = max(len(kernel) // 2 for kernel in kernels)
    by_lag, tails = np.zeros((len(kernels), 2 * reach + 1)), np.zeros((len(kernels), reach))
    for row, kernel in enumerate(kernels):
        by_lag[row, : len(kernel)] = np.correlate(kernel, kernel, "full")[len(kernel) - 1 :]
        tails[row, : len(kernel) // 2] = kernel[len(kernel) // 2 + 1 :]
    return Kernels(by_lag, tails, both_sides=True)


def pairs_by_lag(trains: np.ndarray, lags: int, mirrored: bool = False) -> np.ndarray:
    """Count pairs of spikes, one of each train, by the bins between them.

    Args:
        trains: (trains, bins) spikes per bin.
        lags: largest lag, bins.
        mirrored: the second train goes on beyond its ends as its mirror image (its last bin comes twice), otherwise
            there are no spikes beyond them.

    Returns:
        (lags + 1, trains, trains) pairs at lag 0, 1, ..., whichever spike is first.
    """
    count, bins = trains.shape
    size = fft.next_fast_len(bins + 2 * lags, real=True)
    firsts = seconds = fft.rfft(trains, size)
    places = np.arange(-lags, lags + 1)
    if mirrored:
        seconds = fft.rfft(np.pad(trains, ((0, 0), (lags, lags)), mode="symmetric"), size)
        places += lags
    pairs = np.zeros((lags + 1, count, count))
    for i in range(count):
        for j in range(i, count):
            # Numbers of pairs are whole numbers: rounding takes the transform's error away.
            at = np.rint(fft.irfft(np.conj(firsts[i]) * seconds[j], size)[places])
            pairs[:, i, j] = at[lags:]
            pairs[1:, i, j] += at[:lags][::-1]
            pairs[:, j, i] = pairs[:, i, j]
    return pairs


def inner_products(trains: np.ndarray, kernels: Kernels) -> np.ndarray:
    """Return sums over bins of each smoothed train times each, without spikes beyond the ends.

    Args:
        trains: (trains, bins) spikes per bin, or differences of such.
        kernels: what they are smoothed with.

    Returns:
        (widths, trains, trains).
    """
    products = np.tensordot(kernels.by_lag, pairs_by_lag(trains, kernels.lags), axes=1)
    for ordered in (trains[:, ::-1], trains) if kernels.both_sides else (trains[:, ::-1],):
        outside = _beyond(ordered[:, : kernels.tails.shape[1]], kernels.tails)
        products -= np.einsum("iwb,jwb->wij", outside, outside)
    return products


def _beyond(edges: np.ndarray, tails: np.ndarray) -> np.ndarray:
    """Return the smoothed trains in the bins beyond an end: (trains, widths, reach), both nearest to the end first."""
    outside = np.zeros((len(edges), *tails.shape))
    # Spike by spike and not by a transform: what is zero must be so, for trains whose kernels do not meet.
    for train, away in zip(*np.nonzero(edges), strict=True):
        outside[train, :, : tails.shape[1] - away] += edges[train, away] * tails[:, away:]
    return outside


def cosine(products: np.ndarray) -> np.ndarray:
    """Return the cosine between two trains from their inner products; 0 where either has no length.

    Args:
        products: (widths, 2, 2), of each with each.

    Returns:
        (widths,).
    """
    size = np.sqrt(products[:, 0, 0]) * np.sqrt(products[:, 1, 1])
    return np.clip(np.divide(products[:, 0, 1], size, out=np.zeros(len(size)), where=size > 0), -1.0, 1.0)
