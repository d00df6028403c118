"""One trial of a recording in one piece: the networks of its cells fitted, or a floor or ceiling made."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

import torch

from raysp.config.experiment import Trial
from raysp.data.splits.stimulus import StimulusSplit
from raysp.data.splits.windows import Tape
from raysp.errors import BadInput
from raysp.models import catalog
from raysp.models.windowed import WindowModel
from raysp.training.attempt import Attempt, Report
from raysp.training.cells import CellDescent
from raysp.training.fitted import Fitted


def fit_cells(
    trial: Trial,
    split: StimulusSplit,
    make: Callable[[], WindowModel],
    device: torch.device,
    checkpoint: str | None,
    report: Report,
    keep_going: Callable[[], bool] | None = None,
    enough: Callable[[int], bool] | None = None,
) -> Fitted:
    """Fit a trial's networks to the training part; each cell keeps its weights of lowest validation loss.

    Args:
        trial: what to fit.
        split: the recording, the trial's cells already selected.
        make: gives a new model on `device`.
        device: where.
        checkpoint: file to resume from and to write; None keeps nothing.
        report: called with each epoch's row, and with warnings.
        keep_going: asked after each epoch; False saves the state and stops.
        enough: asked with the number of epochs done; True ends training there.

    Raises:
        BadInput: a part is shorter than a window, or a setting means nothing here.
        Diverged: a loss became infinite or NaN.
        Interrupted: `keep_going` said stop.
    """
    model = make()
    if catalog.fits_itself(trial.model):
        return _itself(model, split, device, report)
    if trial.training is None:
        raise BadInput(f"model {trial.model} is fitted by gradient descent: expected training settings, got none")
    tape = Tape.of(split, device)
    model.start(tape, split.parts["train"])
    descent = CellDescent(model, trial.training, split, tape, trial.seed)
    attempt = Attempt(trial.id, descent, None, checkpoint, report, None)
    attempt.resume()
    attempt.finish(keep_going or (lambda: True), enough or (lambda epoch: False))
    fitted, progress = attempt.fitted("validation"), descent.progress
    cells = {
        int(cell): {"best epoch": int(epoch), "validation loss": float(loss)}
        for cell, epoch, loss in zip(split.cells, progress.best_epochs, progress.best_losses, strict=True)
    }
    return dataclasses.replace(fitted, validation_loss=float(progress.best_losses.mean()), cells=cells)


def _itself(model: WindowModel, split: StimulusSplit, device: torch.device, report: Report) -> Fitted:
    started = time.monotonic()
    model.fit(split, report)
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
        device=device,
        seconds=time.monotonic() - started,
    )
