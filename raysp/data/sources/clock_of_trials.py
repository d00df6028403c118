"""The sampling rate of spikes that no file states, by trials in seconds: at the right one units follow the trials."""

from __future__ import annotations

import numpy as np

RATES_HZ = (
    10e3,
    12.5e3,
    16e3,
    20e3,
    24e3,
    24414.0625,
    25e3,
    30e3,
    32e3,
    32552.083,
    40e3,
    44.1e3,
    48e3,
    48828.125,
    50e3,
)
"""Usual sampling rates: round ones, and those of Tucker-Davis."""
AROUND_S, BINS = (-0.5, 1.0), 30
"""Around each trial's time spikes are counted so far, s, in so many bins."""
MOST_SPIKES = 1_000_000
FOLLOWS, CLEARLY = 3.0, 3.0
"""How many times as much as chance makes counts vary around trials, and as at any other rate, where units follow."""
INSIDE = 0.95
"""Trials, at least, that lie in the recording."""
FEWEST, EVEN = 8, 0.2
"""Trials from which on units follow them; of even ones they do at double the rate, too."""


def sampling_rate(times: np.ndarray, trials_s: np.ndarray) -> tuple[float, str] | None:
    """Return samples in a second at which units clearly follow trials, and why; None where none is clear.

    Args:
        times: of all spikes, in samples, in any order.
        trials_s: (trials,) a time in each, s.
    """
    spikes = np.sort(times[:: -(-len(times) // MOST_SPIKES)]) if len(times) else times
    trials_s = trials_s[np.isfinite(trials_s)]
    found = {hz: score for hz in RATES_HZ if (score := _follow(spikes / hz, trials_s)) is not None}
    steps = np.diff(np.sort(trials_s))
    if not found or len(steps) < FEWEST or np.ptp(steps) < EVEN * np.median(steps):
        return None
    best = max(found, key=found.__getitem__)
    rest = max((score for hz, score in found.items() if hz != best), default=1.0)
    if found[best] < max(FOLLOWS, CLEARLY * rest):
        return None
    return best, f"samples at {best / 1000:g} kHz: units follow the trials at no other usual rate"


def _follow(spikes_s: np.ndarray, trials_s: np.ndarray) -> float | None:
    """Return how much counts around trials vary, as a multiple of chance; None where trials lie outside."""
    inside = (trials_s >= spikes_s[0] - AROUND_S[1]) & (trials_s <= spikes_s[-1] + AROUND_S[1])
    if inside.mean() < INSIDE:
        return None
    edges = np.linspace(*AROUND_S, BINS + 1)
    counts = np.diff(np.searchsorted(spikes_s, trials_s[:, None] + edges), axis=1).sum(axis=0)
    return float(counts.var(ddof=1) / max(counts.mean(), 1e-12))
