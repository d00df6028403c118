"""Evaluation trials that a model was trained on: the same counts in both parts, as of files that were saved twice."""

from __future__ import annotations

import hashlib

import numpy as np

from raysp.data.sources.partition import Rows
from raysp.io.words import WARNING, counted, listed

FEWEST = 20
"""Spikes of a trial from which on no other one has the same in each bin by chance."""


def shared(counts: np.ndarray, ids: np.ndarray, rows: Rows) -> tuple[str, ...]:
    """Return the warning that trials to evaluate are trials to train on, bin by bin; nothing where none is.

    Args:
        counts: (trials, bins, units).
        ids: (trials,) their numbers.
        rows: of training trials, and of evaluation trials.
    """
    known = {_digest(counts[row]) for row in rows[0]}
    twice = [row for row in rows[1] if np.nansum(counts[row]) >= FEWEST and _digest(counts[row]) in known]
    if not twice:
        return ()
    which = listed(ids[twice] if len(ids) == len(counts) else np.array(twice))
    has = "has the counts of one" if len(twice) == 1 else "have the counts of others"
    told = f"{WARNING}{counted(twice, 'trial')} to evaluate ({which}) {has} to train on, in every bin"
    return (f"{told}: are they in the file twice? Scores are too good then",)


def _digest(trial: np.ndarray) -> bytes:
    # The counts themselves would be a second copy of the recording.
    return hashlib.sha256(trial.tobytes()).digest()
