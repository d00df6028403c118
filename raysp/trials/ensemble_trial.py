"""One trial that is an average of other trials' stored predictions: nothing is trained."""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict

import numpy as np

import raysp
from raysp.collection.predictions import whose
from raysp.config.experiment import Trial
from raysp.data.splits import store
from raysp.errors import BadInput, NotReady
from raysp.io import files, tables
from raysp.io.words import counted
from raysp.kinds import catalog as kinds
from raysp.runs.ensemble_tables import (
    CHOICES,
    CORRELATIONS,
    MEMBERS,
    MemberRow,
    choices,
    correlated,
    read_weights,
)
from raysp.runs.folder import RunFolder, TrialFolder, trial_from
from raysp.runs.provenance import commit
from raysp.runs.records import Done, PlainTrial
from raysp.runs.trial_log import Log, Setting, named, recorded

if TYPE_CHECKING:
    from raysp.data.splits.split import Split
    from raysp.evaluation.mixture import Evidence
    from raysp.evaluation.mixture_choice import Choice


class Member(TypedDict):
    """A trial whose predictions are averaged: the run folder's path, the trial, the predictions' digest, and the
    validation-phase trial whose weight it takes over.
    """

    run: str
    trial: PlainTrial
    digest: str
    follows: str | None


def tried(plain: PlainTrial, setting: Setting, members: Sequence[Member]) -> str:
    """Do the same, and return what a person can mend of it instead of raising it: no trial stops another."""
    try:
        ensemble_trial(plain, setting, members)
    except (BadInput, NotReady) as error:
        return str(error)
    return ""


def ensemble_trial(plain: PlainTrial, setting: Setting, members: Sequence[Member]) -> Done:
    """Weigh the members, average their predictions, and record what came of it; a finished trial is left as it is.

    Args:
        plain: the trial in its plain form; its hyperparameters say by what score, how many and which way.
        setting: where.
        members: in the order of the trial's table of them.

    Raises:
        NotReady: a member's predictions changed since the trial was planned.
        BadInput: they are damaged, or unlike each other.
    """
    from raysp.evaluation.mixture import correlations

    trial, started = trial_from(plain), time.time()
    folder = RunFolder(setting.run).trial(trial.id)
    if files.exists(folder.done):
        return folder.read_done()
    with recorded(trial, folder) as log:
        paths = [_unchanged(one) for one in members]
        kind = kinds.of(store.same_data(setting.root, trial).kind)
        split = store.load(setting.root, trial.split)
        split = split if trial.units is None else split.select(trial.units)
        if trial.hyperparameters["way"] == "all":
            log.line(f"{trial.id}: {counted(members, 'member')}, all of one weight")
            weights, validation = [1 / len(members)] * len(members), dict[str, float]()
            _keep(folder, members, weights, None)
        elif trial.follows is not None:
            log.line(f"{trial.id}: weights of {trial.follows}")
            weights, validation = _followed(setting, trial, members), dict[str, float]()
            _keep(folder, members, weights, None)
        else:
            by = str(trial.hyperparameters["by"])
            found = kind.evidence(by, [trial_from(one["trial"]) for one in members], split, paths)
            choice = _chosen(trial, found, log)
            weights, validation = choice.weights.tolist(), _nested(choice, by)
            _keep(folder, members, weights, choice)
            tables.write_table(files.join(folder.path, CHOICES), choices(choice))
            tables.write_table(files.join(folder.path, CORRELATIONS), correlated(correlations(found)))
        given = "given" in trial.hyperparameters
        if given:
            validation = {f"{name}, conditions not given": number for name, number in validation.items()}
        answers = store.load_answers(setting.root, trial.split) if given else None
        kind.average(trial, split, paths, weights, folder.predictions, answers)
        files.write_json(folder.metrics, {**named(trial), "validation": validation})
        done = _done(trial, validation, split, started)
        files.write_json(folder.done, done)
    return done


def _unchanged(member: Member) -> str:
    path = RunFolder(member["run"]).trial(member["trial"]["id"]).predictions
    trial_id, digest = whose(path)
    if trial_id != member["trial"]["id"]:
        raise BadInput(f"{path} expected predictions of {member['trial']['id']}, got those of {trial_id}")
    if digest != member["digest"]:
        raise NotReady(f"{path} changed since this ensemble was planned; run the same command again")
    return path


def _chosen(trial: Trial, found: Evidence, log: Log) -> Choice:
    from raysp.evaluation.mixture_choice import choose

    top, way = trial.hyperparameters["top"], str(trial.hyperparameters["way"])
    choice = choose(found, way, top if isinstance(top, int) else None)
    log.line(f"{trial.id}: {counted(found.members, 'member')}, {counted(len(found.null), 'validation trial')}")
    for one in choice.ways:
        log.line(f"{one.name}: {one.nested:.4f} nested, {one.gain:+.4f} +- {one.gain_error:.4f} on the best member")
    log.line(choice.note or f"taken: {choice.taken}, {counted(np.flatnonzero(choice.weights), 'member')} with weight")
    return choice


def _nested(choice: Choice, by: str) -> dict[str, float]:
    """Return the numbers of validation trials, by name."""
    ways = {one.name: one for one in choice.ways}
    if choice.taken not in ways:
        return {}
    taken = ways[choice.taken]
    return {
        by: taken.nested,
        f"{by} above the best member": taken.gain,
        f"{by} above the best member, standard error": taken.gain_error,
        **{f"{by}, {name}": one.nested for name, one in ways.items()},
    }


def _keep(folder: TrialFolder, members: Sequence[Member], weights: Sequence[float], choice: Choice | None) -> None:
    rows = [
        MemberRow(
            run=one["run"],
            trial=one["trial"]["id"],
            model=one["trial"].get("label") or one["trial"]["model"],
            seed=one["trial"].get("seed", 0),
            digest=one["digest"],
            score=None if choice is None else float(choice.alone[index]),
            weight=weights[index],
        )
        for index, one in enumerate(members)
    ]
    import polars

    tables.write_table(files.join(folder.path, MEMBERS), polars.DataFrame(rows, infer_schema_length=None))


def _followed(setting: Setting, trial: Trial, members: Sequence[Member]) -> list[float]:
    """Return the weights that the validation phase gave to what the members follow."""
    before = RunFolder(setting.run).trial(str(trial.follows))
    if not files.exists(before.done):
        raise NotReady(f"{trial.id} takes its weights from {trial.follows}, which is not finished; run that first")
    known = read_weights(before)
    found = [known.get((one["run"], str(one["follows"])), 0.0) for one in members]
    if not sum(found):
        raise BadInput(f"{trial.id}: no member follows one to which {trial.follows} gave weight")
    return [one / sum(found) for one in found]


def _selected_on(trial: Trial) -> str:
    if "given" in trial.hyperparameters:
        return f"{_chosen_by(trial)}; predicted with the conditions of evaluation trials known"
    return _chosen_by(trial)


def _chosen_by(trial: Trial) -> str:
    if trial.hyperparameters["way"] == "all":
        return "nothing: all members weigh the same"
    if trial.follows is not None:
        return "the validation-phase ensemble it follows"
    return "validation trials of the training part, which no member was fitted to"


def _done(trial: Trial, validation: dict[str, float], split: Split, started: float) -> Done:
    seconds = round(time.time() - started, 3)
    return {
        "trial": trial.id,
        "data": trial.data,
        "best_epoch": 0,
        "epochs": 0,
        "validation_loss": None,
        "parameters": 0,
        "learning_rates": [],
        "steps_per_epoch": 0,
        "validation": validation,
        "selected_on": _selected_on(trial),
        "device": "cpu",
        "seconds": seconds,
        "training_seconds": 0.0,
        "ended": round(time.time(), 3),
        "standin": split.provenance.standin,
        "raysp": raysp.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "code": trial.code,
        "commit": commit()["commit"],
        "host": platform.node(),
    }
