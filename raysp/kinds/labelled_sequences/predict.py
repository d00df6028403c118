"""What a fitted classifier says of the test part."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch

from raysp.data.splits.labelled_sequences import LabelledSequencesSplit
from raysp.evaluation.classification import vote
from raysp.kinds.kind import Products
from raysp.kinds.labelled_sequences import activity_file
from raysp.kinds.labelled_sequences.activity_file import write_activity
from raysp.kinds.labelled_sequences.learner import logits_of
from raysp.kinds.labelled_sequences.logits_file import write_logits
from raysp.kinds.labelled_sequences.neurons_file import NAME, write_neurons
from raysp.models.gfr_network.trained_neuron import TrainedNeuron
from raysp.runs.records import Done
from raysp.training.fitted import Fitted
from raysp.training.job import Job
from raysp.training.randomness import looking

SHOWN = 6
"""Test samples whose activity is kept."""


def predict(job: Job, fitted: Fitted, split: LabelledSequencesSplit) -> Products:
    """Read a model out after each sequence of the test part, whose labels it does not see.

    Args:
        job: of the trial.
        fitted: its model.
        split: the samples.
    """
    job.report({"phase": "predicting"})
    trial, found = job.trial, logits_of(fitted.model, split.test, fitted.device, job.trial.seed)
    again = trial.training is not None and trial.training.refit
    done: Done = {"selected_on": "validation part" + (", then trained on it too" if again else "")}
    files = {"predictions.parquet": lambda path: write_logits(path, trial, found, vote(found))}
    model = fitted.model
    if hasattr(model, "activity"):
        activity = _activity(job, fitted, split)
        files[activity_file.NAME] = lambda path: write_activity(path, trial, activity)
    if hasattr(model, "rows"):
        rows = cast("list[TrainedNeuron]", model.rows())
        files[NAME] = lambda path: write_neurons(path, trial, rows)
    return Products(files, done=done)


def _activity(job: Job, fitted: Fitted, split: LabelledSequencesSplit) -> np.ndarray:
    """Return what the units give of the first test samples, (steps, samples, units)."""
    model = fitted.model
    with looking(model, fitted.device, job.trial.seed):
        shown = torch.as_tensor(split.test[:SHOWN]).to(fitted.device)
        return model.activity(shown, model.config.readouts).float().cpu().numpy()
