"""The coefficient of determination, column by column."""

from __future__ import annotations

import numpy as np


def r2_columns(true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return R2 = 1 - sum (true - predicted)^2 / sum (true - mean)^2 of each column.

    A constant truth has no variance to explain: scikit-learn's convention is kept, 1 where it is predicted exactly and
    0 where it is not, so that numbers agree with nlb_tools.

    Args:
        true: (rows, columns).
        predicted: (rows, columns).

    Returns:
        (columns,) R2; 1 is perfect, 0 is the mean of the truth.
    """
    error = ((true - predicted) ** 2).sum(axis=0)
    spread = ((true - true.mean(axis=0)) ** 2).sum(axis=0)
    return r2_from_sums(error, spread)


def r2_from_sums(error: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Return R2 from sums of squares, elementwise.

    Args:
        error: (...,) sums of squared errors.
        spread: (...,) sums of squared deviations of the truth from its mean.
    """
    ratio = np.divide(error, spread, out=np.ones_like(error), where=spread != 0)
    return np.where(error == 0, 1.0, 1.0 - ratio)
