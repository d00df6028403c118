"""One trial of a sweep, in this process: trained on the training part alone, judged on its validation trials."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from raysp.config import settings
from raysp.config.experiment import Trial
from raysp.config.note import Note, Report
from raysp.errors import BadInput
from raysp.io import files
from raysp.kinds import catalog as kinds
from raysp.models import catalog
from raysp.runs import inputs
from raysp.runs.curve import write_curve
from raysp.runs.folder import RunFolder, TrialFolder
from raysp.runs.records import Done
from raysp.runs.trial_log import Log, Setting, best_metrics, done_record, named
from raysp.search.objective import UNSEEN_LOSS
from raysp.search.outcome import read_rungs
from raysp.trials.limits import Limits, Meter
from raysp.trials.run_trial import once

if TYPE_CHECKING:
    from raysp.data.splits.split import Split


@dataclass(frozen=True)
class Rungs:
    """Where ASHA compares trials.

    Attributes:
        epochs: at which epochs.
        objective: what is compared: the lowest validation loss so far, or another objective at that very epoch.
        reached: called with (epoch, value) after the value was written down; when it returns, the driver has
            decided, and has written the trial's stop.json if the trial is to end.
    """

    epochs: Sequence[int] = ()
    objective: str = "validation_loss"
    reached: Callable[[int, float], None] = lambda epoch, value: None


def search_trial(
    trial: Trial,
    part: Split,
    setting: Setting,
    report: Report = lambda note: None,
    rungs: Rungs | None = None,
    made_by: Done | None = None,
    limits: Limits | None = None,
) -> Done:
    """Train one trial of a sweep and record what it came to; a finished one is left as it is.

    No evaluation trial is loaded, nothing is predicted, nothing is trained anew after selection: a search needs the
    validation numbers only, and `raysp run --settings` does the rest for the settings that won.

    Args:
        trial: what to run.
        part: what a search may see of the split, with all units.
        setting: where.
        report: called with small notes of progress, once per epoch.
        rungs: where ASHA compares trials; None for nowhere.
        made_by: commit and code hash, for the record.
        limits: how long it may take; None for as long as it takes.

    Returns:
        What done.json says; `stopped_at` is the epoch at which ASHA ended the trial, else None; `out_of_time` is True
        where its limit did.

    Raises:
        BadInput: models are compared by `unseen_loss`, and this one leaves out a part of what that is of.
        Exception: whatever went wrong, after the traceback was written to error.txt.
    """
    from raysp.training.job import Job

    rungs = rungs or Rungs()

    def run(folder: TrialFolder, log: Log) -> Done:
        ladder, tell, started = _Ladder(trial.id, folder, rungs), log.and_tell(report), time.time()
        meter = Meter(limits or Limits(), alone=catalog.fits_itself(trial.model))

        def told(note: Note) -> None:
            tell(note)
            ladder.climb(note)
            meter.note(note)

        own = part if trial.units is None else part.select(trial.units)
        job = Job(
            trial,
            device=setting.device,
            purpose="search",
            checkpoint=folder.checkpoint_of,
            report=told,
            enough=lambda epoch: ladder.ends(epoch) or meter.over,
            keep_going=meter.keep_going,
            inputs=functools.partial(inputs.read, RunFolder(setting.run), trial),
            measure_at=rungs.epochs,
        )
        kind = kinds.of(catalog.kind(trial.model))
        with meter.kept():
            fitted = kind.fit(job, own)
        if rungs.objective == UNSEEN_LOSS and (what := kind.unpredicted(job, fitted, own)) is not None:
            raise BadInput(
                f"{trial.shown} predicts no {what} of {trial.split}, which {UNSEEN_LOSS} is of, too: it cannot be "
                "compared with models that do; expected them in what its method predict returns, see docs/your-model.md"
            )
        write_curve(folder.curve, fitted.curve, trial)
        each = [(loss if math.isfinite(loss) else None, known) for loss, known in kind.each_unseen(job, fitted, own)]
        files.write_json(folder.metrics, {**named(trial), "validation": best_metrics(fitted), "each_unseen": each})
        result: Done = {**done_record(trial, fitted, own.provenance.standin, started), **(made_by or {})}
        result |= {"selected_on": "validation trials of the training part"}
        result |= {"stopped_at": ladder.stopped_at(fitted.epochs)}
        return {**result, "out_of_time": True} if meter.over else result

    result = once(trial, setting, run)
    # Weights of thousands of candidates are worth nothing; the settings and the seed give them back.
    files.remove(RunFolder(setting.run).trial(trial.id).checkpoint)
    return result


class _Ladder:
    """A trial's way past ASHA's rungs, on disk before anyone knows."""

    def __init__(self, name: str, folder: TrialFolder, rungs: Rungs) -> None:
        self._name, self._folder, self._rungs = name, folder, rungs
        self._values = {str(epoch): value for epoch, value in read_rungs(folder).items()}
        self._end = self._read_end()

    def climb(self, note: Note) -> None:
        """Write and tell what the objective is, where an epoch is a rung."""
        epoch, name = note.get("epoch"), self._rungs.objective
        if epoch is None or epoch not in self._rungs.epochs:
            return
        value = note["best_loss"] if name == "validation_loss" else note.get(name)
        if isinstance(value, int | float):
            self._values[str(epoch)] = value
            files.write_json(self._folder.rungs, {"trial": self._name, **self._values})
            self._rungs.reached(epoch, value)
            self._end = self._read_end()

    def ends(self, epoch: int) -> bool:
        """Tell whether the trial ends after this epoch."""
        return self._end is not None and epoch >= self._end

    def stopped_at(self, epochs: int) -> int | None:
        """Return the epoch at which ASHA ended a trial that was trained for so many epochs, if it did."""
        return self._end if self._end is not None and epochs == self._end else None

    def _read_end(self) -> int | None:
        if not files.exists(self._folder.stop):
            return None
        found = files.read_object(self._folder.stop)
        self._folder.check_own(self._folder.stop, found)
        return settings.coerce(int, found.get("epoch"), f"{self._folder.stop}, epoch")
