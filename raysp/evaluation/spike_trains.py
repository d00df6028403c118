"""One predicted against one true spike train: curves over the width of smoothing, and measures of binned counts."""

from __future__ import annotations

import numpy as np

from raysp.errors import BadInput
from raysp.evaluation.schreiber import schreiber
from raysp.evaluation.smoothed_pearson import smoothed_pearson
from raysp.evaluation.spike_smoothing import checked
from raysp.evaluation.van_rossum import van_rossum

CURVES = {"Schreiber": schreiber, "smoothed Pearson": smoothed_pearson, "van Rossum": van_rossum}
"""Measures by their names in tables; a higher value is better, except for the van Rossum distance."""


def curves(true: np.ndarray, predicted: np.ndarray, bin_ms: float, sigmas_ms: np.ndarray) -> dict[str, np.ndarray]:
    """Return each measure of the spike distance of Doran et al. 2024 at each width of smoothing.

    Args:
        true: (bins,) spikes per bin.
        predicted: (bins,) spikes per bin.
        bin_ms: width of a bin, ms.
        sigmas_ms: (sigmas,) standard deviations of the Gaussians, and time constants of the van Rossum distance, ms.

    Returns:
        (sigmas,) float64 by the names in `CURVES`.

    Raises:
        BadInput: see `spike_smoothing.checked`.
    """
    return {name: measure(true, predicted, bin_ms, sigmas_ms) for name, measure in CURVES.items()}


def binned_pearson(true: np.ndarray, predicted: np.ndarray, bins_per_group: int) -> float:
    """Return the Pearson correlation of counts in groups of bins; bins that fill no group at the end are left out.

    Args:
        true: (bins,) spikes per bin.
        predicted: (bins,) spikes per bin.
        bins_per_group: bins that are summed.

    Returns:
        -1 to 1; 0 where either is the same in all groups.

    Raises:
        BadInput: the trains do not fit each other, or do not fill one group.
    """
    trains, _ = checked(true, predicted, 1.0, np.zeros(1))
    bins = trains.shape[1]
    if not 1 <= bins_per_group <= bins:
        raise BadInput(f"bins_per_group expected 1 to {bins}, the bins there are, got {bins_per_group}")
    groups = bins // bins_per_group
    sums = trains[:, : groups * bins_per_group].reshape(2, groups, bins_per_group).sum(axis=2)
    return float(smoothed_pearson(sums[0], sums[1], 1.0, np.zeros(1))[0])
