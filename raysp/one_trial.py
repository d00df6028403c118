"""One trial from its data to its done.json, in this process; no Ray needed."""

from __future__ import annotations

import contextlib
import functools
import math
import platform
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import raysp
from raysp import code_hash, files
from raysp.config import Trial
from raysp.data import split_file
from raysp.data.split import PopulationSplit, Targets
from raysp.data.stimulus import StimulusSplit
from raysp.errors import BadInput, Interrupted, NotReady, StoreError
from raysp.runs import RunFolder, TrialFolder, trial_to
from raysp.system_errors import is_disk_full
from raysp.words import counted
from raysp.yaml_files import write_yaml


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


def run_trial(
    trial: Trial,
    setting: Setting,
    report: Callable[[dict[str, Any]], None] = lambda note: None,
    keep_going: Callable[[], bool] = lambda: True,
) -> dict[str, Any]:
    """Train, predict and record one trial; a finished one is left as it is.

    Args:
        trial: what to run.
        setting: where.
        report: called with small notes of progress, once per epoch.
        keep_going: asked once per epoch; False saves the state and stops.

    Returns:
        What done.json says.

    Raises:
        Interrupted: `keep_going` said stop; the checkpoint holds the state.
        Exception: whatever went wrong, after the traceback was written to error.txt.
    """
    folder = RunFolder(setting.run).trial(trial.id)
    if files.exists(folder.done):
        return folder.read_done()
    check_code(trial)
    with recorded(trial, folder) as log:
        return _run(trial, setting, folder, report, keep_going, log)


def check_code(trial: Trial) -> None:
    """Raise NotReady unless this process would compute a trial with the code that it was planned with."""
    if trial.code and code_hash.digest(code_hash.of_model(trial.model, trial.settings)) != trial.code:
        raise NotReady(
            f"the code of {trial.model} on {platform.node()} is not the one that {trial.id} was planned with; it was "
            "changed since, or differs from machine to machine. Run the same command again to plan with what is there"
        )


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


def _run(trial, setting, folder, report, keep_going, log) -> dict[str, Any]:
    from raysp.collection import curve, latents, predictions
    from raysp.evaluation.hidden import masked_deviance
    from raysp.training import trial as training

    started = time.time()
    split, targets = _data(trial, setting)
    if isinstance(split, StimulusSplit):
        from raysp.stimulus_trial import produce

        return produce(trial, split, setting.device, folder, report, keep_going, log)
    log.line(f"{trial.id}: {parts_told(trial, split)}")
    fitted = training.fit_trial(
        trial,
        split,
        checkpoint=folder.checkpoint,
        device=setting.device,
        report=lambda note: (log.epoch(note), report(note)),
        targets=targets,
        follow=_follow(trial, setting),
        measure=measure,
        keep_going=keep_going,
    )
    log.line(summary(fitted, trial))
    final = _refitted(trial, setting, folder, split, fitted, report, keep_going, log)
    report({"phase": "predicting"})
    parts = {
        "train": training.predict(final.model, split.train, final.device),
        "eval": training.predict(final.model, split.eval, final.device),
    }
    predictions.write_predictions(folder.predictions, trial, split.sizes, parts, split)
    if parts["eval"].latents is not None:
        train = None if split.train.states is None else parts["train"].latents
        latents.write_latents(folder.latents, parts["eval"].latents, train, trial)
    curve.write_curve(folder.curve, fitted.curve, trial)
    told = masked_deviance(lambda trials: training.predict(final.model, trials, final.device), split.eval)
    evaluation = {"masked deviance": told if math.isfinite(told) else None}
    files.write_json(folder.metrics, {**named(trial), "validation": best_metrics(fitted), "evaluation": evaluation})
    result = done_record(trial, fitted, split.provenance.standin, started) | {"selected_on": _selected_on(trial)}
    files.write_json(folder.done, result)
    return result


def named(trial: Trial) -> dict[str, str]:
    """Return what a file says of whose it is."""
    return {"trial": trial.id, "data": trial.data}


def done_record(trial: Trial, fitted: Any, standin: bool, started: float) -> dict[str, Any]:
    """Return what done.json says of a fitted trial, with where and by what it was computed."""
    import numpy
    import torch

    from raysp.record import commit

    return {
        "trial": trial.id,
        "best_epoch": fitted.best_epoch,
        "epochs": fitted.epochs,
        "learning_rates": list(fitted.learning_rates),
        "steps_per_epoch": fitted.steps,
        "validation_loss": fitted.validation_loss,
        "unseen_loss": best_metrics(fitted).get("unseen_loss"),
        "validation": best_metrics(fitted),
        "parameters": fitted.parameters,
        "device": str(fitted.device),
        "seconds": round(time.time() - started, 3),
        "training_seconds": round(fitted.seconds, 3),
        "data": trial.data,
        "standin": standin,
        "raysp": raysp.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "code": trial.code,
        "commit": commit()["commit"],
        "host": platform.node(),
    }


def _refits(trial: Trial) -> bool:
    return trial.training is not None and trial.training.refit and trial.follows is None


def _refitted(trial, setting, folder, split, fitted, report, keep_going, log) -> Any:
    from raysp.training import trial as training

    if not _refits(trial):
        return fitted
    log.line(f"training anew on all training trials for {fitted.best_epoch} epochs")
    return training.fit_trial(
        trial,
        split,
        checkpoint=folder.refit_checkpoint,
        device=setting.device,
        report=lambda note: report({"phase": f"refit {note['epoch']}/{note['epochs']}"} if "epoch" in note else note),
        follow=training.Follow(fitted.best_epoch, tuple(fitted.learning_rates), fitted.steps),
        keep_going=keep_going,
    )


def _selected_on(trial: Trial) -> str:
    if trial.training is None:
        return "nothing"
    if trial.follows is not None:
        return "the validation-phase trial it follows"
    if trial.training.validate_on == "eval":
        return "evaluation trials"
    return "validation trials of the training part" + (", then trained on all of it" if _refits(trial) else "")


def _data(trial: Trial, setting: Setting) -> tuple[PopulationSplit | StimulusSplit, Targets | None]:
    found = split_file.header(setting.root, trial.split)
    if found["fingerprint"] != trial.data:
        raise BadInput(
            f"{trial.split} changed since the experiment was planned (expected data {trial.data[:12]}, "
            f"found {found['fingerprint'][:12]}); run the experiment again to plan it on the new data"
        )
    split = _load(setting.root, trial.split, trial.data)
    if isinstance(split, StimulusSplit):
        return split if trial.neurons is None else split.select(trial.neurons), None
    on_eval = trial.training is not None and trial.training.validate_on == "eval" and trial.follows is None
    targets = split_file.load_targets(setting.root, trial.split) if on_eval else None
    if trial.neurons is not None:
        split = split.select(trial.neurons)
        targets = None if targets is None else targets.select(trial.neurons)
    return split, targets


@functools.lru_cache(maxsize=2)
def _load(root: str, name: str, fingerprint: str) -> PopulationSplit | StimulusSplit:
    return split_file.load(root, name)


def _follow(trial: Trial, setting: Setting) -> Any:
    if trial.follows is None or trial.training is None:
        return None
    from raysp.training.trial import Follow

    followed = RunFolder(setting.run).trial(trial.follows)
    if not files.exists(followed.done):
        raise NotReady(f"{trial.id} takes its epochs from {trial.follows}, which is not finished; run that first")
    found = followed.read_done("best_epoch", "learning_rates")
    return Follow(found["best_epoch"], tuple(found["learning_rates"]), found.get("steps_per_epoch", 0))


def measure(prediction: Any, trials: Any) -> dict[str, float]:
    """Return the live metrics of a prediction of the validation trials."""
    from raysp.evaluation.live import live_metrics

    return live_metrics(prediction, trials)


def best_metrics(fitted: Any) -> dict[str, float]:
    """Return the numbers of the validation trials at the best epoch, by name."""
    rows = [row for row in fitted.curve if row["epoch"] == fitted.best_epoch]
    plain = ("epoch", "seconds", "learning_rate")
    return {name: value for row in rows for name, value in row.items() if name not in plain and value is not None}


def parts_told(trial: Trial, split: PopulationSplit) -> str:
    """Return how many trials train, validate and evaluate, in words. Raises BadInput as `validation_mask` does."""
    from raysp.training.validation import validation_mask

    training, count = trial.training, len(split.train)
    validated = training is not None and training.validate_on != "eval" and trial.follows is None
    aside = int(validation_mask(split.train, training).sum()) if validated else 0
    between = f", {aside} validation" if aside else ""
    return f"{count - aside} training{between} and {counted(len(split.eval), 'evaluation trial')}"


def summary(fitted: Any, trial: Trial) -> str:
    """Return the losses of the validation trials at the best epoch in words."""
    if trial.follows is not None and trial.training is not None:
        return f"{counted(fitted.epochs, 'epoch')} on all training trials, as many as were best in {trial.follows}"
    unseen, own = best_metrics(fitted).get("unseen_loss"), fitted.validation_loss
    compared = "none: nothing is held out" if unseen is None else f"{unseen:.6g} nats per entry of what was not shown"
    selected = "none: the model fits itself" if own is None else f"{own:.6g} at epoch {fitted.best_epoch}, its own loss"
    return f"unseen_loss {compared}; validation_loss {selected}"


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

    def epoch(self, note: dict[str, Any]) -> None:
        """Add a line of what an epoch came to, at most one in ten seconds; warnings always."""
        if "warning" in note:
            self.line(f"warning: {note['warning']}")
        if "epoch" in note and time.monotonic() >= self._next:
            self._next = time.monotonic() + 10
            # Before any validation, the best loss is infinite.
            known = {name: value for name, value in note.items() if value is not None and value != math.inf}
            self.line(", ".join(f"{name} {_short(value)}" for name, value in known.items()))


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
