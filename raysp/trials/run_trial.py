"""One trial from its data to its done.json, in this process; no Ray needed."""

from __future__ import annotations

import dataclasses
import functools
import math
import platform
import time
from collections.abc import Callable
from typing import Any

from raysp.config import code_hash
from raysp.config.experiment import Trial
from raysp.data.splits import store
from raysp.data.splits.population import PopulationSplit, Targets
from raysp.data.splits.stimulus import StimulusSplit
from raysp.errors import BadInput, NotReady
from raysp.io import files
from raysp.io.words import counted
from raysp.runs.folder import RunFolder
from raysp.runs.trial_log import Setting, best_metrics, done_record, named, recorded


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


def _run(trial, setting, folder, report, keep_going, log) -> dict[str, Any]:
    from raysp.evaluation.hidden import masked_deviance
    from raysp.kinds.population import latents, rates_file
    from raysp.runs import curve
    from raysp.training import trial as training

    started = time.time()
    split, targets = _data(trial, setting)
    if isinstance(split, StimulusSplit):
        from raysp.kinds.stimulus.trial import produce

        return produce(trial, split, setting.device, folder, report, keep_going, log)
    log.line(f"{trial.id}: {parts_told(trial, split)}")
    job = training.Job(
        trial,
        device=setting.device,
        checkpoint=folder.checkpoint_of,
        report=lambda note: (log.epoch(note), report(note)),
        follow=_follow(trial, setting),
        measure=measure,
        keep_going=keep_going,
    )
    fitted = training.fit_trial(job, split, targets)
    log.line(summary(fitted, trial))
    final = _refitted(job, split, fitted, report, log)
    report({"phase": "predicting"})
    parts = {
        "train": training.predict(final.model, split.train, final.device),
        "eval": training.predict(final.model, split.eval, final.device),
    }
    rates_file.write_predictions(folder.predictions, trial, split.sizes, parts, split)
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


def _refits(trial: Trial) -> bool:
    return trial.training is not None and trial.training.refit and trial.follows is None


def _refitted(job, split, fitted, report, log) -> Any:
    from raysp.training import trial as training

    if not _refits(job.trial):
        return fitted
    log.line(f"training anew on all training trials for {fitted.best_epoch} epochs")
    again = dataclasses.replace(
        job,
        report=lambda note: report({"phase": f"refit {note['epoch']}/{note['epochs']}"} if "epoch" in note else note),
        follow=training.Follow(fitted.best_epoch, tuple(fitted.learning_rates), fitted.steps),
    )
    return training.fit_trial(again, split, stage="refit")


def _selected_on(trial: Trial) -> str:
    if trial.training is None:
        return "nothing"
    if trial.follows is not None:
        return "the validation-phase trial it follows"
    if trial.training.validate_on == "eval":
        return "evaluation trials"
    return "validation trials of the training part" + (", then trained on all of it" if _refits(trial) else "")


def _data(trial: Trial, setting: Setting) -> tuple[PopulationSplit | StimulusSplit, Targets | None]:
    found = store.header(setting.root, trial.split)
    if found.fingerprint != trial.data:
        raise BadInput(
            f"{trial.split} changed since the experiment was planned (expected data {trial.data[:12]}, "
            f"found {found.fingerprint[:12]}); run the experiment again to plan it on the new data"
        )
    split = _load(setting.root, trial.split, trial.data)
    if isinstance(split, StimulusSplit):
        return split if trial.neurons is None else split.select(trial.neurons), None
    on_eval = trial.training is not None and trial.training.validate_on == "eval" and trial.follows is None
    targets = store.load_targets(setting.root, trial.split) if on_eval else None
    if trial.neurons is not None:
        split = split.select(trial.neurons)
        targets = None if targets is None else targets.select(trial.neurons)
    return split, targets


@functools.lru_cache(maxsize=2)
def _load(root: str, name: str, fingerprint: str) -> PopulationSplit | StimulusSplit:
    return store.load(root, name)


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
