"""The predictions of a whole run as one Parquet dataset, partitioned by model and split."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable

from raysp.collection.predictions import whose
from raysp.config.experiment import Trial
from raysp.errors import BadInput, NotReady
from raysp.io import files, storage
from raysp.io.words import counted
from raysp.runs.folder import RunFolder


def gather(run: RunFolder, *, partial: bool = False, report: Callable[[str], None] | None = None) -> str:
    """Bring the predictions of all finished trials of the plan into one dataset; only what is new is moved.

    Each file appears as `predictions/model=<model>/split=<split>/<trial id>.parquet`: as a hard link where the file
    system has them, since the table is the trial's own, column for column, and a copy would double gigabytes; else as
    a copy made by the file system. The columns `model` and `split` are also in the files and equal the folders', so
    that a single file still says what it is: `polars.scan_parquet(folder, glob=False)` reads each once and skips the
    files of other models; `pandas.read_parquet(folder, partitioning=None)` reads the same.

    Args:
        run: the run.
        partial: take what is finished of an unfinished run.
        report: called with each line of what was done.

    Returns:
        The dataset's folder.

    Raises:
        NotReady: trials are missing or failed and `partial` is False, or none is finished.
        BadInput: a finished trial's predictions are damaged; nothing was changed.
        OSError: the disk is full; what was gathered stays, and the same call goes on from there.
    """
    trials = finished(run, partial=partial)
    digests = {gathered_path(run, trial): digest_of(run, trial) for trial in trials}
    moved = 0
    for trial, (target, digest) in zip(trials, digests.items(), strict=True):
        if not _up_to_date(target, digest):
            _bring(run, run.trial(trial.id).predictions, target)
            moved += 1
    removed = _remove_others(run, set(digests))
    if report is not None:
        report(f"{counted(trials, 'trial')} in {run.predictions}: {moved} new, {removed} removed")
    return run.predictions


def gathered_path(run: RunFolder, trial: Trial) -> str:
    """Return where a trial's predictions lie in the dataset."""
    return files.join(run.predictions, f"model={trial.shown}", f"split={trial.split}", f"{trial.id}.parquet")


def finished(run: RunFolder, trials: list[Trial] | None = None, *, partial: bool = False) -> list[Trial]:
    """Return the finished trials of the plan, or of those given.

    Raises:
        NotReady: some are not finished and `partial` is False, or none is; the error says what to type.
    """
    planned = run.trials() if trials is None else trials
    states: dict[str, str] = run.states(planned) | {trial.id: "without predictions" for trial in run.lost(planned)}
    done = [trial for trial in planned if states[trial.id] == "done"]
    if done and (partial or len(done) == len(planned)):
        return done
    counts = Counter(state for state in states.values() if state != "done")
    undone = [name for name, state in states.items() if state != "done"]
    shown = ", ".join(undone[:3]) + (f" and {len(undone) - 3} more" if len(undone) > 3 else "")
    raise NotReady(
        f"{run.path}: {len(undone)} of {len(planned)} trials are not finished "
        f"({', '.join(f'{count} {state}' for state, count in counts.items())}): {shown}. "
        f"Type: {_command(run)}{' --retry' if counts['failed'] else ''}"
        + (f", or take what is finished: raysp collect {run.typed} --partial" if done else "")
    )


def digest_of(run: RunFolder, trial: Trial) -> str:
    """Return the digest of a finished trial's predictions.

    Raises:
        BadInput: they, or its done.json, are gone, damaged, or another trial's.
    """
    folder = run.trial(trial.id)
    if files.exists(folder.done):
        folder.read_done()
    try:
        trial_id, digest = whose(folder.predictions)
    except NotReady as error:
        raise BadInput(
            f"{trial.id} is finished, but its predictions are gone; remove {folder.path} and run the experiment again"
        ) from error
    if trial_id != trial.id:
        raise BadInput(
            f"{folder.predictions} expected predictions of {trial.id}, got those of {trial_id}; "
            f"remove {folder.path} and run the experiment again"
        )
    return digest


def _command(run: RunFolder) -> str:
    submitted = run.record().get("submissions") or [{}]
    return submitted[-1].get("command") or "raysp run EXPERIMENT"


def _up_to_date(target: str, digest: str) -> bool:
    try:
        return whose(target)[1] == digest
    except (NotReady, BadInput):
        return False


def _bring(run: RunFolder, source: str, target: str) -> None:
    if not files.is_local(source):
        files.copy(source, target)
        return
    # Beside the dataset: a reader takes every file in its folder for a part of it.
    with files.replacing(target, folder=run.path) as temporary:
        name = storage.filesystem(source)[1]
        try:
            os.link(name, temporary)
        except OSError:
            # No hard links on this file system, or not to this folder.
            shutil.copyfile(name, temporary)


def _remove_others(run: RunFolder, wanted: set[str]) -> int:
    removed = 0
    for model in _folders(run.predictions, "model="):
        for split in _folders(model, "split="):
            for name in files.listing(split):
                path = files.join(split, name)
                if name.endswith(".parquet") and path not in wanted:
                    files.remove(path)
                    removed += 1
            _remove_if_empty(split)
        _remove_if_empty(model)
    return removed


def _folders(path: str, prefix: str) -> list[str]:
    return [files.join(path, name) for name in files.listing(path) if name.startswith(prefix)]


def _remove_if_empty(folder: str) -> None:
    if not files.listing(folder):
        files.remove(folder)
