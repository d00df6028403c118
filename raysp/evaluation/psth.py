"""Do the predicted rates, averaged over a condition's trials, match its peri-stimulus time histogram?"""

from __future__ import annotations

import numpy as np

from raysp.errors import BadInput
from raysp.evaluation.r2 import r2_columns


def psth_r2(
    rates: np.ndarray,
    psth: np.ndarray,
    condition: np.ndarray,
    jitter: np.ndarray | None = None,
    recorded: np.ndarray | None = None,
) -> float:
    """Return R2 of condition-averaged rates against PSTHs, averaged over units; see `psth_r2_by_unit`."""
    return float(psth_r2_by_unit(rates, psth, condition, jitter, recorded).mean())


def psth_r2_by_unit(
    rates: np.ndarray,
    psth: np.ndarray,
    condition: np.ndarray,
    jitter: np.ndarray | None = None,
    recorded: np.ndarray | None = None,
) -> np.ndarray:
    """Return each unit's R2 of condition-averaged rates against PSTHs, over conditions and bins.

    Each trial is moved back by its window's jitter before averaging. Conditions without a trial, and bins in which the
    PSTH's first unit is NaN, are left out (Pei et al. 2021, Neural Latents Benchmark, match to PSTH).

    Args:
        rates: (trials, bins, units) expected spikes per bin, held-in then held-out units.
        psth: (conditions, bins, units) expected spikes per bin; NaN where a condition has no data.
        condition: (trials,) index into `psth`, -1 for none.
        jitter: (trials,) bins each trial's window was moved later; None for none.
        recorded: (trials, bins) False in bins that were not observed, as after a shorter trial's end; None for all.

    Returns:
        (units,) R2.

    Raises:
        BadInput: shapes do not fit, no trial has a condition, or a bin that counts has no finite predicted rate in
            each of its condition's trials.
    """
    rates, psth, condition = np.asarray(rates), np.asarray(psth), np.asarray(condition)
    jitter = np.zeros(len(rates), dtype=int) if jitter is None else np.asarray(jitter)
    _check_shapes(rates, psth, condition, jitter)
    mean = condition_means(rates, condition, jitter, len(psth), recorded)
    there = np.bincount(condition[condition >= 0], minlength=len(psth)) > 0
    counted = ~np.isnan(psth[..., 0]) & there[:, None]
    if recorded is not None:
        counted &= trials_of(recorded, condition, len(psth)) > 0
    true, predicted = psth[counted].astype(np.float64), mean[counted]
    if len(true) < 2:
        raise BadInput("PSTH R2 expected at least 2 bins of conditions with evaluation trials, got fewer")
    if not np.isfinite(true).all():
        raise BadInput("PSTH R2 expected PSTHs NaN in the same bins for every unit, got NaN or infinity in some only")
    if not np.isfinite(predicted).all():
        raise BadInput("PSTH R2 expected finite rates wherever a PSTH is known, got NaN, infinity or jittered-out bins")
    return r2_columns(true, predicted)


def condition_means(
    rates: np.ndarray, condition: np.ndarray, jitter: np.ndarray, conditions: int, recorded: np.ndarray | None = None
) -> np.ndarray:
    """Return (conditions, bins, units) mean rates; NaN where a condition has no trial or a jittered trial no bin.

    Args:
        rates: (trials, bins, units).
        condition: (trials,) index of each trial's condition, -1 for none.
        jitter: (trials,) bins; a positive one moves the trial later.
        conditions: how many there are.
        recorded: (trials, bins) False where a trial, which is not jittered then, was not observed; None for all.
    """
    if recorded is not None:
        total = np.zeros((conditions, *rates.shape[1:]))
        chosen = condition >= 0
        np.add.at(total, condition[chosen], np.where(recorded[chosen, :, None], rates[chosen], 0.0))
        counts = trials_of(recorded, condition, conditions)[..., None].astype(np.float64)
        return np.divide(total, counts, out=np.full_like(total, np.nan), where=counts > 0)
    bins = rates.shape[1]
    total = np.zeros((conditions, *rates.shape[1:]))
    for trial in np.flatnonzero(condition >= 0):
        late = int(np.clip(jitter[trial], 0, bins))
        early = int(np.clip(-jitter[trial], 0, bins))
        of_condition = total[condition[trial]]
        of_condition[late : bins - early] += rates[trial, early : bins - late]
        of_condition[:late] = np.nan
        of_condition[bins - early :] = np.nan
    trials = np.bincount(condition[condition >= 0], minlength=conditions)
    total[trials == 0] = np.nan
    return total / np.maximum(trials, 1)[:, None, None]


def trials_of(recorded: np.ndarray, condition: np.ndarray, conditions: int) -> np.ndarray:
    """Return how many trials of each condition were observed in each bin, (conditions, bins)."""
    total = np.zeros((conditions, recorded.shape[1]), dtype=np.int64)
    np.add.at(total, condition[condition >= 0], recorded[condition >= 0])
    return total


def _check_shapes(rates: np.ndarray, psth: np.ndarray, condition: np.ndarray, jitter: np.ndarray) -> None:
    if rates.ndim != 3 or psth.ndim != 3 or rates.shape[1:] != psth.shape[1:]:
        raise BadInput(
            "PSTH R2 expected rates (trials, bins, units) and PSTHs (conditions, bins, units), "
            f"got {rates.shape} and {psth.shape}"
        )
    for name, array in (("condition", condition), ("jitter", jitter)):
        if array.shape != (len(rates),) or not np.issubdtype(array.dtype, np.integer):
            raise BadInput(
                f"PSTH R2: {name} expected ({len(rates)},) whole numbers, got {array.shape} of {array.dtype}"
            )
    if not ((condition >= -1) & (condition < len(psth))).all() or not (condition >= 0).any():
        raise BadInput(f"PSTH R2: condition expected 0 to {len(psth) - 1} or -1, some >= 0, got {np.unique(condition)}")
