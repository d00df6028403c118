"""Principal components of latents or rates."""

from __future__ import annotations

import numpy as np


def principal_components(points: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Project onto the directions of most variance over all trials and bins (Pearson 1901).

    Args:
        points: (trials, bins, dimensions).
        most: components to keep; fewer where there are fewer dimensions.

    Returns:
        (trials, bins, components), and each component's share of the variance (zeros where nothing varies).
    """
    flat = points.reshape(-1, points.shape[2]).astype(np.float64)
    flat = flat - flat.mean(axis=0)
    values, vectors = np.linalg.eigh(flat.T @ flat)
    order = np.argsort(values)[::-1][:most]
    total = values.clip(min=0).sum()
    share = values[order].clip(min=0) / total if total > 0 else np.zeros(len(order))
    return (flat @ vectors[:, order]).reshape(*points.shape[:2], len(order)), share
