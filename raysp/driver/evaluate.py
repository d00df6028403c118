"""The numbers of a run: each finished trial's predictions against its split's answers, as rows of one tidy table."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from raysp.config.experiment import Trial
from raysp.data.splits import catalog as splits
from raysp.data.splits import store
from raysp.errors import BadInput, NotReady
from raysp.io.rows import Rows
from raysp.io.words import named
from raysp.kinds import catalog as kinds
from raysp.runs.folder import RunFolder, trial_from
from raysp.runs.records import PlainTrial
from raysp.runs.roles import roles

if TYPE_CHECKING:
    from raysp.data.splits.split import Split


def wanted(run: RunFolder, phase: str) -> list[Trial]:
    """Return the finished trials of a phase, in the plan's order.

    Raises:
        BadInput: the run has no splits of the phase.
        NotReady: none is finished.
    """
    present = run.trials()
    known = roles(run)
    trials = [trial for trial in present if known[trial.split].phase == phase]
    if present and not trials:
        names = named(list(dict.fromkeys(trial.split for trial in present)))
        raise BadInput(f"{run.path} has no splits of the {phase} phase (its splits: {names}); nothing to score")
    if not (finished := run.finished_of(trials)):
        raise NotReady(f"{run.path} has no finished trial of the {phase} phase; run the experiment first")
    return finished


def check_data(root: str, trials: Sequence[Trial]) -> None:
    """Refuse to score trials against other data than they were trained on. Raises as `store.same_data` does."""
    for trial in {(trial.split, trial.data): trial for trial in trials}.values():
        store.same_data(root, trial)


def evaluate_trial(run: str, root: str, plain: PlainTrial) -> Rows:
    """Return the rows of one trial, of metrics.parquet.

    Args:
        run: the run folder's path.
        root: the data root.
        plain: the trial in its plain form.

    Raises:
        NotReady: the answers are not known.
        BadInput: the split below `root` is not what the trial was trained on; predictions are damaged or another
            trial's; predictions and answers do not fit each other.
    """
    from raysp.collection.gather import digest_of

    trial = trial_from(plain)
    folder = RunFolder(run).trial(trial.id)
    prepared = store.same_data(root, trial)
    digest_of(RunFolder(run), trial)
    own = tuple((trial.plugins or {}).items())
    kind, split, answers = kinds.of(prepared.kind), _load(root, trial.split, prepared.fingerprint, own), None
    if splits.of(prepared.kind).Answers is not None:
        answers = store.load_answers(root, trial.split)
    if trial.units is not None and not kind.shares_units:
        split, answers = split.select(trial.units), None if answers is None else answers.select(trial.units)
    return kind.score(trial, split, answers, folder)


@functools.lru_cache(maxsize=1)
def _load(root: str, name: str, fingerprint: str, plugins: tuple[tuple[str, str], ...]) -> Split:
    # Trials that share out a task's units are scored one after the other in the same process.
    return store.load(root, name)
