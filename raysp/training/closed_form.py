"""Trials of models that fit themselves: floors, ceilings and classical baselines."""

from __future__ import annotations

import time
from collections.abc import Callable

from torch import nn

from raysp.config.experiment import Training
from raysp.data.splits.batch import to_device
from raysp.data.splits.population import Trials
from raysp.training.attempt import finite
from raysp.training.fitted import Fitted
from raysp.training.job import Job
from raysp.training.predict import predict
from raysp.training.unseen import unseen_loss
from raysp.training.validation import validation_mask


def fit_itself(job: Job, trials: Trials, make: Callable[[], nn.Module]) -> Fitted:
    """Fit a model to all training trials; first, where it is to be measured, without the validation trials.

    Nothing is selected, so the final model needs no validation trials; a sweep over its settings does, and the
    numbers it compares come from the first fit, whose model a search is given.

    Args:
        job: what to fit, where, and whom to tell.
        trials: the training part of a split.
        make: gives a new model on the job's device, with `fit(trials, report)`.
    """
    started = time.monotonic()
    model, metrics = make(), {}
    final = job.purpose == "final"
    if job.measure is not None and len(trials) > 1:
        metrics = _validated(job, model, trials)
        model = make() if final else model
    if final or not metrics:
        model.fit(trials, job.report)
    model.eval()
    seconds = time.monotonic() - started
    row = {name: None for name in ("train_loss", "validation_loss", "unseen_loss", "learning_rate")}
    row |= {"epoch": 0, "seconds": round(seconds, 3)}
    return Fitted(
        model=model,
        curve=[row | metrics] if metrics else [],
        best_epoch=0,
        epochs=0,
        learning_rates=[],
        steps=0,
        validation_loss=None,
        selected_on="nothing",
        parameters=sum(weights.numel() for weights in model.parameters()),
        device=job.place,
        seconds=seconds,
    )


def _validated(job: Job, model: nn.Module, trials: Trials) -> dict[str, float | None]:
    aside, device = validation_mask(trials, Training()), job.place
    model.fit(trials.take(~aside), job.report)
    validation = trials.take(aside)
    found = predict(model, validation, device)
    loss = unseen_loss(model, to_device(validation, device), device)
    return finite({**job.measure(found, validation), **({} if loss is None else {"unseen_loss": loss})})
