"""What candidates are chosen by: explained variance and loss on the bins that validate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raysp.data.splits.current_clamp import CurrentClampSplit
from raysp.models.gfr.groups import VALIDATES
from raysp.models.gfr.parameters import Filters
from raysp.models.gfr.running import run
from raysp.objectives.explained_variance import published_ratio

LOG_EPS = 1e-3
"""Within the logarithm: a silent bin with a spike is bad, and not without bounds."""


@dataclass(frozen=True)
class Window:
    """Bins of repeats of one current.

    Attributes:
        current: (bins,) pA, from the sweep's begin to the window's end.
        first: bin where the window begins.
        counts: (repeats, bins of the window).
    """

    current: np.ndarray
    first: int
    counts: np.ndarray


def windows(split: CurrentClampSplit, unit: int) -> list[Window]:
    """Return what validates of a unit: each distinct current, with the repeats that have the same bins of it."""
    first, last = split.edges("validation")
    sweeps = split.sweeps_of(unit)
    sweeps = sweeps[last[sweeps] > first[sweeps]]
    alike = np.column_stack([split.sweep_current[sweeps], first[sweeps], last[sweeps]])
    found = []
    for current, begin, end in np.unique(alike, axis=0):
        repeats = sweeps[(alike == [current, begin, end]).all(axis=1)]
        counts = np.stack([split.counts_of(int(one))[begin:end] for one in repeats])
        found.append(Window(split.current_of(int(repeats[0]))[:end], int(begin), counts))
    return found


def published_windows(split: CurrentClampSplit, unit: int) -> list[Window]:
    """Return what the published protocol chooses by: "Noise 1", which it trains on; all sweeps as of the first one."""
    sweeps = split.sweeps_of(unit, VALIDATES)
    longest = int(split.sweep_bins[sweeps].max(initial=0))
    counts = [np.pad(one, (0, longest - len(one))) for one in map(split.counts_of, sweeps.tolist())]
    if not counts:
        return []
    current = split.current_of(int(sweeps[0]))
    return [Window(np.pad(current, (0, longest - len(current))), 0, np.stack(counts))]


def measure(
    found: list[Window], theta: np.ndarray, sigma: np.ndarray, filters: Filters, bin_ms: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return explained variance, as published, and Poisson loss per bin of a unit's candidates, (rows,) each.

    Of several windows the means, by their bins; NaN without a window, and of the first where no repeat has a spike.

    Args:
        found: of the unit.
        theta: (rows, parameters).
        sigma: (rows,) pA.
        filters: of the neurons.
        bin_ms: width of a bin.
    """
    ratios, losses, bins = [], [], []
    for window in found:
        current, rates = window.current.astype(np.float64), np.empty((len(theta), len(window.current)))
        for row, own in enumerate(theta):
            run(current, own, sigma[row], filters, rates[row])
        scored = rates[:, window.first :]
        mean = scored * bin_ms
        ratios.append(published_ratio(window.counts, scored, bin_ms))
        losses.append((mean - window.counts.mean(axis=0) * np.log(mean + LOG_EPS)).mean(axis=-1))
        bins.append(scored.shape[1])
    if not found:
        return np.full(len(theta), np.nan), np.full(len(theta), np.nan)
    share = np.array(bins)[:, None] * np.isfinite(ratios)
    with np.errstate(invalid="ignore"):
        ratio = (np.nan_to_num(np.array(ratios)) * share).sum(axis=0) / share.sum(axis=0)
    return ratio, np.average(losses, axis=0, weights=bins)
