"""Pictures of another size: bilinear, and smoothed before they shrink, as scikit-image's `resize` does it."""

from __future__ import annotations

import numpy as np


def resized(frames: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return (frames, height, width) float32.

    Args:
        frames: (frames, y, x) numbers, or (frames, y, x) unsigned whole numbers of 8 or 16 bits, whose largest
            becomes 1.
        height: of a frame.
        width: of a frame.

    >>> resized(np.array([[[0, 255], [0, 255]]], np.uint8), 1, 2).tolist()
    [[[0.0, 1.0]]]
    """
    down, across = (_weights(*pair) for pair in ((frames.shape[1], height), (frames.shape[2], width)))
    return np.stack([down @ unit_pixels(one).astype(np.float64) @ across.T for one in frames]).astype(np.float32)


def unit_pixels(frames: np.ndarray) -> np.ndarray:
    """Return pixels between 0 and 1 where they are unsigned whole numbers of 8 or 16 bits, and others as they are.

    >>> unit_pixels(np.array([0, 51, 255], np.uint8)).tolist()
    [0.0, 0.2, 1.0]
    """
    if frames.dtype in (np.uint8, np.uint16):
        return frames / float(np.iinfo(frames.dtype).max)
    return frames


def _weights(old: int, new: int) -> np.ndarray:
    """Return (new, old) what each pixel of a line gets of the old ones: both steps are linear, and lines are alike."""
    from scipy.ndimage import gaussian_filter1d, zoom

    lines = np.eye(old)
    if old > new:
        lines = gaussian_filter1d(lines, (old / new - 1) / 2, axis=0, mode="mirror")
    return zoom(lines, (new / old, 1), order=1, mode="mirror", grid_mode=True)
