"""One attempt at a trial: a descent with its clock, its checkpoint, its reports and its live metrics."""

from __future__ import annotations

import copy
import itertools
import time
from collections.abc import Mapping
from typing import cast

from raysp.config.note import Note
from raysp.errors import Interrupted, present
from raysp.training import checkpoint as checkpoints
from raysp.training.descent import Descent, State, all_finite, finite
from raysp.training.fitted import Fitted
from raysp.training.job import Job
from raysp.training.randomness import looking


class Attempt:
    """Runs a descent to its end, from where an earlier attempt left it.

    Args:
        job: whose checkpoint it is, whom to ask and tell.
        descent: the model being fitted.
        stage: of the job.
    """

    def __init__(self, job: Job, descent: Descent, stage: str) -> None:
        self.job, self.descent = job, descent
        self.checkpoint = job.checkpoint(stage)
        self._before, self._started, self._saved = 0.0, time.monotonic(), time.monotonic()

    def resume(self) -> None:
        """Take over the checkpoint's state; one that cannot be used is reported, and training starts over.

        Raises:
            BadInput: the checkpoint is of another trial.
        """
        state = None if self.checkpoint is None else checkpoints.load(self.checkpoint, self.job.trial.id)
        message = self._take_over(state) if isinstance(state, dict) else state and f"{state}; training starts over"
        if message:
            self.job.report({"warning": message})

    def _take_over(self, found: Mapping[str, object]) -> str | None:
        """Go on from a checkpoint's state; return what there is to say of it."""
        if not self.descent.fits(found):
            return "the checkpoint is of another version of the model; training starts over"
        state, start = cast(State, found), copy.deepcopy(self.descent.state())
        try:
            same_kind = self.descent.restore(state)
            self._before = float(state["seconds"])
        except Exception as error:
            # Half of a state is none: what an error here leaves is neither a new trial nor the one that was saved.
            self.descent.restore(start)
            return f"the checkpoint cannot be used ({type(error).__name__}: {error}); training starts over"
        return None if same_kind else "resumed on another kind of device: the numbers differ from an unbroken run"

    def finish(self) -> None:
        """Train until the end, or until the job says that it is enough.

        Raises:
            Interrupted: the job does not keep going; the checkpoint holds the state.
            Diverged: the loss became infinite or NaN.
        """
        while not self.descent.over() and not self.job.enough(self.descent.progress.epoch):
            row = self.descent.step()
            epoch, every = self.descent.progress.epoch, self.descent.training.measure_every
            if (every and epoch % every == 0) or epoch in self.job.measure_at:
                with self.descent.shown():
                    row.update(self._measured())
            row["seconds"] = round(self.seconds, 3)
            # Live metrics stand in it under names of their own.
            told = {**row, "epochs": self.descent.epochs, "best_loss": self.descent.progress.best_loss}
            self.job.report(cast(Note, told))
            if time.monotonic() - self._saved >= checkpoints.SAVE_EVERY_S:
                self.save()
            if not self.descent.over() and not self.job.keep_going():
                self.save()
                raise Interrupted(f"{self.job.trial.id} stopped after epoch {epoch}")
        self.save()

    @property
    def seconds(self) -> float:
        """Seconds of training, earlier attempts included."""
        return self._before + time.monotonic() - self._started

    def save(self) -> None:
        """Write the checkpoint. Raises OSError when the disk is full; the earlier one stays."""
        if self.checkpoint is not None:
            checkpoints.save(self.checkpoint, self.job.trial.id, {**self.descent.state(), "seconds": self.seconds})
        self._saved = time.monotonic()

    def fitted(self) -> Fitted:
        """Return the model with its best weights, measured on what validates."""
        model, progress, batches = self.descent.model, self.descent.progress, self.descent.batches
        model.load_state_dict(progress.best)
        model.eval()
        best = progress.curve[progress.best_epoch - 1]
        if hasattr(model, "end_training"):
            model.end_training()
            # What it predicts from now on is not what it predicted in that epoch, and models are compared by this.
            unseen = self.descent.unseen()
            best["unseen_loss"] = None if unseen is None else finite(unseen.mean().item())
        best.update(self._measured())
        of_lanes = (progress.best_epochs, progress.best_losses, progress.diverged)
        epochs, losses, diverged = (each.expand(len(batches.units)).tolist() for each in of_lanes)
        units = {
            unit: {"best epoch": epoch, "validation loss": loss if epoch else None}
            for unit, epoch, loss in zip(batches.units, epochs, losses, strict=True)
        }
        return Fitted(
            model=model,
            curve=progress.curve,
            best_epoch=progress.best_epoch,
            epochs=progress.epoch,
            learning_rates=[present(row["learning_rate"]) for row in progress.curve[: progress.best_epoch]],
            steps=self.descent.steps,
            validation_loss=best["validation_loss"],
            selected_on=batches.selected_on,
            device=self.descent.device,
            seconds=self.seconds,
            units=units,
            diverged=tuple(itertools.compress(batches.units, diverged)),
        )

    def _measured(self) -> dict[str, float | None]:
        model, seed = self.descent.model, self.job.trial.seed
        with looking(model, self.descent.device, seed):
            return all_finite(self.descent.batches.measured(model))
