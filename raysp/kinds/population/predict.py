"""What a fitted model predicts of trials: rates, latents where it has them, and what it makes of hidden entries."""

from __future__ import annotations

import dataclasses
import math
import os

from raysp.config.experiment import Training
from raysp.data.splits.population import PopulationSplit, TrialArrays
from raysp.errors import present
from raysp.evaluation.hidden import hidden_scores
from raysp.kinds.kind import Products
from raysp.kinds.population import inside_file
from raysp.kinds.population.latents_file import write_latents
from raysp.kinds.population.learner import selected_on
from raysp.kinds.population.rates_file import write_predictions, write_validation
from raysp.models.masked import MaskedModel
from raysp.models.prediction import Predicted
from raysp.runs.folder import TrialFolder
from raysp.runs.records import Done
from raysp.training import predict as training
from raysp.training.fitted import Fitted
from raysp.training.job import Job
from raysp.training.validation import validation_mask

JUDGED = os.path.basename(TrialFolder("").judged)


def predicted(job: Job, fitted: Fitted, data: PopulationSplit | TrialArrays) -> Predicted:
    """Return float32 rates of a part's trials, of a split's evaluation trials: expected spikes per bin."""
    trials = present(data.eval) if isinstance(data, PopulationSplit) else data
    found = training.predict(fitted.model, trials, fitted.device, job.trial.seed)
    return found if fitted.calibration is None else fitted.calibration.of(found)


def predict(job: Job, fitted: Fitted, split: PopulationSplit) -> Products:
    """Predict the training and evaluation trials of a split.

    Args:
        job: of the trial.
        fitted: its model.
        split: the trial's units already selected.
    """

    def of(trials: TrialArrays) -> Predicted:
        return predicted(job, fitted, trials)

    trial, asked = job.trial, present(split.eval)
    parts = {"train": of(split.train), "eval": of(asked)}
    files = {"predictions.parquet": lambda path: write_predictions(path, trial, split.sizes, parts, split)}
    if (before := _before(job, fitted, split)) is not None:
        files[JUDGED] = lambda path: write_validation(path, trial, split.sizes, before, split)
    if (found := parts["eval"].latents) is not None:
        train, beside = parts["train"].latents, parts["eval"].beside
        files["latents.h5"] = lambda path: write_latents(path, found, train, trial, beside)
    if isinstance(model := fitted.model, MaskedModel):
        shown = {name: one.numpy() for name, one in model.inside(trial.seed).items()}
        files[inside_file.NAME] = lambda path: inside_file.write_inside(path, trial, shown)
    hidden = hidden_scores(of, asked, parts["eval"].rates)
    own = {name: value if math.isfinite(value) else None for name, value in hidden.items()}
    metrics: dict[str, object] = {"evaluation": own}
    done: Done = {"selected_on": selected_on(trial)}
    if fitted.calibration is not None:
        done["weights"] = metrics["weights"] = dict(fitted.calibration.weights)
    return Products(files, metrics, done)


def _before(job: Job, fitted: Fitted, split: PopulationSplit) -> Predicted | None:
    """Return the rates of validation trials from before the model was fitted to them; None where it was not."""
    training = job.trial.training or Training()
    if fitted.selected is None or training.validate_on == "eval":
        return None
    trials = split.train.take(validation_mask(split.train, training))
    before = dataclasses.replace(fitted, model=fitted.selected, calibration=fitted.selected_calibration)
    return predicted(job, before, trials)
