"""How far something is believed that predicts trials which did not train it: few trials flatter many."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import stats

GRID = np.linspace(0.0, 1.0, 21)
"""Weights against the mean rate: powers of the rates over it."""

ERRORS = 2.0
"""Standard errors by which something must be better than the mean rate to be believed."""

ONE = 0.8413
"""Share of a normal law below one standard deviation; of few trials, their own spread says less than it seems to."""

FEW = 4
"""Trials below which the whole of Student's quantile is asked for: two that gain alike by chance have no spread."""

CHANCE, FLIPPED, DRAWS = 0.0228, 64, 9999
"""Share of a normal law beyond `ERRORS`; trials whose signs are flipped, at most: means of more of them are normal; and
how many of their signs are drawn where there are more than so many."""


def believed(differences: Callable[[float], tuple[np.ndarray, float]]) -> float:
    """Return the weight of the lowest loss up to which all are surely better than the mean rate; 0 where none is.

    In this order, up to the first that is not, many weights are no more likely to be wrongly sure than one
    (fixed-sequence testing). Of two trials whose losses cross at some weight, that weight would be sure by itself.

    Args:
        differences: gives, of a weight, what `surely_below` takes.
    """
    best, lowest = 0.0, 0.0
    for weight in GRID[1:]:
        each, poisson = differences(float(weight))
        if not surely_below(each, poisson):
            break
        if each.sum() < lowest:
            best, lowest = float(weight), float(each.sum())
    return best


def weighed(weight: float) -> str:
    """Return words for what weight below 1 a baseline is given.

    >>> weighed(0.0)
    'on training trials that were not fitted, nothing is surely better than the mean rate: units get theirs'
    >>> weighed(0.35)
    'on training trials that were not fitted, it is believed at weight 0.35 against the mean rate'
    """
    where = "on training trials that were not fitted"
    if not weight:
        return f"{where}, nothing is surely better than the mean rate: units get theirs"
    return f"{where}, it is believed at weight {weight:.2f} against the mean rate"


def surely_below(each: np.ndarray, poisson: float = 0.0) -> bool:
    """Tell whether losses are below the mean rate's by some standard errors of the difference.

    Trials that gain unlike each other, a few much and none loses, have a large standard error, and yet leave no doubt.
    They are sure where as low a sum is as unlikely if each might as well have had the other sign (Fisher 1935).

    Args:
        each: (trials,) differences, negative where they are below. One trial, whose spread nobody knows, shows nothing.
        poisson: standard deviation of their sum if counts were Poisson at the mean rate; counts where it is larger than
            what trials differ by.
    """
    if len(each) < 2 or each.sum() + ERRORS * poisson >= 0:
        return False
    freedom = len(each) - 1
    errors = stats.t.ppf(1 - CHANCE, freedom) if len(each) < FEW else ERRORS * stats.t.ppf(ONE, freedom)
    between = np.sqrt(len(each)) * each.std(ddof=1)
    return bool(each.sum() + errors * between < 0) or _signs(each) <= CHANCE


def _signs(each: np.ndarray) -> float:
    """Return the share of signs, all alike likely, with which the sum would be as low."""
    if len(each) > FLIPPED or 0.5 ** len(each) > CHANCE:
        return 1.0
    found = stats.permutation_test(
        (each,),
        np.sum,
        permutation_type="samples",
        alternative="less",
        n_resamples=DRAWS,
        vectorized=True,
        random_state=0,
    )
    return float(found.pvalue)
