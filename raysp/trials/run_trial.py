"""One trial from its data to its done.json, in this process; no Ray needed."""

from __future__ import annotations

import functools
import platform
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from raysp.config import code_hash, plugins
from raysp.config.experiment import Trial
from raysp.config.note import Report
from raysp.data.splits import store
from raysp.errors import NotReady
from raysp.io import files
from raysp.io.words import counted
from raysp.kinds import catalog as kinds
from raysp.kinds.kind import Kind
from raysp.runs import inputs
from raysp.runs.curve import write_curve
from raysp.runs.folder import RunFolder, TrialFolder
from raysp.runs.records import Done
from raysp.runs.trial_log import Log, Setting, best_metrics, done_record, named, recorded

if TYPE_CHECKING:
    from raysp.data.splits.split import Answers, Split
    from raysp.training.fitted import Fitted
    from raysp.training.job import Follow, Job


def run_trial(
    trial: Trial,
    setting: Setting,
    report: Report = lambda note: None,
    keep_going: Callable[[], bool] = lambda: True,
) -> Done:
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

    def run(folder: TrialFolder, log: Log) -> Done:
        from raysp.training.job import Job

        started = time.time()
        kind = kinds.of(store.same_data(setting.root, trial).kind)
        split, answers = data_of(trial, setting)
        log.line(f"{trial.id}: {kind.words(trial, split)}")
        job = Job(
            trial,
            device=setting.device,
            checkpoint=folder.checkpoint_of,
            report=log.and_tell(report),
            follow=follow_of(trial, setting),
            keep_going=keep_going,
            inputs=functools.partial(inputs.read, RunFolder(setting.run), trial),
        )
        fitted = kind.fit(job, split, answers)
        log.line(summary(fitted, trial))
        done = write_products(kind, job, fitted, split, folder)
        write_curve(folder.curve, fitted.curve, trial)
        return {**done_record(trial, fitted, split.provenance.standin, started), **done}

    return once(trial, setting, run)


def write_products(kind: Kind[Split], job: Job, fitted: Fitted, split: Split, folder: TrialFolder) -> Done:
    """Write what a fitted model predicts, and metrics.json; return what done.json is to say of it.

    Args:
        kind: of the data.
        job: of the trial.
        fitted: its model.
        split: the trial's units already selected.
        folder: of the trial.
    """
    products = kind.predict(job, fitted, split)
    for name, write in products.files.items():
        write(files.join(folder.path, name))
    known = {**named(job.trial), "validation": best_metrics(fitted), **products.metrics}
    files.write_json(folder.metrics, known)
    return products.done


def once(trial: Trial, setting: Setting, run: Callable[[TrialFolder, Log], Done]) -> Done:
    """Run a trial unless it is finished, write its done.json last, and return what that says.

    Args:
        trial: what to run.
        setting: where.
        run: writes all else into the trial's folder, and returns what done.json is to say.
    """
    folder = RunFolder(setting.run).trial(trial.id)
    if files.exists(folder.done):
        return folder.read_done()
    plugins.use(trial.plugins, RunFolder(setting.run).code)
    check_code(trial)
    with recorded(trial, folder) as log:
        result = run(folder, log)
        files.write_json(folder.done, result)
    return result


def check_code(trial: Trial) -> None:
    """Raise NotReady unless this process would compute a trial with the code that it was planned with."""
    if trial.code and code_hash.digest(code_hash.of_model(trial.model, trial.hyperparameters)) != trial.code:
        raise NotReady(
            f"the code of {trial.model} on {platform.node()} is not the one that {trial.id} was planned with; it was "
            "changed since, or differs from machine to machine. Run the same command again to plan with what is there"
        )


def data_of(trial: Trial, setting: Setting) -> tuple[Split, Answers | None]:
    """Return a trial's units of its split, and of the answers where it selects on them."""
    split, answers = _split_of(trial, setting.root), None
    if trial.training is not None and trial.training.validate_on == "eval" and trial.follows is None:
        answers = store.load_answers(setting.root, trial.split)
    if answers is not None and trial.units is not None:
        answers = answers.select(trial.units)
    return split, answers


def _split_of(trial: Trial, root: str) -> Split:
    of_data = (root, trial.split, trial.data, tuple((trial.plugins or {}).items()))
    if trial.units is None:
        return _load(*of_data)
    if store.reads_units(root, trial.split):
        return store.load_units(root, trial.split, trial.units)
    return _load(*of_data).select(trial.units)


@functools.lru_cache(maxsize=2)
def _load(root: str, name: str, fingerprint: str, plugins: tuple[tuple[str, str], ...]) -> Split:
    return store.load(root, name)


def follow_of(trial: Trial, setting: Setting) -> Follow | None:
    """Return what a trial takes over from the one it follows; None where it follows none. Raises NotReady."""
    if trial.follows is None or trial.training is None:
        return None
    from raysp.training.job import Follow

    followed = RunFolder(setting.run).trial(trial.follows)
    if not files.exists(followed.done):
        raise NotReady(f"{trial.id} takes its epochs from {trial.follows}, which is not finished; run that first")
    found = followed.read_done("best_epoch", "learning_rates")
    rates, steps = tuple(found["learning_rates"]), found.get("steps_per_epoch", 0)
    return Follow(found["best_epoch"], rates, steps, weights=found.get("weights", {}))


def summary(fitted: Fitted, trial: Trial) -> str:
    """Return the losses of the validation part at the best epoch in words."""
    if trial.follows is not None and trial.training is not None:
        return f"{counted(fitted.epochs, 'epoch')} on all training trials, as many as were best in {trial.follows}"
    unseen, own = best_metrics(fitted).get("unseen_loss"), fitted.validation_loss
    compared = "none" if unseen is None else f"{unseen:.6g} nats per entry of what was not shown"
    selected = "none: the model fits itself" if own is None else f"{own:.6g} at epoch {fitted.best_epoch}, its own loss"
    return f"unseen_loss {compared}; validation_loss {selected}"
