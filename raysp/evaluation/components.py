"""Principal components of latents or rates."""

from __future__ import annotations

import numpy as np


def principal_components(
    points: np.ndarray, most: int, there: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Project onto the directions of most variance over all trials and bins (Pearson 1901).

    Args:
        points: (trials, bins, dimensions).
        most: components to keep; fewer where there are fewer dimensions.
        there: (trials, bins) False for bins that count for nothing, whose projections are there all the same; None
            where all count.

    Returns:
        (trials, bins, components), and each component's share of the variance (zeros where nothing varies).
    """
    flat = points.reshape(-1, points.shape[2]).astype(np.float64)
    known = flat if there is None else flat[there.ravel()]
    flat, known = flat - known.mean(axis=0), known - known.mean(axis=0)
    values, vectors = np.linalg.eigh(known.T @ known)
    order = np.argsort(values)[::-1][:most]
    total = values.clip(min=0).sum()
    share = values[order].clip(min=0) / total if total > 0 else np.zeros(len(order))
    return (flat @ vectors[:, order]).reshape(*points.shape[:2], len(order)), share
