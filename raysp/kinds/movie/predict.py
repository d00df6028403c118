"""What a fitted model of movies gives for the test part."""

from __future__ import annotations

import torch

from raysp.data.splits.movie import MovieSplit
from raysp.kinds.kind import Products
from raysp.kinds.movie.connectivity_file import NAME, write_connectivity
from raysp.kinds.movie.forecast import forecast
from raysp.kinds.movie.runs_file import write_runs
from raysp.runs.records import Done
from raysp.training.fitted import Fitted
from raysp.training.job import Job


def predict(job: Job, fitted: Fitted, split: MovieSplit) -> Products:
    """Let a model run freely under each movie of the test part, and one bin ahead of each recorded repeat.

    Args:
        job: of the trial.
        fitted: its model.
        split: the movies, the trial's units already selected.
    """
    job.report({"phase": "predicting"})
    trial, found = job.trial, list(forecast(fitted.model, split, fitted.device, job.trial.seed))
    files = {"predictions.parquet": lambda path: write_runs(path, trial, split.unit_ids, found)}
    among: torch.Tensor | None = getattr(fitted.model, "couplings", None)
    if among is not None:
        couplings = among.float().cpu().numpy()
        files[NAME] = lambda path: write_connectivity(path, trial, split.unit_ids, couplings)
    done: Done = {"selected_on": "validation part"}
    return Products(files, done=done)
