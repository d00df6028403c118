"""What a stimulus was like before spikes: spike-triggered averages, and how large they would be by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

CHANCE_SD = 2.0


@dataclass(frozen=True)
class Average:
    """A spike-triggered average.

    Attributes:
        mean: (lags, channels) stimulus minus its mean over the part; the last row is the spike's own bin.
        spikes: how many.
        chance: half the width of the band in which averages over so many random moments lie, two standard deviations.
    """

    mean: np.ndarray
    spikes: int
    chance: float


def triggered(stimulus: np.ndarray, counts: np.ndarray, stretches: Sequence[tuple[int, int]], lags: int) -> Average:
    """Return the average stimulus before the spikes of some stretches; it never reaches into another stretch.

    Args:
        stimulus: (bins, channels).
        counts: (bins,) spikes per bin.
        stretches: first bin, and bin after the last, of each.
        lags: bins of the average, the spike's own bin among them.
    """
    total, spikes, rows = np.zeros((lags, stimulus.shape[1])), 0, []
    for start, stop in stretches:
        rows.append(stimulus[start:stop])
        at = np.flatnonzero(counts[start:stop])
        at = at[at >= lags - 1]
        weights = counts[start + at].astype(np.float64)
        spikes += int(weights.sum())
        for lag in range(lags):
            total[lags - 1 - lag] += weights @ rows[-1][at - lag]
    seen = np.concatenate(rows)
    if not spikes:
        return Average(np.full_like(total, np.nan), 0, np.nan)
    chance = CHANCE_SD * float(seen.std(axis=0).mean()) / np.sqrt(spikes)
    return Average(total / spikes - seen.mean(axis=0, dtype=np.float64), spikes, chance)
