"""A run that a person names, and where its data lie: its own record knows."""

from __future__ import annotations

from collections.abc import Sequence

from raysp.config.experiment import Trial
from raysp.errors import BadInput, NotReady
from raysp.io import files
from raysp.runs.folder import RunFolder


def run_of(folder: str) -> RunFolder:
    """Return a run's folder. Raises BadInput when it holds a sweep, whose trials predict nothing."""
    from raysp.kinds import catalog as kinds

    run = RunFolder(folder)
    if run.is_sweep():
        raise BadInput(
            f"{run.path} is a sweep: its trials only compare settings, and predict nothing. Train with the best ones: "
            f"raysp run EXPERIMENT --settings {run.path}"
        )
    kinds.plug(run)
    return run


def data_root(run: RunFolder, given: str | None, trials: Sequence[Trial]) -> tuple[str, list[str]]:
    """Return the data root of a run's trials: the one that was typed, else the one that the run was made with.

    Args:
        run: the run folder.
        given: what was typed; None for nothing.
        trials: those whose data are wanted.

    Returns:
        The root, and a sentence for each split that is not there, or is no longer what the trials were trained on.

    Raises:
        BadInput: that is so for all of them; the sentence says what to type.
    """
    recorded = run.record().get("root")
    root = files.absolute(given if given is not None else recorded or "data")
    whose = "that was typed" if given is not None else "that the run was made with"
    wanted = {trial.split: trial.data for trial in trials}
    problems = {split: problem for split, data in wanted.items() if (problem := _problem(root, split, data))}
    if problems and len(problems) == len(wanted):
        first = next(iter(problems.values()))
        more = f" (and {len(problems) - 1} more splits likewise)" if len(problems) > 1 else ""
        raise BadInput(
            f"{first}{more}: the data root {whose} is {root}; if the data lie elsewhere, type the same command with "
            "--root FOLDER, else run the experiment again"
        )
    return root, list(problems.values())


def whole_root(run: RunFolder, given: str | None, trials: Sequence[Trial]) -> str:
    """Return the data root of trials, all of whose splits must be there and what they were; see `data_root`."""
    root, problems = data_root(run, given, trials)
    if problems:
        raise BadInput(f"{problems[0]}; the data root is {root}, another one is typed as --root FOLDER")
    return root


def _problem(root: str, split: str, data: str) -> str | None:
    """Return why a split below a root is not what a trial was trained on; None when it is."""
    from raysp.data.splits import store

    try:
        now = store.header(root, split).fingerprint
    except (BadInput, NotReady) as reason:
        return str(reason)
    if now != data:
        return f"{split} is no longer what the run was trained on (data {data[:12]}, now {now[:12]})"
    return None
