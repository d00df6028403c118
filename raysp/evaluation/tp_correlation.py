"""Does the population move faster on trials in which the interval is produced faster?"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import scipy

from raysp.errors import BadInput

CONDITION_COLUMNS = 3
"""The first behaviour variables of dmfc_rsg: response modality, direction, prior. The last one is the interval tp."""


@dataclass(frozen=True)
class Condition:
    """The trials of one condition.

    Attributes:
        label: is_eye, theta and is_short.
        intervals: (trials,) produced intervals tp, ms.
        speeds: (trials,) neural speeds, expected spikes per bin, per bin.
    """

    label: tuple[float, ...]
    intervals: np.ndarray
    speeds: np.ndarray

    @property
    def correlation(self) -> float:
        """Pearson r of speed and interval; nan (undefined) where one does not vary or is not known.

        Raises:
            BadInput: there are fewer than 2 trials.
        """
        if len(self.speeds) < 2:
            raise BadInput(
                f"tp correlation expected at least 2 trials of condition {np.array(self.label)}, got {len(self.speeds)}"
            )
        return _pearson(self.speeds, self.intervals)


def tp_correlation(rates: np.ndarray, heldout: np.ndarray, behavior: np.ndarray) -> float:
    """Return the correlation of neural speed and produced interval tp, averaged over conditions.

    A trial's speed is the mean Euclidean distance of its rate vectors in successive bins of the set-go period. Good
    models are strongly negative (Pei et al. 2021, Neural Latents Benchmark; Sohn et al. 2019).

    Args:
        rates, heldout, behavior: see `speed_by_condition`.

    Returns:
        Mean Pearson r; nan (undefined) where speed or tp does not vary within a condition, as for constant rates.

    Raises:
        BadInput: see `speed_by_condition`; or a condition has fewer than 2 trials.
    """
    return float(np.mean([one.correlation for one in speed_by_condition(rates, heldout, behavior)]))


def speed_by_condition(rates: np.ndarray, heldout: np.ndarray, behavior: np.ndarray) -> list[Condition]:
    """Return neural speed beside produced interval of each trial, condition by condition, in the order of labels.

    Args:
        rates: (trials, bins, units) expected spikes per bin, held-in and held-out units.
        heldout: (trials, bins, held-out) counts; NaN (in the first unit) outside the set-go period.
        behavior: (trials, variables): is_eye, theta, is_short, ..., tp. Trials whose first three are NaN are left out.

    Raises:
        BadInput: shapes do not fit, no condition is known, a trial has fewer than 2 bins or NaN rates.
    """
    rates, heldout, behavior = np.asarray(rates), np.asarray(heldout), np.asarray(behavior, dtype=np.float64)
    _check_shapes(rates, heldout, behavior)
    labels = behavior[:, :CONDITION_COLUMNS]
    used = np.flatnonzero(~np.isnan(labels).all(axis=1))
    conditions, member = np.unique(labels[used], axis=0, return_inverse=True)
    if len(used) == 0 or np.isnan(conditions).any():
        raise BadInput(
            "tp correlation expected is_eye, theta and is_short known or all NaN in each trial, and known in some; "
            f"got {len(used)} trials with any of them known"
        )
    inside = ~np.isnan(heldout[..., 0])
    speeds = np.array([neural_speed(rates[trial][inside[trial]], trial) for trial in used.tolist()])
    intervals = behavior[used, -1]
    groups = [np.flatnonzero(member.ravel() == index) for index in range(len(conditions))]
    return [
        Condition(tuple(condition.tolist()), intervals[group], speeds[group])
        for condition, group in zip(conditions, groups, strict=True)
    ]


def neural_speed(rates: np.ndarray, trial: int = 0) -> float:
    """Return the mean Euclidean distance between the rate vectors of successive bins.

    Args:
        rates: (bins, units) of one trial's set-go period.
        trial: its number, for the error.

    Raises:
        BadInput: fewer than 2 bins, or NaN.
    """
    if len(rates) < 2 or not np.isfinite(rates).all():
        raise BadInput(f"tp correlation, trial {trial}: expected at least 2 set-go bins with finite rates")
    return float(np.linalg.norm(np.diff(rates.astype(np.float64), axis=0), axis=1).mean())


def _check_shapes(rates: np.ndarray, heldout: np.ndarray, behavior: np.ndarray) -> None:
    fits = rates.ndim == heldout.ndim == 3 and rates.shape[:2] == heldout.shape[:2] and heldout.shape[2] > 0
    if not fits or behavior.ndim != 2 or len(behavior) != len(rates) or behavior.shape[1] <= CONDITION_COLUMNS:
        raise BadInput(
            "tp correlation expected rates (trials, bins, units), held-out counts (trials, bins, held-out) and "
            f"behaviour (trials, 4 or more), got {rates.shape}, {heldout.shape} and {behavior.shape}"
        )


def _pearson(speeds: np.ndarray, intervals: np.ndarray) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", scipy.stats.ConstantInputWarning)
        warnings.simplefilter("ignore", scipy.stats.NearConstantInputWarning)
        return float(scipy.stats.pearsonr(speeds, intervals).statistic)
