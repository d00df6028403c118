"""Mean counts of units, which floors and baselines predict where they know nothing better."""

from __future__ import annotations

import numpy as np

from raysp.data.splits.population import Sizes, TrialArrays
from raysp.errors import BadInput, present

LEAST_MEAN = 1e-4
"""Expected spikes per bin that a unit without any spike in the training trials starts from, where it needs a log."""


def mean_counts(trials: TrialArrays, sizes: Sizes) -> tuple[np.ndarray, np.ndarray]:
    """Return each unit's mean count per bin, in the observed and in the forward bins.

    Args:
        trials: training trials; NaN marks bins that do not count.
        sizes: the split's sizes.

    Returns:
        Two (units,) float64 arrays, held-in first. A unit that was never observed has mean 0. Units whose
        forward counts are unknown, or of a split without forward bins, have their mean of the observed bins there.

    Raises:
        BadInput: the split has held-out units but these trials have no counts of them.
    """
    if sizes.heldout and trials.heldout is None:
        raise BadInput(
            f"expected held-out counts (trials, {sizes.bins}, {sizes.heldout}) in the training trials, got none"
        )
    observed = [_means(trials.heldin)] + ([_means(present(trials.heldout))] if sizes.heldout else [])
    forward = [
        _means(counts) if counts is not None and counts.shape[1] else mean
        for counts, mean in zip((trials.heldin_forward, trials.heldout_forward), observed, strict=False)
    ]
    return np.concatenate(observed), np.concatenate(forward)


def expected_counts(trials: TrialArrays, sizes: Sizes) -> tuple[np.ndarray, np.ndarray]:
    """Return `mean_counts`, but where a unit had no spike at all those of half a spike.

    That a unit never fired in a few trials does not mean that it never will; a rate of zero costs 30 bits for a spike.
    """
    observed, forward = mean_counts(trials, sizes)
    bins = len(trials) * sizes.bins
    return np.maximum(observed, 0.5 / bins), np.maximum(forward, 0.5 / (len(trials) * sizes.forward or bins))


def _means(counts: np.ndarray) -> np.ndarray:
    known = (~np.isnan(counts)).sum(axis=(0, 1))
    return np.nansum(counts, axis=(0, 1), dtype=np.float64) / np.maximum(known, 1)
