"""Pearson correlation of two spike trains once each spike is a Gaussian, the trains mirrored at their ends."""

from __future__ import annotations

import numpy as np
from scipy import fft

from raysp.evaluation.spike_smoothing import checked, cosine, gaussian, gaussian_kernels, pairs_by_lag

NEARLY_CONSTANT = 1e-3
"""Variance over squared mean below which the difference of two large sums has lost more than three digits."""
CONSTANT = 1e-26
"""Variance over squared mean that rounding alone makes."""


def smoothed_pearson(true: np.ndarray, predicted: np.ndarray, bin_ms: float, sigmas_ms: np.ndarray) -> np.ndarray:
    """Return the Pearson correlation of the two smoothed trains at each width.

    Gaussians are cut at 4 standard deviations. Both trains go on beyond their ends as their mirror image, so that
    smoothing keeps their means (one of the measures by which the spike distance of Doran et al. 2024 is judged).

    Args:
        true: (bins,) spikes per bin.
        predicted: (bins,) spikes per bin.
        bin_ms: width of a bin, ms.
        sigmas_ms: (sigmas,) standard deviations, ms; 0 for no smoothing.

    Returns:
        (sigmas,) float64, -1 to 1; 0 where either smoothed train is constant.

    Raises:
        BadInput: see `spike_smoothing.checked`.
    """
    trains, widths = checked(true, predicted, bin_ms, sigmas_ms)
    if (trains == trains[:, :1]).all(axis=1).any():
        return np.zeros(len(widths))
    kernels = gaussian_kernels(tuple(widths))
    total = trains.sum(axis=1)
    level = np.outer(total, total) / trains.shape[1]
    covariance = np.tensordot(kernels.by_lag, pairs_by_lag(trains, kernels.lags, mirrored=True), axes=1) - level
    nearly = (covariance.diagonal(axis1=1, axis2=2) < NEARLY_CONSTANT * level.diagonal()).any(axis=1)
    if nearly.any():
        covariance[nearly] = _covariance_by_frequency(trains, widths[nearly])
        constant = (covariance.diagonal(axis1=1, axis2=2) < CONSTANT * level.diagonal()).any(axis=1)
        covariance[constant] = 0.0
    return cosine(covariance)


def _covariance_by_frequency(trains: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Return (widths, 2, 2) sums over bins of products of the smoothed trains less their means.

    Smoothing a mirrored train multiplies its cosine transform (type II) by that of the kernel, so that nothing large
    is subtracted. It costs a transform of the recording's length for each width.
    """
    bins = trains.shape[1]
    spectra = fft.dct(trains - trains.mean(axis=1, keepdims=True), norm="ortho")[:, 1:]
    covariance = np.empty((len(widths), 2, 2))
    for row, width in enumerate(widths):
        kernel = gaussian(width)
        places = (np.arange(len(kernel)) - len(kernel) // 2) % (2 * bins)
        gain = fft.rfft(np.bincount(places, weights=kernel, minlength=2 * bins)).real[1:bins]
        smoothed = spectra * gain
        covariance[row] = smoothed @ smoothed.T
    return covariance
