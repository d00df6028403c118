"""Fitting a model to trials: once to select its epochs, and where that is asked for anew on all training trials."""

from __future__ import annotations

import dataclasses
from typing import Any

from raysp.config.experiment import Trial
from raysp.data.splits.population import PopulationSplit
from raysp.evaluation.live import live_metrics
from raysp.io.words import counted
from raysp.training.fitted import Fitted
from raysp.training.job import Follow, Job
from raysp.training.trial import fit_trial
from raysp.training.validation import validation_mask


def fit(job: Job, split: Any, answers: Any = None) -> Fitted:
    """Fit a model with live metrics; one that is refitted has the weights of the second fit, and all else of the first.

    Args:
        job: what to fit, where, and whom to ask and tell.
        split: a population split, or of a search its training part.
        answers: to the evaluation trials, where the trial selects on them.
    """
    job = dataclasses.replace(job, measure=live_metrics)
    fitted = fit_trial(job, split, answers)
    if job.purpose == "search" or not refits(job.trial):
        return fitted
    job.report({"log": f"training anew on all training trials for {fitted.best_epoch} epochs"})
    again = dataclasses.replace(
        job,
        report=lambda note: job.report(
            {"phase": f"refit {note['epoch']}/{note['epochs']}"} if "epoch" in note else note
        ),
        follow=Follow(fitted.best_epoch, tuple(fitted.learning_rates), fitted.steps),
        measure=None,
    )
    return dataclasses.replace(fitted, model=fit_trial(again, split, stage="refit").model)


def refits(trial: Trial) -> bool:
    """Tell whether a trial is trained anew on all training trials once its epochs are selected."""
    return trial.training is not None and trial.training.refit and trial.follows is None


def selected_on(trial: Trial) -> str:
    """Return what a trial's weights were selected on, in words."""
    if trial.training is None:
        return "nothing"
    if trial.follows is not None:
        return "the validation-phase trial it follows"
    if trial.training.validate_on == "eval":
        return "evaluation trials"
    return "validation trials of the training part" + (", then trained on all of it" if refits(trial) else "")


def parts_in_words(trial: Trial, split: PopulationSplit) -> str:
    """Return how many trials train, validate and evaluate, in words. Raises BadInput as `validation_mask` does."""
    training, count = trial.training, len(split.train)
    validated = training is not None and training.validate_on != "eval" and trial.follows is None
    aside = int(validation_mask(split.train, training).sum()) if validated else 0
    between = f", {aside} validation" if aside else ""
    return f"{count - aside} training{between} and {counted(len(split.eval), 'evaluation trial')}"
