"""Trials of models that fit themselves: floors, ceilings and classical baselines."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import nn

from raysp.config.experiment import Training
from raysp.data.splits.batch import to_device
from raysp.data.splits.population import Trials
from raysp.training.attempt import Measure, Report, finite
from raysp.training.fitted import Fitted
from raysp.training.predict import predict
from raysp.training.unseen import unseen_loss
from raysp.training.validation import validation_mask


def fit_itself(
    make: Callable[[], nn.Module],
    trials: Trials,
    device: torch.device,
    report: Report,
    measure: Measure | None,
    *,
    final: bool = True,
) -> Fitted:
    """Fit a model to all training trials; first, where it is to be measured, without the validation trials.

    Nothing is selected, so the final model needs no validation trials; a sweep over its settings does, and the
    numbers it compares come from the first fit.

    Args:
        make: gives a new model on `device`, with `fit(trials, report)`.
        trials: the training part of a split.
        device: where.
        report: handed to `fit`.
        measure: live metrics; None for none.
        final: fit to all training trials in the end; without it the model returned is the first one.
    """
    started = time.monotonic()
    model, metrics = make(), {}
    if measure is not None and len(trials) > 1:
        metrics = _validated(model, trials, device, report, measure)
        model = make() if final else model
    if final or not metrics:
        model.fit(trials, report)
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
        device=device,
        seconds=seconds,
    )


def _validated(
    model: nn.Module, trials: Trials, device: torch.device, report: Report, measure: Measure
) -> dict[str, float | None]:
    aside = validation_mask(trials, Training())
    model.fit(trials.take(~aside), report)
    validation = trials.take(aside)
    found = predict(model, validation, device)
    loss = unseen_loss(model, to_device(validation, device), device)
    return finite({**measure(found, validation), **({} if loss is None else {"unseen_loss": loss})})
