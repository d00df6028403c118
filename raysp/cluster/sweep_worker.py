"""What a process of a sweep does with each trial that Tune hands it."""

from __future__ import annotations

import json
import pkgutil
import time
import traceback
from collections.abc import Mapping
from typing import Any

import ray
from ray import tune

from raysp.cluster.events import News
from raysp.cluster.worker import Notes
from raysp.config import plugins
from raysp.config.experiment import Trial
from raysp.config.note import Note, Report
from raysp.data.splits.split import Split
from raysp.errors import Interrupted, StoreError
from raysp.io import files, machine
from raysp.io.system_errors import is_disk_full
from raysp.runs.folder import RunFolder, trial_from
from raysp.runs.trial_log import Setting, recorded
from raysp.training.process_limits import limit_memory, limit_threads
from raysp.trials.limits import Limits
from raysp.trials.search_trial import Rungs

BEAT_S = 5.0


def train(config: dict[str, Any], shared: dict[str, Any]) -> None:
    """Run one trial. The function that Ray Tune calls.

    Errors of the trial are in its folder and on record; they are not raised, since Tune would end the process.

    Args:
        config: "trial" (JSON of its plain form), its "id", and the "study" whose rungs it passes, None for none.
        shared: see `cluster.sweep.work`.
    """
    limit_threads(shared["threads"])
    limit_memory(shared["share"])
    trial, setting = trial_from(json.loads(config["trial"])), Setting(**shared["setting"])
    beats = _Beats()
    epochs, objective = shared["rungs"].get(config["study"], ((), "validation_loss"))
    rungs = Rungs(epochs, objective, lambda epoch, value: tune.report({"rung": epoch, "value": value, **beats.beat()}))
    try:
        # The split's class may be a plug-in's.
        plugins.use(trial.plugins, RunFolder(setting.run).code)
        part = ray.get(shared["parts"][trial.split])
        run = pkgutil.resolve_name(shared["runner"])
        result = run(trial, part, setting, beats.note, rungs, shared["made_by"], Limits(**shared["limits"]))
    except Interrupted:
        tune.report({"stopped": True, **beats.beat()})
    except Exception as error:
        full = {"disk_full": str(getattr(error, "filename", None) or "")} if is_disk_full(error) else {}
        # A store that stays away says nothing of the trial either.
        away = {"store": str(error)} if isinstance(error, StoreError) else {}
        tune.report({"error": traceback.format_exc(limit=1), **full, **away, **beats.beat()})
    else:
        tune.report({"seconds": result.get("seconds"), **beats.beat()})
    machine.give_memory_back()


class _Beats(Notes):
    """Passes progress on every few seconds, and never between: a report is a round trip to the driver."""

    def __init__(self) -> None:
        super().__init__()
        self._last = time.monotonic()

    def note(self, note: Note) -> None:
        super().note(note)
        if time.monotonic() - self._last >= BEAT_S:
            tune.report(self.beat())

    def beat(self) -> dict[str, News]:
        """Return what was not passed on yet, as part of a report."""
        self._last = time.monotonic()
        return {"note": self.take()}


def noop(
    trial: Trial,
    part: Split,
    setting: Setting,
    report: Report,
    rungs: Rungs,
    made_by: Mapping[str, str],
    limits: Limits,
) -> dict[str, object]:
    """Train nothing, but record it as any trial: what is left is the platform's own cost."""
    folder = RunFolder(setting.run).trial(trial.id)
    with recorded(trial, folder) as log:
        log.line("nothing to do")
        loss = sum(float(v) for v in trial.hyperparameters.values() if isinstance(v, int | float)) % 1.0
        values = {"validation_loss": loss}
        result = {"trial": trial.id, "validation": values, "seconds": 0.0, "stopped_at": None, "selected_on": "nothing"}
        files.write_json(folder.done, {**result, "parameters": 0, "best_epoch": 0, "epochs": 0, **made_by})
    return result
