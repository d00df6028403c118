"""What a process of a sweep does with each trial that Tune hands it."""

from __future__ import annotations

import importlib
import json
import time
import traceback
from typing import Any

BEAT_S = 5.0


def train(config: dict[str, Any], shared: dict[str, Any]) -> None:
    """Run one trial. The function that Ray Tune calls.

    Errors of the trial are in its folder and on record; they are not raised, since Tune would end the process.

    Args:
        config: "trial" (JSON of its plain form), its "id", and the "study" whose rungs it passes, None for none.
        shared: see `cluster.sweep.work`.
    """
    import ray
    from ray import tune

    from raysp.errors import StoreError
    from raysp.io.system_errors import is_disk_full
    from raysp.runs.folder import trial_from
    from raysp.runs.trial_log import Setting
    from raysp.training.process_limits import limit_memory, limit_threads
    from raysp.trials.search_trial import Rungs

    limit_threads(shared["threads"])
    limit_memory(shared["share"])
    trial, setting = trial_from(json.loads(config["trial"])), Setting(**shared["setting"])
    beats = Beats()
    epochs, objective = shared["rungs"].get(config["study"], ((), "validation_loss"))
    rungs = Rungs(epochs, objective, lambda epoch, value: tune.report({"rung": epoch, "value": value, **beats.take()}))
    module, _, name = shared["runner"].rpartition(".")
    try:
        part = ray.get(shared["parts"][trial.split])
        run = getattr(importlib.import_module(module), name)
        result = run(trial, part, setting, beats.note, rungs, shared["made_by"])
    except Exception as error:
        full = {"disk_full": str(getattr(error, "filename", None) or "")} if is_disk_full(error) else {}
        # A store that stays away has said nothing of the trial either.
        away = {"store": str(error)} if isinstance(error, StoreError) else {}
        tune.report({"error": traceback.format_exc(limit=1), **full, **away, **beats.take()})
    else:
        tune.report({"seconds": result.get("seconds"), **beats.take()})


class Beats:
    """Passes progress on every few seconds, and never between: a report is a round trip to the driver."""

    def __init__(self) -> None:
        self._note: dict[str, Any] = {}
        self._rows: list[dict[str, Any]] = []
        self._last = time.monotonic()

    def note(self, note: dict[str, Any]) -> None:
        """Take a note of progress; tell the driver when the last time is long enough ago."""
        from ray import tune

        self._note.update(note)
        if "epoch" in note:
            self._rows.append(note)
        if time.monotonic() - self._last >= BEAT_S:
            tune.report(self.take())

    def take(self) -> dict[str, Any]:
        """Return what was not told yet."""
        told = {"note": {**self._note, "rows": self._rows}}
        self._note, self._rows, self._last = {}, [], time.monotonic()
        return told


def noop(trial: Any, part: Any, setting: Any, report: Any, rungs: Any, made_by: Any) -> dict[str, Any]:
    """Train nothing, but record it as any trial: what is left is the platform's own cost."""
    from raysp.io import files
    from raysp.runs.folder import RunFolder
    from raysp.runs.trial_log import recorded

    folder = RunFolder(setting.run).trial(trial.id)
    with recorded(trial, folder) as log:
        log.line("nothing to do")
        loss = sum(float(v) for v in trial.settings.values() if isinstance(v, int | float)) % 1.0
        values = {"validation_loss": loss}
        result = {"trial": trial.id, "validation": values, "seconds": 0.0, "stopped_at": None, "selected_on": "nothing"}
        files.write_json(folder.done, {**result, "parameters": 0, "best_epoch": 0, "epochs": 0, **made_by})
    return result
