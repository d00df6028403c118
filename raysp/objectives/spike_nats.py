"""Minus the log-likelihood of spikes in bins, given rates: of one spike or none, or of their number."""

from __future__ import annotations

import numpy as np

LEAST = 1e-6
"""Rates are kept so far from 0 (and from 1, where a bin has a spike or none) in a likelihood."""


def nats(rates: np.ndarray, spikes: np.ndarray, *, binary: bool) -> np.ndarray:
    """Return minus the log-likelihood of each entry: of a spike or none (Bernoulli), or of counts (Poisson).

    Of counts, what no rate changes (the log factorial) is left out.
    """
    rates = rates.astype(np.float64)
    if binary:
        rates = rates.clip(LEAST, 1 - LEAST)
        return np.where(spikes > 0, -np.log(rates), -np.log1p(-rates))
    rates = rates.clip(LEAST)
    return rates - spikes * np.log(rates)
