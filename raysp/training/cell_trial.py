"""One trial of a recording in one piece: the networks of its cells fitted, or a floor or ceiling made."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

from raysp.data.splits.stimulus import StimulusSplit
from raysp.data.splits.windows import Tape
from raysp.models import catalog
from raysp.models.windowed import WindowModel
from raysp.training.attempt import Attempt
from raysp.training.cells import CellDescent
from raysp.training.fitted import Fitted
from raysp.training.job import Job


def fit_cells(job: Job, split: StimulusSplit, make: Callable[[], WindowModel]) -> Fitted:
    """Fit a trial's networks to the training part; each cell keeps its weights of lowest validation loss.

    Args:
        job: what to fit, where, and whom to ask and tell.
        split: the recording, the trial's cells already selected.
        make: gives a new model on the job's device.

    Raises:
        BadInput: a part is shorter than a window, or a setting means nothing here.
        Diverged: a loss became infinite or NaN.
        Interrupted: `keep_going` said stop.
    """
    model = make()
    if catalog.fits_itself(job.trial.model):
        return _itself(job, model, split)
    training, tape = job.training, Tape.of(split, job.place)
    model.start(tape, split.parts["train"])
    descent = CellDescent(model, training, split, tape, job.trial.seed)
    attempt = Attempt(job, descent, None)
    attempt.resume()
    attempt.finish()
    fitted, progress = attempt.fitted("validation"), descent.progress
    cells = {
        int(cell): {"best epoch": int(epoch), "validation loss": float(loss)}
        for cell, epoch, loss in zip(split.cells, progress.best_epochs, progress.best_losses, strict=True)
    }
    return dataclasses.replace(fitted, validation_loss=float(progress.best_losses.mean()), cells=cells)


def _itself(job: Job, model: WindowModel, split: StimulusSplit) -> Fitted:
    started = time.monotonic()
    model.fit(split, job.report)
    model.eval()
    return Fitted(
        model=model,
        curve=[],
        best_epoch=0,
        epochs=0,
        learning_rates=[],
        steps=0,
        validation_loss=None,
        selected_on="nothing",
        parameters=0,
        device=job.place,
        seconds=time.monotonic() - started,
    )
