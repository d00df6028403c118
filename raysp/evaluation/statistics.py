"""What several seeds or splits say together: means with intervals, and differences to a baseline pair by pair."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import scipy

from raysp.errors import BadInput
from raysp.io.rows import Row

K = TypeVar("K")
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Summary:
    """Several values of one metric. Spread and interval are nan for a single value.

    Attributes:
        count: how many values.
        mean: their mean.
        sd: standard deviation of the sample (n - 1).
        sem: standard error of the mean, sd / sqrt(n).
        low: lower end of the confidence interval of the mean.
        high: upper end.
    """

    count: int
    mean: float
    sd: float
    sem: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """A metric's paired difference to a baseline.

    Attributes:
        summary: of the differences, value minus baseline.
        p: two-sided p of the paired t test; nan for a single pair or where all differences are equal.
        won: pairs in which the value is better than the baseline.
    """

    summary: Summary
    p: float
    won: int

    def row(self) -> Row:
        """Return it as columns of a run's comparison.parquet; None for what is nan."""
        found = self.summary
        numbers = {"mean": found.mean, "low": found.low, "high": found.high, "p": self.p}
        known = {name: None if math.isnan(value) else value for name, value in numbers.items()}
        return {"count": found.count, "won": self.won, **known}


def summarize(values: Sequence[float] | np.ndarray) -> Summary:
    """Return mean, spread and 95 % interval of the mean of one metric over seeds or splits.

    The interval is Student's, which fits the handful of seeds that is usual.

    Args:
        values: (n,) finite values.

    Raises:
        BadInput: no value, or one that is not finite.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all():
        raise BadInput(f"statistics expected a list of finite values, got {values}; leave out undefined (nan) metrics")
    mean = float(values.mean())
    if len(values) == 1:
        return Summary(1, mean, *[float("nan")] * 4)
    sd = float(values.std(ddof=1))
    sem = sd / float(np.sqrt(len(values)))
    half = float(scipy.stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)) * sem
    return Summary(len(values), mean, sd, sem, mean - half, mean + half)


def paired_difference(values: Mapping[K, float], baseline: Mapping[K, float], sign: int = 1) -> Difference:
    """Return how a metric differs from a baseline's, seed by seed (or split by split).

    Pairing takes out what seeds and splits do to both alike, which is usually more than the models differ.

    Args:
        values: metric by what pairs it, e.g. {("mc_maze-05ms-val", 0): 0.33, ...}.
        baseline: likewise; keys that only one of both has are left out.
        sign: 1 where more is better, -1 where less is.

    Raises:
        BadInput: no key in common, or a value is not finite.
    """
    shared = [key for key in values if key in baseline]
    if not shared:
        raise BadInput(
            f"a paired difference expected seeds or splits in common, got {list(values)[:4]} and {list(baseline)[:4]}"
        )
    gains = np.array([values[key] - baseline[key] for key in shared], dtype=np.float64)
    summary = summarize(gains)
    decided = len(gains) > 1 and np.ptp(gains) > 0 and summary.sem > 0
    p = float(2 * scipy.stats.t.sf(abs(summary.mean) / summary.sem, len(gains) - 1)) if decided else float("nan")
    return Difference(summary, p, int((sign * gains > 0).sum()))
