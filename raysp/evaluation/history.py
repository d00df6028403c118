"""Behaviour decoded from the rates of each bin and of some bins before it, in its own trial alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from raysp.data.splits.population import TrialArrays
from raysp.evaluation.behavior import decode_variables, reaching
from raysp.evaluation.score import Score
from raysp.io.words import counted

HISTORY_R2, MEAN_HISTORY_R2 = "behavior R2 with history", "behavior R2 with history, mean over variables"


def history_scores(
    train: TrialArrays,
    known: TrialArrays,
    train_rates: np.ndarray,
    rates: np.ndarray,
    history: int,
    names: Sequence[str],
) -> list[Score]:
    """Return R2 of each variable decoded from `history` bins and the bin itself, and their mean.

    The regression is the one of the scores without history: ridge, the penalty by cross-validation on training trials.
    A bin counts where all these bins lie in its trial and were recorded, so that the first `history` bins of a trial,
    and what follows its end, are neither fitted nor scored, and no bin of another trial is ever seen.

    Args:
        train: the training trials with their behaviour (trials, bins, variables).
        known: the evaluation trials with theirs.
        train_rates: (training trials, bins, units) predicted expected spikes per bin.
        rates: (evaluation trials, bins, units) likewise.
        history: bins before each, at least 1.
        names: of the behaviour's variables.

    Returns:
        Scores whose names and parameters say that they have a history; none without behaviour of each bin.
    """
    if any(one.behavior is None or one.behavior.ndim != 3 for one in (train, known)):
        return []
    found = decode_variables(
        reaching(train, history), reaching(known, history), _lagged(train_rates, history), _lagged(rates, history)
    )
    told = f"{counted(range(history), 'bin')} of history"
    each = [
        Score(HISTORY_R2, None if one.found is None else float(one.r2[0]), one.reason, f"{name}, {told}")
        for name, one in zip(names, found, strict=True)
    ]
    values = [one.value for one in each if one.value is not None]
    left_out = f"{len(each) - len(values)} of {len(each)} variables have no R2" if len(values) < len(each) else None
    return [*each, Score(MEAN_HISTORY_R2, float(np.mean(values)) if values else None, left_out, told)]


def _lagged(rates: np.ndarray, history: int) -> np.ndarray:
    """Return (trials, bins, units * (history + 1)): each bin's rates, then those of 1, 2, ... bins before; 0 before."""
    trials, bins, units = rates.shape
    found = np.zeros((trials, bins, history + 1, units), dtype=rates.dtype)
    for lag in range(history + 1):
        found[:, lag:, lag] = rates[:, : bins - lag]
    return found.reshape(trials, bins, -1)
