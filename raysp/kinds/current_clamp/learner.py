"""How models of injected currents are fitted: each fits itself to the training part, and chooses on validation."""

from __future__ import annotations

import dataclasses
from itertools import groupby
from typing import Any

import numpy as np

from raysp.data.splits.current_clamp import CurrentClampSplit
from raysp.kinds.current_clamp.repeats import measures, repeats_of
from raysp.models import catalog
from raysp.training.closed_form import fit_itself
from raysp.training.fitted import Fitted
from raysp.training.job import Job


def fit(job: Job, split: CurrentClampSplit) -> Fitted:
    """Fit a model to units, each by itself; what a stage gave before the fit was stopped is not computed again.

    Args:
        job: what to fit, where, and whom to ask and tell.
        split: the trial's units already selected. Only a model that logs its loss on the test part, and chooses nothing
            by it, is shown that part.

    Raises:
        Interrupted: the job does not keep going.
    """
    on_paper = catalog.on_paper(job.trial.model, dict(job.trial.hyperparameters), split.sizes)
    shown = split if getattr(on_paper, "logs_test", False) else split.training()
    fitted = fit_itself(job, split.sizes, shown)
    metrics = validated(fitted.model, shown)
    unknown = dict.fromkeys(("train_loss", "validation_loss", "unseen_loss", "learning_rate"))
    row = {**unknown, "epoch": 0, "seconds": round(fitted.seconds, 3), **metrics}
    return dataclasses.replace(fitted, curve=[row] if metrics else [], selected_on="validation")


def validated(model: Any, split: CurrentClampSplit) -> dict[str, float]:
    """Return what a fitted model comes to on the validation part: means over the units that have a fit."""
    rates = model.rates(split)
    own = [
        measures(list(found), split.sizes.bin_ms, sees_counts=getattr(model, "sees_counts", False))
        for _, found in groupby(repeats_of(split, rates, "validation"), lambda one: one.unit)
    ]
    values = {"unseen_loss": [one.loss for one in own], "validation EVR": [one.ratio for one in own]}
    known = {name: [value for value in found if np.isfinite(value)] for name, found in values.items()}
    return {name: float(np.mean(found)) for name, found in known.items() if found}
