"""Predicted rates against known true rates, and reconstruction of counts: for generated data and held-in units.

All of it in expected spikes per bin, never clipped, over all trials at once: correlations of log-rates, or of batches,
are ruled by the few bins whose rate is almost zero.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import xlogy

from raysp.errors import BadInput
from raysp.evaluation.bits_per_spike import SMALLEST_RATE
from raysp.evaluation.r2 import r2_columns


def measures_of_truth(rates: np.ndarray, true: np.ndarray) -> dict[str, Callable[[], float]]:
    """Return every measure of predicted against true rates, by its name in tables, each computed when it is wanted.

    Args:
        rates: (trials, bins, units) predicted expected spikes per bin.
        true: (trials, bins, units) true expected spikes per bin.

    Returns:
        "true-rate R2" (mean over units), "true-rate R2 pooled", "true-rate Pearson r squared, pooled" and "constant
        neurons" (those left out of the first because their true rate never changes). When called they raise BadInput
        where shapes differ, a value is not finite, or no true rate changes.
    """
    return {
        "true-rate R2": lambda: float(np.nanmean(r2_per_unit(rates, true))),
        "true-rate R2 pooled": lambda: r2_pooled(rates, true),
        "true-rate Pearson r squared, pooled": lambda: pearson2_pooled(rates, true),
        "constant neurons": lambda: int((np.ptp(_columns(rates, true, "true-rate R2")[1], axis=0) == 0).sum()),
    }


def r2_per_unit(rates: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Return each unit's R2 = 1 - sum (true - rate)^2 / sum (true - mean true)^2, over trials and bins.

    Its mean over units is the R2 that Ye & Pandarinath (2021, Neural Data Transformer) report.

    Args:
        rates: (trials, bins, units) expected spikes per bin.
        true: (trials, bins, units) likewise.

    Returns:
        (units,) R2; nan where the true rate never changes.

    Raises:
        BadInput: see `measures_of_truth`.
    """
    rates, true = _columns(rates, true, "true-rate R2")
    constant = np.ptp(true, axis=0) == 0
    if constant.all():
        raise BadInput("true-rate R2 expected a true rate that changes in at least one unit, got constants only")
    return np.where(constant, np.nan, r2_columns(true, rates))


def r2_pooled(rates: np.ndarray, true: np.ndarray) -> float:
    """Return R2 over all entries at once: differences between the units' mean rates count as explained.

    Args:
        rates: (trials, bins, units) expected spikes per bin.
        true: (trials, bins, units) likewise.
    """
    rates, true = _columns(rates, true, "true-rate R2")
    return float(r2_columns(true.reshape(-1, 1), rates.reshape(-1, 1))[0])


def pearson2_pooled(rates: np.ndarray, true: np.ndarray) -> float:
    """Return the squared Pearson correlation over all entries: blind to wrong scale and offset.

    Args:
        rates: (trials, bins, units) expected spikes per bin.
        true: (trials, bins, units) likewise.

    Returns:
        0 to 1; nan (undefined) where either never changes.
    """
    rates, true = (x.ravel() - x.mean() for x in _columns(rates, true, "true-rate r2"))
    size = np.sqrt((rates @ rates) * (true @ true))
    return float(min((rates @ true / size) ** 2, 1.0)) if size > 0 else float("nan")


def roughness(rates: np.ndarray) -> float:
    """Return the mean absolute second difference over time, in standard deviations of the rates: 0 for straight lines.

    Args:
        rates: (trials, bins, units) expected spikes per bin.

    Returns:
        nan where there are fewer than three bins, or nothing varies.
    """
    spread = float(np.std(rates, dtype=np.float64))
    if rates.shape[1] < 3 or spread == 0:
        return float("nan")
    return float(np.abs(np.diff(rates.astype(np.float64), 2, axis=1)).mean() / spread)


def poisson_deviance(rates: np.ndarray, counts: np.ndarray) -> float:
    """Return the mean Poisson deviance 2 [s ln(s / r) - (s - r)] per observed bin and unit.

    It is 0 where rates equal the counts and positive elsewhere (McCullagh & Nelder 1989). With true rates for counts
    it is twice the Kullback-Leibler divergence of the predicted from the true Poisson process.

    Args:
        rates: (trials, bins, units) expected spikes per bin, >= 0; zeros count as 1e-9.
        counts: (trials, bins, units) spikes per bin, or true rates; NaN where unobserved.

    Raises:
        BadInput: shapes differ, nothing is observed, or a value that counts is negative or not finite.
    """
    rates, counts = _same_shape(rates, counts, "Poisson deviance")
    seen = ~np.isnan(counts)
    rates, counts = rates[seen], counts[seen]
    if counts.size == 0:
        raise BadInput("Poisson deviance expected at least one observed bin, got none")
    for name, array in (("rates", rates), ("counts", counts)):
        if not np.isfinite(array).all() or (array < 0).any():
            raise BadInput(f"Poisson deviance expected finite {name} >= 0, got NaN, infinity or {array.min():.3g}")
    rates = np.where(rates == 0, SMALLEST_RATE, rates)
    return float(np.mean(2 * (xlogy(counts, counts / rates) - (counts - rates))))


def _columns(rates: np.ndarray, true: np.ndarray, what: str) -> tuple[np.ndarray, np.ndarray]:
    rates, true = _same_shape(rates, true, what)
    if not (np.isfinite(rates).all() and np.isfinite(true).all()):
        raise BadInput(f"{what} expected finite predicted and true rates, got NaN or infinity")
    return rates.reshape(-1, rates.shape[-1]), true.reshape(-1, true.shape[-1])


def _same_shape(rates: np.ndarray, other: np.ndarray, what: str) -> tuple[np.ndarray, np.ndarray]:
    rates, other = np.asarray(rates, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if rates.shape != other.shape or rates.ndim < 2 or rates.size == 0:
        raise BadInput(
            f"{what} expected two arrays of one shape (trials, bins, units), got {rates.shape} and {other.shape}"
        )
    return rates, other
