"""Which bins of a trial count: those in which something was observed."""

from __future__ import annotations

import numpy as np

from raysp.data.splits.population import TrialArrays


def observed(trials: TrialArrays) -> np.ndarray | None:
    """Return (trials, bins) False where no held-in unit was observed; None where all were, or windows are jittered.

    Windows may reach beyond a trial's begin as well as its end, and the recording may have a gap within.
    """
    if trials.jitter is not None:
        return None
    there = ~np.isnan(trials.heldin).all(axis=2)
    return None if there.all() else there
