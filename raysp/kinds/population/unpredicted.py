"""What a model leaves unpredicted of a split, so that a loss over all of it would not mean the same as others'."""

from __future__ import annotations

import numpy as np

from raysp.data.splits.population import PopulationSplit
from raysp.kinds.population.predict import predicted
from raysp.training.fitted import Fitted
from raysp.training.job import Job


def unpredicted(job: Job, fitted: Fitted, split: PopulationSplit) -> str | None:
    """Return "forward bins" where a split has such and the model gives no rates of them; else None.

    Args:
        job: of the search's trial.
        fitted: its model.
        split: the trial's units already selected.
    """
    if not split.sizes.forward:
        return None
    first = split.train.take(np.arange(len(split.train)) == 0)
    return "forward bins" if predicted(job, fitted, first).rates_forward is None else None
