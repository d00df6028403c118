"""Whether something predicts trials that did not train it surely better than the mean rate: few trials flatter many."""

from __future__ import annotations

import numpy as np
from scipy import stats

ERRORS = 2.0
"""Standard errors by which something must be better than the mean rate to be believed."""

ONE = 0.8413
"""Share of a normal law below one standard deviation; of few trials, their own spread says less than it seems to."""

NOT_SURE = "on training trials that were not fitted, nothing is surely better than the mean rate"


def surely_below(each: np.ndarray, poisson: float = 0.0) -> bool:
    """Tell whether losses are below the mean rate's by some standard errors of the difference.

    Args:
        each: (trials,) differences, negative where they are below. One trial, whose spread nobody knows, shows nothing.
        poisson: standard deviation of their sum if counts were Poisson at the mean rate; counts where it is larger than
            what trials differ by.
    """
    if len(each) < 2:
        return False
    between = stats.t.ppf(ONE, len(each) - 1) * np.sqrt(len(each)) * each.std(ddof=1)
    return bool(each.sum() + ERRORS * max(between, poisson) < 0)
