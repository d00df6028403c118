"""What fitted networks predict of a continuous recording: calibrated on validation, rolled out on the test part."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from raysp.config.experiment import Trial
from raysp.data.splits.stimulus import StimulusSplit
from raysp.data.splits.windows import Tape
from raysp.errors import Interrupted
from raysp.evaluation.van_rossum import van_rossum
from raysp.kinds.kind import Products
from raysp.kinds.stimulus.calibration import calibrated
from raysp.kinds.stimulus.kernels_file import write_kernels
from raysp.kinds.stimulus.rollout import roll_out
from raysp.kinds.stimulus.spike_trains_file import Train, write_trains
from raysp.runs.trial_log import best_metrics
from raysp.training.fitted import Fitted
from raysp.training.job import Job

PART = "test"


def predict(job: Job, fitted: Fitted, split: StimulusSplit) -> Products:
    """Calibrate a fitted model on the validation part, and predict the test part step by step.

    Args:
        job: of the trial.
        fitted: its model.
        split: the recording, the trial's cells already selected.

    Raises:
        Interrupted: the job said stop; the checkpoint holds the fitted model.
    """
    trial, model = job.trial, fitted.model
    job.report({"phase": "calibrating"})
    boosts = calibrated_on_validation(trial, split, fitted, job.keep_going)
    job.report({"phase": "predicting"})
    found = [
        train
        for stretch in split.parts[PART]
        for train in predicted(trial, split, fitted, stretch, boosts, job.keep_going)
    ]
    files = {"predictions.parquet": lambda path: write_trains(path, trial, split, found, model.reach.before, PART)}
    if (kernels := model.kernels()) is not None:
        weights = kernels.detach().cpu().numpy()
        files["kernels.parquet"] = lambda path: write_kernels(path, trial, split.cells, weights)
    done: dict[str, Any] = {"selected_on": "validation part, each cell by itself" if fitted.cells else "nothing"}
    if fitted.cells:
        # Two means under two names: that of one epoch, and that of each cell's own best epoch, which predicts.
        at_best = best_metrics(fitted)["validation_loss"]
        done |= {"validation_loss": at_best, "cells_best_validation_loss": fitted.validation_loss}
    return Products(files, {"cells": fitted.cells, "boosts": _by_cell(split, boosts)}, done)


def calibrated_on_validation(
    trial: Trial, split: StimulusSplit, fitted: Any, keep_going: Callable[[], bool] = lambda: True
) -> dict[str, Any]:
    """Return the boosts of the model's calibrated decodings by their names; none where it has no such decodings."""

    def squared(recorded: np.ndarray, predicted: np.ndarray) -> float:
        width = np.array([fitted.model.config.careful_ms])
        return float(van_rossum(recorded, predicted, split.sizes.bin_ms, width)[0] ** 2)

    clock = _Clock(keep_going, trial.id)
    tape = Tape.of(split, fitted.device)
    return calibrated(fitted.model, tape, split.parts["validation"], squared, clock.look)


def predicted(
    trial: Trial,
    split: StimulusSplit,
    fitted: Any,
    stretch: tuple[int, int],
    boosts: Mapping[str, Any] | None = None,
    keep_going: Callable[[], bool] = lambda: True,
) -> list[Any]:
    """Return the spike trains that a fitted model predicts for a stretch, one per cell and decoding."""
    clock = _Clock(keep_going, trial.id)
    tape = Tape.of(split, fitted.device)
    found = roll_out(fitted.model, tape, stretch, seed=trial.seed, boosts=boosts, keep_going=clock.look)
    rows = []
    for index, cell in enumerate(split.cells.tolist()):
        recorded = split.spikes[found.first : found.first + found.bins, index]
        for number, (decoding, spikes) in enumerate(found.spikes.items()):
            # Outputs are large; the decodings of one model say almost the same.
            told = found.output[decoding][index] if number == 0 else None
            told = None if told is None else _physical(fitted.model, told).reshape(len(told), -1)
            place = (cell, decoding, split.sizes.bin_ms, found.first)
            rows.append(Train(*place, spikes[index], recorded, told, found.step))
    return rows


def _by_cell(split: StimulusSplit, boosts: Mapping[str, Any]) -> dict[str, dict[int, float]]:
    return {
        name: dict(zip(split.cells.tolist(), (round(value, 3) for value in boost.by.tolist()), strict=True))
        for name, boost in boosts.items()
    }


def _physical(model: Any, output: np.ndarray) -> np.ndarray:
    """Return distances in bins of a model whose output is their log, and other outputs as they are."""
    return np.exp(output) if getattr(model, "log_output", False) else output


class _Clock:
    """Asks every few seconds whether to go on."""

    def __init__(self, keep_going: Callable[[], bool], name: str, every_s: float = 5.0) -> None:
        self._keep_going, self._name, self._every = keep_going, name, every_s
        self._next = time.monotonic() + every_s

    def look(self) -> None:
        """Raise Interrupted when it is time to stop."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + self._every
            if not self._keep_going():
                raise Interrupted(f"{self._name} stopped while predicting; the checkpoint holds the fitted model")
