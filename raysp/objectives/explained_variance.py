"""Explained variance of rates by repeats of one stimulus, its ratio to what the repeats' mean explains, and ceilings.

EV(p, q) = (Var p + Var q - Var(p - q)) / (Var p + Var q), population variances, NaN where both are constant; the
published ratio of neurons under injected currents is mean EV(repeat, model) over mean EV(repeat, mean of all repeats).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ExplainedVariance:
    """How a rate fares against repeats.

    Attributes:
        ratio: as published; the mean that divides holds the repeat itself.
        leave_one_out: over the mean EV(repeat, mean of the others), which a perfect model can pass; NaN for one repeat.
        quantised: the published ratio of the rate rounded to whole spikes per bin.
    """

    ratio: float
    leave_one_out: float
    quantised: float


@dataclass(frozen=True)
class Ceilings:
    """What a perfect model comes to in the published ratio; NaN for one repeat, or repeats without a spike.

    Attributes:
        least: mean EV(repeat, mean of the others) over mean EV(repeat, mean of all), a lower bound.
        estimate: mean 2 s / (Var repeat + s) over the same, with s the mean covariance of pairs of repeats.
    """

    least: float
    estimate: float


def explained_variance(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Return EV over the last axis: (..., bins) both, or such that fit each other."""
    with np.errstate(invalid="ignore", divide="ignore"):
        total = p.var(axis=-1) + q.var(axis=-1)
        return (total - (p - q).var(axis=-1)) / total


def quantised(rates: np.ndarray, bin_ms: float) -> np.ndarray:
    """Return rates, spikes/ms, rounded to whole spikes per bin, halves up."""
    return np.floor(rates * bin_ms + 0.5) / bin_ms


def published_ratio(counts: np.ndarray, rates: np.ndarray, bin_ms: float) -> np.ndarray:
    """Return mean EV(repeat, rate) over mean EV(repeat, mean of all repeats), NaN where that mean explains nothing.

    Args:
        counts: (repeats, bins) spikes per bin.
        rates: (..., bins) spikes/ms.
        bin_ms: width of a bin, ms.

    Returns:
        (...).
    """
    recorded = counts / bin_ms
    return _over(_mean_ev(recorded, rates), _mean_ev(recorded, recorded.mean(axis=0)))


def against_repeats(counts: np.ndarray, rates: np.ndarray, bin_ms: float) -> ExplainedVariance:
    """Return the explained variance of a rate, (bins,) spikes/ms; other arguments as of `published_ratio`."""
    recorded = counts / bin_ms
    others = explained_variance(recorded, _others(recorded)).mean() if len(recorded) > 1 else np.nan
    return ExplainedVariance(
        float(published_ratio(counts, rates, bin_ms)),
        float(_over(_mean_ev(recorded, rates), others)),
        float(published_ratio(counts, quantised(rates, bin_ms), bin_ms)),
    )


def ceilings(counts: np.ndarray, bin_ms: float) -> Ceilings:
    """Return what a perfect model would come to. Arguments as of `against_repeats`."""
    recorded, repeats = counts / bin_ms, len(counts)
    if repeats < 2:
        return Ceilings(np.nan, np.nan)
    whole = _mean_ev(recorded, recorded.mean(axis=0))
    covariance = np.cov(recorded, bias=True)
    signal = (covariance.sum() - np.trace(covariance)) / (repeats * (repeats - 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        estimate = (2 * signal / (np.diag(covariance) + signal)).mean()
    least = explained_variance(recorded, _others(recorded)).mean()
    return Ceilings(float(_over(least, whole)), float(_over(estimate, whole)))


def _others(recorded: np.ndarray) -> np.ndarray:
    return (recorded.sum(axis=0) - recorded) / (len(recorded) - 1)


def _mean_ev(recorded: np.ndarray, rates: np.ndarray) -> np.ndarray:
    return explained_variance(recorded, rates[..., None, :]).mean(axis=-1)


def _over(value: np.ndarray, whole: np.ndarray | float) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(whole == 0, np.nan, value / whole)
