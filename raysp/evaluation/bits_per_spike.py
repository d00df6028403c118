"""Bits per spike: how much better than each unit's mean rate the predicted rates explain spikes."""

from __future__ import annotations

import numpy as np

from raysp.data.formats.binning import check_counts
from raysp.errors import BadInput

SMALLEST_RATE = 1e-9
"""What nlb_tools puts in the place of a predicted rate of zero, expected spikes per bin."""


def bits_per_spike(rates: np.ndarray, counts: np.ndarray) -> float:
    """Return the Poisson log-likelihood gained over the null model, in bits per spike.

    With r the predicted rates, s the counts and r0 each unit's mean count over these very trials and bins,

        bps = sum[(s ln r - r) - (s ln r0 - r0)] / (ln 2 * sum s)

    over the observed entries: one ratio of sums, not a mean over units (Pei et al. 2021, Neural Latents Benchmark,
    co-smoothing). The counts' factorials cancel; logarithms are needed only where there are spikes.

    Args:
        rates: (trials, bins, units) expected spikes per bin, >= 0; zeros count as 1e-9. Ignored where counts are NaN.
        counts: (trials, bins, units) spikes per bin; NaN where unobserved.

    Returns:
        Bits per spike: 0 for the null model, nan (undefined) where there is no spike at all.

    Raises:
        BadInput: shapes differ, or a rate that counts is NaN, infinite or negative.
    """
    rates, counts = np.asarray(rates), np.asarray(counts)
    if rates.shape != counts.shape or rates.ndim < 2:
        raise BadInput(
            f"bits per spike expected rates and counts of one shape (trials, bins, units), "
            f"got rates {rates.shape} and counts {counts.shape}"
        )
    check_counts(counts, "bits per spike: counts", whole=False)
    units = rates.shape[-1]
    rates = rates.reshape(-1, units).astype(np.float64)
    counts = counts.reshape(-1, units).astype(np.float64)
    null = null_rates(counts)
    unseen = np.isnan(counts)
    if unseen.any():
        rates[unseen] = np.broadcast_to(null, rates.shape)[unseen]
        counts[unseen] = 0.0
    _check_rates(rates)
    rates[rates == 0] = SMALLEST_RATE
    total = counts.sum()
    if total == 0:
        return float("nan")
    spiking = counts > 0
    ratio = rates[spiking] / np.broadcast_to(null, rates.shape)[spiking]
    rates -= null
    return float((counts[spiking] @ np.log(ratio) - rates.sum()) / total / np.log(2))


def null_rates(counts: np.ndarray) -> np.ndarray:
    """Return each unit's mean count over the observed entries, 1e-9 for silent units.

    Args:
        counts: (..., units) spikes per bin; NaN where unobserved.

    Returns:
        (units,) expected spikes per bin: the null model of bits per spike.
    """
    counts = np.asarray(counts, dtype=np.float64).reshape(-1, np.shape(counts)[-1])
    seen = np.maximum((~np.isnan(counts)).sum(axis=0), 1)
    mean = np.nansum(counts, axis=0) / seen
    return np.where(mean == 0, SMALLEST_RATE, mean)


def _check_rates(rates: np.ndarray) -> None:
    if not np.isfinite(rates).all():
        raise BadInput("bits per spike expected finite rates wherever counts are known, got NaN or infinity")
    if (rates < 0).any():
        raise BadInput(
            f"bits per spike expected expected-spikes per bin >= 0, got {rates.min():.3g}; were log-rates given?"
        )
