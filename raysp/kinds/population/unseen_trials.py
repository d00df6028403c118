"""The loss of each validation trial by itself, and of how many entries it is: how sure a search can be."""

from __future__ import annotations

import numpy as np

from raysp.config.experiment import Training
from raysp.data.splits.population import PopulationSplit
from raysp.kinds.population import learner
from raysp.training.fitted import Fitted
from raysp.training.job import Job
from raysp.training.validation import validation_mask


def each_unseen(job: Job, fitted: Fitted, split: PopulationSplit) -> list[tuple[float, int]]:
    """Return (loss, known entries that it is the mean of) of each validation trial, in the order of training trials.

    The loss of a trial without such entries is NaN: all its bins lie after its end. None where no trial is set aside.

    Args:
        job: of the search's trial.
        fitted: its model.
        split: the trial's units already selected.
    """
    losses = learner.each_unseen(job, fitted, split)
    if not losses:
        return []
    aside = split.train.take(validation_mask(split.train, job.trial.training or Training()))
    hidden = (aside.heldout, aside.heldin_forward, aside.heldout_forward)
    known = sum((~np.isnan(one)).sum(axis=(1, 2)) for one in hidden if one is not None)
    return list(zip(losses, np.broadcast_to(known, len(losses)).tolist(), strict=True))
