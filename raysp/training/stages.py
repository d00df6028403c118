"""What a fit that is no descent has done so far, in one file: stopped or killed, it does not do it again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from raysp.errors import Interrupted
from raysp.training import checkpoint as checkpoints
from raysp.training.job import Job

T = TypeVar("T")


class Stages:
    """Results of stages by name: tensors and plain values.

    Args:
        job: whose, and whom to ask and tell.
        stage: of the job, whose checkpoint holds them.
    """

    def __init__(self, job: Job, stage: str) -> None:
        self.report, self._job, self._path = job.report, job, job.checkpoint(stage)
        self._saved, self._done = time.monotonic(), {}
        found = None if self._path is None else checkpoints.load(self._path, job.trial.id)
        if isinstance(found, dict) and isinstance(found.get("stages"), dict):
            self._done = found["stages"]
        elif found is not None:
            job.report(
                {"warning": f"{found if isinstance(found, str) else 'no stages in the checkpoint'}; starting over"}
            )

    def once(self, name: str, make: Callable[[], T]) -> T:
        """Return what a stage gave before the fit was stopped, or else what `make` gives.

        Raises:
            Interrupted: the job does not keep going; what is done is saved.
        """
        if name in self._done:
            return self._done[name]
        try:
            self._done[name] = make()
            if not self._job.keep_going():
                raise Interrupted(f"{self._job.trial.id} stopped after {name}")
        except Interrupted:
            self._save()
            raise
        if time.monotonic() - self._saved >= checkpoints.SAVE_EVERY_S:
            self._save()
        return self._done[name]

    def _save(self) -> None:
        if self._path is not None and self._done:
            checkpoints.save(self._path, self._job.trial.id, {"stages": self._done})
        self._saved = time.monotonic()
