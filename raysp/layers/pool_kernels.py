"""The maximum over squares of an image, or 0, compiled: one pass over the image, and the place of each maximum kept.

Channels lie side by side, so that loops over them become vector instructions.
"""

from __future__ import annotations

import numpy as np

from raysp.config.compiled import njit


@njit(error_model="numpy")
def forward(x: np.ndarray, side: int, stride: int, top: int, left: int, found: np.ndarray, place: np.ndarray) -> None:
    """Go through all squares.

    Args:
        x: (images, rows, columns, channels).
        side: of a square.
        stride: from one to the next.
        top: rows by which the first lies above the image.
        left: columns likewise.
        found: (images, squares down, squares across, channels) gets the maxima, or 0.
        place: likewise, uint8, gets where in its square the first maximum lies.
    """
    images, height, width, channels = x.shape
    _, down, across, _ = found.shape
    for b in range(images):
        for i in range(down):
            for j in range(across):
                most, where = found[b, i, j], place[b, i, j]
                first = True
                for k in range(side):
                    row = i * stride - top + k
                    if row < 0 or row >= height:
                        continue
                    for m in range(side):
                        column = j * stride - left + m
                        if column < 0 or column >= width:
                            continue
                        here, own = x[b, row, column], np.uint8(k * side + m)
                        if first:
                            for c in range(channels):
                                most[c] = here[c]
                                where[c] = own
                            first = False
                        else:
                            for c in range(channels):
                                # What is no number stays to be seen.
                                more = here[c] > most[c] or here[c] != here[c]
                                most[c] = here[c] if more else most[c]
                                where[c] = own if more else where[c]
                for c in range(channels):
                    most[c] = np.float32(0) if most[c] < 0 else most[c]


@njit(error_model="numpy")
def backward(
    given: np.ndarray, found: np.ndarray, place: np.ndarray, side: int, stride: int, top: int, left: int,
    into: np.ndarray,
) -> None:  # fmt: skip
    """Add the gradient in each maximum to where it lies, unless 0 was larger; arguments as of `forward`."""
    images, down, across, channels = given.shape
    width = into.shape[2]
    away = np.empty(side * side, np.int64)
    for k in range(side * side):
        away[k] = ((k // side - top) * width + k % side - left) * channels
    for b in range(images):
        image = into[b].ravel()
        for i in range(down):
            for j in range(across):
                corner = (i * width + j) * stride * channels
                for c in range(channels):
                    if not found[b, i, j, c] <= 0:
                        image[corner + away[place[b, i, j, c]] + c] += given[b, i, j, c]
