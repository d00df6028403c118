"""What a fitted classifier says of the test part."""

from __future__ import annotations

from raysp.data.splits.labelled_sequences import LabelledSequencesSplit
from raysp.evaluation.classification import vote
from raysp.kinds.kind import Products
from raysp.kinds.labelled_sequences.learner import logits_of
from raysp.kinds.labelled_sequences.logits_file import write_logits
from raysp.kinds.labelled_sequences.neurons_file import NAME, write_neurons
from raysp.runs.records import Done
from raysp.training.fitted import Fitted
from raysp.training.job import Job


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
    if hasattr(model := fitted.model, "rows"):
        rows = model.rows()
        files[NAME] = lambda path: write_neurons(path, trial, rows)
    return Products(files, done=done)
