"""What a trial writes of itself while it runs: config.yaml, log.txt, error.txt, and what done.json says."""

from __future__ import annotations

import contextlib
import math
import platform
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import raysp
from raysp.config.experiment import Trial
from raysp.config.note import Note, Report
from raysp.errors import Interrupted, StoreError
from raysp.io import files
from raysp.io.system_errors import is_disk_full
from raysp.io.yaml_files import write_yaml
from raysp.runs.folder import TrialFolder, trial_to
from raysp.runs.provenance import commit
from raysp.runs.records import Done

if TYPE_CHECKING:
    from raysp.training.fitted import Fitted


@dataclass(frozen=True)
class Setting:
    """Where a trial runs; nothing of it changes the result.

    Attributes:
        run: the run folder's path.
        root: the data root.
        device: "auto", "cpu" or "cuda".
    """

    run: str
    root: str
    device: str = "auto"


@contextlib.contextmanager
def recorded(trial: Trial, folder: TrialFolder) -> Iterator[Log]:
    """Write a trial's config.yaml, give its log for the block, and write error.txt when the block fails."""
    files.remove(folder.error)
    write_yaml(folder.config, trial_to(trial))
    log = Log(folder)
    try:
        yield log
    except Interrupted:
        log.line("stopped; the checkpoint holds the state")
        raise
    except Exception as error:
        # Not the trial's failure: with room on the disk, or a store that answers, it goes on, and needs no --retry.
        if not is_disk_full(error) and not isinstance(error, StoreError):
            files.write_text(folder.error, traceback.format_exc())
        raise


def named(trial: Trial) -> dict[str, str]:
    """Return what a file says of whose it is."""
    return {"trial": trial.id, "data": trial.data}


def done_record(trial: Trial, fitted: Fitted, standin: bool, started: float) -> Done:
    """Return what done.json says of a fitted trial, with where and by what it was computed."""
    import numpy
    import torch

    found: Done = {
        "best_epoch": fitted.best_epoch,
        "epochs": fitted.epochs,
        "validation_loss": fitted.validation_loss,
        "parameters": fitted.parameters,
        "trial": trial.id,
        "data": trial.data,
        "learning_rates": list(fitted.learning_rates),
        "steps_per_epoch": fitted.steps,
        "unseen_loss": best_metrics(fitted).get("unseen_loss"),
        "validation": best_metrics(fitted),
        "device": str(fitted.device),
        # The clock may have been put back meanwhile.
        "seconds": round(max(time.time() - started, fitted.seconds), 3),
        "training_seconds": round(fitted.seconds, 3),
        "ended": round(time.time(), 3),
        "standin": standin,
        "raysp": raysp.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "code": trial.code,
        "commit": commit()["commit"],
        "host": platform.node(),
    }
    return {**found, "diverged": list(fitted.diverged)} if fitted.diverged else found


def best_metrics(fitted: Fitted) -> dict[str, float]:
    """Return the numbers of the validation trials at the best epoch, by name."""
    rows = [row for row in fitted.curve if row["epoch"] == fitted.best_epoch]
    plain = ("epoch", "seconds", "learning_rate")
    return {name: value for row in rows for name, value in row.items() if name not in plain and value is not None}


class Log:
    """log.txt: a line per event and every so many epochs; lines of earlier attempts are kept."""

    def __init__(self, folder: TrialFolder) -> None:
        self._path = folder.log
        self._lines = files.read_text(folder.log).splitlines() if files.exists(folder.log) else []
        self._next = 0.0

    def line(self, text: str) -> None:
        """Add a line."""
        self._lines.append(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}")
        files.write_text(self._path, "\n".join(self._lines) + "\n")

    def and_tell(self, report: Report) -> Report:
        """Return what takes notes of progress for the log and for others; a "log" is for the log alone."""

        def tell(note: Note) -> None:
            self.note(note)
            if "log" not in note:
                report(note)

        return tell

    def note(self, note: Note) -> None:
        """Add a line of what an epoch came to, at most one in ten seconds; warnings and what is meant for it always."""
        if "log" in note:
            self.line(note["log"])
        if "warning" in note:
            self.line(f"warning: {note['warning']}")
        if "epoch" in note and time.monotonic() >= self._next:
            self._next = time.monotonic() + 10
            # Before any validation, the best loss is infinite.
            known = {name: value for name, value in note.items() if value is not None and value != math.inf}
            self.line(", ".join(f"{name} {_short(value)}" for name, value in known.items()))


def _short(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
