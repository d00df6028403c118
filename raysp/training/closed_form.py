"""Trials of models that fit themselves: floors, ceilings and classical baselines."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from raysp.config.note import CurveRow
from raysp.training.descent import all_finite
from raysp.training.fitted import Fitted
from raysp.training.job import Job
from raysp.training.randomness import seeded
from raysp.training.stages import Stages
from raysp.training.trial import new_model

if TYPE_CHECKING:
    from raysp.models.base import Model

Validate = Callable[["Model"], dict[str, float]]


def fit_itself(job: Job, sizes: object, data: object, part: tuple[object, Validate] | None = None) -> Fitted:
    """Fit a model to all training data; first, where it is to be measured, without what validates.

    Nothing is selected, so the final model needs no validation data; a sweep over its settings does, and the numbers
    it compares come from the first fit, whose model a search is given.

    Args:
        job: what to fit, where, and whom to ask and tell.
        sizes: of the data.
        data: what the model's `fit(data, stages)` takes.
        part: the same without what validates, and what measures a model on that; None measures nothing.

    Raises:
        Interrupted: the job does not keep going.
    """
    started, metrics, before = time.monotonic(), {}, None
    with seeded(job.trial.seed, job.place):
        model, final = new_model(job, sizes), job.purpose == "final"
        if part is not None:
            model.fit(part[0], Stages(job, "validated" if final else "fit"))
            metrics = all_finite(part[1](model))
            if final:
                before, model = model.eval(), new_model(job, sizes)
        if final or not metrics:
            model.fit(data, Stages(job, "fit"))
    model.eval()
    seconds = time.monotonic() - started
    row: CurveRow = dict.fromkeys(("train_loss", "validation_loss", "unseen_loss", "learning_rate"))
    row |= {"epoch": 0, "seconds": round(seconds, 3)}
    return Fitted(model, [row | metrics] if metrics else [], job.place, seconds, selected=before)
