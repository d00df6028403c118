"""Candidates in Optuna's words: distributions, finished trials, and a study file that Optuna's own tools open."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from raysp.errors import present
from raysp.io import files
from raysp.search.objective import better
from raysp.search.outcome import Score
from raysp.search.result import Result
from raysp.search.space import Entry
from raysp.search.study import Candidate, Definition

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

Token = bool | int | float | str | None
"""A value of a setting as Optuna holds it."""


def distribution(entry: Entry) -> BaseDistribution:
    """Return an entry's range as Optuna's distribution."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if entry.kind == "uniform":
        return FloatDistribution(entry.low, entry.high, log=entry.log, step=entry.step)
    if entry.kind == "int":
        return IntDistribution(int(entry.low), int(entry.high), log=entry.log, step=int(entry.step or 1))
    return CategoricalDistribution([token(value) for value in entry.choices])


def token(value: object) -> Token:
    """Return a choice as something Optuna can hold: lists become their JSON text."""
    return value if value is None or isinstance(value, bool | int | float | str) else json.dumps(value)


def frozen(definition: Definition, candidate: Candidate, score: Score, *, running: bool = False) -> FrozenTrial:
    """Return a candidate as an Optuna trial: complete, pruned at ASHA's last rung, failed, or running.

    Args:
        definition: its study.
        candidate: whose params lie inside the space.
        score: how it did; of no account with `running`.
        running: as one whose result is not known yet.
    """
    from optuna.trial import TrialState, create_trial

    entries = {entry.name: entry for entry in definition.space.free}
    common: dict[str, Any] = {
        "params": {name: token(value) for name, value in candidate.params.items()},
        "distributions": {name: distribution(entries[name]) for name in candidate.params},
        "user_attrs": {"candidate": candidate.number, "source": candidate.source},
    }
    names = definition.objectives
    known = all(name in score.values for name in names)
    if running:
        return create_trial(state=TrialState.RUNNING, **common)
    if score.state == "done" and known:
        return create_trial(state=TrialState.COMPLETE, values=[score.values[name] for name in names], **common)
    if score.state == "stopped" and known:
        steps = {present(score.stopped_at): score.values[names[0]]}
        return create_trial(state=TrialState.PRUNED, intermediate_values=steps, **common)
    return create_trial(state=TrialState.FAIL, **common)


def new_study(definition: Definition, storage: BaseStorage | None = None, name: str | None = None) -> optuna.Study:
    """Return an empty Optuna study with the definition's directions, Optuna's own messages silenced."""
    import optuna

    optuna.logging.set_verbosity(logging.ERROR)
    directions: dict[str, Literal["minimize", "maximize"]] = {"min": "minimize", "max": "maximize"}
    return optuna.create_study(
        directions=[directions[better(name)] for name in definition.objectives], storage=storage, study_name=name
    )


def write_journal(result: Result) -> str:
    """Write a study as Optuna's journal, which optuna-dashboard and optuna.load_study open; return its path.

    It is a picture of the candidates' files, written anew each time; the search never reads it.
    """
    from optuna.storages import JournalStorage
    from optuna.storages.journal import BaseJournalBackend

    class Lines(BaseJournalBackend):
        """A journal in memory: on disk it would be written with a lock and a sync for every parameter."""

        def __init__(self) -> None:
            self.logs: list[dict[str, Any]] = []

        def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
            return iter(json.loads(json.dumps(self.logs[log_number_from:])))

        def append_logs(self, logs: list[dict[str, Any]]) -> None:
            self.logs += logs

    lines, definition = Lines(), result.study.definition
    found = new_study(definition, JournalStorage(lines), result.study.name)
    for candidate in result.candidates:
        score = result.scores[candidate.number]
        if candidate.inside and score.state != "waiting":
            found.add_trial(frozen(definition, candidate, score))
    path = files.join(result.study.path, "optuna-journal.log")
    files.write_text(path, "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines.logs))
    return path
