"""Schreiber similarity: how alike two spike trains are once each spike is a Gaussian."""

from __future__ import annotations

import numpy as np

from raysp.evaluation.spike_smoothing import checked, cosine, gaussian_kernels, inner_products


def schreiber(true: np.ndarray, predicted: np.ndarray, bin_ms: float, sigmas_ms: np.ndarray) -> np.ndarray:
    """Return the Schreiber similarity at each width: the cosine between the two smoothed trains.

    The measure is that of Schreiber et al. (2003, Neurocomputing), as the spike distance of Doran et al. 2024 is
    judged by it: Gaussians cut at 4 standard deviations, no spikes beyond the ends.

    Args:
        true: (bins,) spikes per bin.
        predicted: (bins,) spikes per bin.
        bin_ms: width of a bin, ms.
        sigmas_ms: (sigmas,) standard deviations, ms; 0 for no smoothing.

    Returns:
        (sigmas,) float64, 0 to 1; 0 where either train has no spike.

    Raises:
        BadInput: see `spike_smoothing.checked`.
    """
    trains, widths = checked(true, predicted, bin_ms, sigmas_ms)
    return cosine(inner_products(trains, gaussian_kernels(tuple(widths))))
