"""The present form of an experiment: which of a run's trials are what it asks for now, and which are left from before.

A run may be filled split by split and model by model: what a command leaves out (`--splits`, `--models`) stays as it
is. An experiment that was edited is another form: what it does not ask for any more, or asks for otherwise, and what
other code computed, is kept on disk and in the record, named, and left out of all that is made of the run.
"""

from __future__ import annotations

import fnmatch
import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from raysp.config import code_hash, settings
from raysp.config.experiment import STANDIN, Experiment, Training, Trial, in_present_words
from raysp.config.settings import Plain
from raysp.data.splits import store
from raysp.data.splits.header import Header
from raysp.driver.plan import Plan, settings_on
from raysp.errors import BadInput, NotReady
from raysp.io.words import counted
from raysp.kinds import catalog as kinds
from raysp.kinds.kind import Units
from raysp.runs.folder import RunFolder, State, linked, trial_from
from raysp.runs.records import OtherCode, Record

Key = tuple[str, str, int, Units]
How = tuple[str, dict[str, Plain], Training | None]
"""A model, its hyperparameters, and how it is trained."""

GONE = "gone, with the model's file"
"""Of a trial whose model is no more."""


class Change(OtherCode):
    """A change of code that this command accepts, with settings of one of the trials."""

    hyperparameters: Mapping[str, Plain]


@dataclass(frozen=True)
class Form:
    """A run's trials, as an experiment has them now.

    Attributes:
        planned: those of this command, in order; older results stand for them where their code was accepted.
        present: those of the whole run that are the experiment's.
        earlier: what is left from before.
        other_code: those of the earlier ones that differ in their code alone.
        accepted: changes of code that this command accepts.
        record: the run's record, as it was before this command.
    """

    planned: tuple[Trial, ...]
    present: tuple[Trial, ...]
    earlier: tuple[Trial, ...] = ()
    other_code: tuple[Trial, ...] = ()
    accepted: tuple[Change, ...] = ()
    record: Record = field(default_factory=Record, compare=False, repr=False)


def settle(
    run: RunFolder,
    experiment: Experiment,
    own: Experiment,
    plan: Plan,
    root: str,
    *,
    accept: bool = False,
    anew: bool = False,
) -> Form:
    """Return the present form of a run; nothing is changed.

    Args:
        run: its folder; new, or of earlier commands.
        experiment: what is asked for, with the command line's changes of settings, not narrowed.
        own: the same as its file has it.
        plan: the trials of this command.
        root: the data root.
        accept: a person says that changes of the code changed no result.
        anew: the trials of this command are run with today's code, whatever was accepted.

    Raises:
        BadInput: the run's record is damaged, or names differ in case alone.
    """
    try:
        record = run.record()
    except NotReady:
        record = {"trials": [], "submissions": [], "data": {}}
    present = [trial_from(item) for item in record["trials"]]
    earlier = [trial_from(item) for item in record.get("earlier", ())]
    states = run.states([*present, *earlier, *plan.trials])
    # The last one of its kind is the newest.
    recorded = [*(trial for trial in earlier if states[trial.id] != "missing"), *present]
    check_case([*recorded, *plan.trials])
    accepts = _Accepts(accept, {(one["from"], one["to"]): None for one in record.get("accepted", ())})
    planned = list(plan.trials) if anew else _with_older(plan.trials, recorded, states, accepts)
    asked = _Asked(experiment, own, _form_before(record), root, frozenset(trial.id for trial in present))
    touched, ids = {(trial.shown, trial.split) for trial in planned}, {trial.id for trial in planned}
    kept: list[Trial] = []
    # A trial that follows another one stays with it.
    for trial in sorted((one for one in recorded if one.id not in ids), key=lambda one: one.follows is not None):
        follows = trial.follows is None or trial.follows in ids
        if follows and (trial.shown, trial.split) not in touched and asked(trial) and accepts(trial, _code_now(trial)):
            kept.append(trial)
            ids.add(trial.id)
    left = [trial for trial in recorded if trial.id not in ids and states[trial.id] != "missing"]
    return Form(
        planned=tuple(planned),
        present=(*kept, *planned),
        earlier=tuple(left),
        other_code=tuple(_other_code(left, planned)),
        accepted=tuple(one for one in accepts.pairs.values() if one),
        record=record,
    )


class _Accepts:
    """Which changes of code a person has said change no result, and which are said so by this command."""

    def __init__(self, accept: bool, pairs: dict[tuple[str, str], Change | None]) -> None:
        self._accept, self.pairs = accept, pairs

    def __call__(self, trial: Trial, now: str) -> bool:
        """Tell whether a trial's code may stand for the code as it is now, and note what is accepted so."""
        if trial.code == now or (trial.code, now) in self.pairs:
            return True
        if self._accept:
            self.pairs[trial.code, now] = {
                "model": trial.model,
                "hyperparameters": trial.hyperparameters,
                "from": trial.code,
                "to": now,
            }
        return self._accept


def lines(form: Form) -> list[str]:
    """Return lines about the trials that are left out."""
    found, code = [], form.record.get("code", {})
    for model in dict.fromkeys(trial.model for trial in form.other_code):
        mine = [trial for trial in form.other_code if trial.model == model]
        now = code_hash.of_model(model, mine[-1].hyperparameters)
        before = code.get(mine[-1].code, {})
        files = code_hash.named(before, code_hash.differing(before, now))
        found.append(
            f"made by other code of {model} ({files}): {_named(mine)}; kept, and left out. Where these changes change "
            "no result, --accept-code takes them as they are"
        )
    others = [trial for trial in form.earlier if trial not in form.other_code]
    if others:
        found.append(f"of an earlier form of the experiment: {_named(others)}; kept, and left out")
    return found


def _named(trials: Sequence[Trial]) -> str:
    names = ", ".join(trial.id for trial in trials[:3])
    return f"{counted(trials, 'trial')} ({names}{', ...' if len(trials) > 3 else ''})"


def check_case(trials: Iterable[Trial]) -> None:
    """Raise BadInput where two models or splits differ in case alone: on many disks, their folders would be one."""
    for what, names in (("models", {t.shown for t in trials}), ("splits", {t.split for t in trials})):
        by_folded: dict[str, str] = {}
        for name in sorted(names):
            if by_folded.setdefault(name.casefold(), name) != name:
                raise BadInput(
                    f"{what} {by_folded[name.casefold()]} and {name} differ in case alone, and so would their folders; "
                    "give one of them another name"
                )


def _with_older(
    plan: Iterable[Trial], recorded: list[Trial], states: Mapping[str, State], accepts: _Accepts
) -> list[Trial]:
    """Return the planned trials, finished ones of accepted code in their places."""
    by_key: dict[Key, list[Trial]] = {}
    for trial in recorded:
        if states[trial.id] == "done":
            by_key.setdefault(_key(trial), []).append(trial)
    found: list[Trial] = []
    renamed: dict[str, str] = {}
    for trial in plan:
        wanted = replace(trial, follows=renamed[trial.follows]) if trial.follows in renamed else trial
        older = [one for one in reversed(by_key.get(_key(trial), [])) if same_but_code(one, wanted)]
        if older and states.get(wanted.id) != "done":
            wanted = next((one for one in older if accepts(one, wanted.code)), wanted)
        if wanted is not trial:
            renamed[trial.id] = wanted.id
        found.append(wanted)
    return found


def same_but_code(before: Trial, now: Trial) -> bool:
    """Tell whether two trials are the same but for the code, and for settings that only one of the codes knows."""
    names = ("shown", "model", "split", "seed", "units", "training", "data", "inputs", "follows")
    return all(getattr(before, name) == getattr(now, name) for name in names) and linked(
        before.hyperparameters, now.hyperparameters
    )


def _key(trial: Trial) -> Key:
    return (trial.shown, trial.split, trial.seed, trial.units)


def _code_now(trial: Trial) -> str:
    try:
        return code_hash.digest(code_hash.of_model(trial.model, trial.hyperparameters))
    except BadInput:
        return GONE


def _other_code(left: list[Trial], planned: Iterable[Trial]) -> list[Trial]:
    """Return those of the trials left out that differ from what is asked for in their code alone."""
    twins = {_key(trial): trial for trial in planned}
    changed = [trial for trial in left if _code_now(trial) not in (GONE, trial.code)]
    return [trial for trial in changed if same_but_code(trial, twins.get(_key(trial), trial))]


def _form_before(record: Record) -> Experiment | None:
    try:
        return settings.build(Experiment, record["form"], "form") if "form" in record else None
    except BadInput:
        # Of a version of raysp that knew other settings.
        return None


class _Asked:
    """Tells whether a trial that a command leaves out is still what the experiment asks for.

    A change by the command line (`--set`) holds for what that command ran: those trials are the experiment's as long as
    its file asks for the same as it did then.
    """

    def __init__(
        self, experiment: Experiment, own: Experiment, before: Experiment | None, root: str, present: frozenset[str]
    ) -> None:
        self._experiment, self._own, self._before, self._present = experiment, own, before, present
        self._header = functools.cache(lambda split: _header(split, root))
        self._units = functools.cache(lambda split: _units(experiment, self._header(split)))
        self._known: dict[tuple[int, str, str], How | None] = {}

    def __call__(self, trial: Trial) -> bool:
        """Tell it of one trial."""
        header = self._header(trial.split)
        if header is not None and header.fingerprint != trial.data:
            return False
        units = header is None or trial.units in self._units(trial.split)
        if units and self._what(self._experiment, trial) == (trial.model, dict(trial.hyperparameters), trial.training):
            return True
        if self._before is None or trial.id not in self._present or (now := self._what(self._own, trial)) is None:
            return False
        return now == self._what(self._before, trial) and _data_of(self._own, trial) == _data_of(self._before, trial)

    def _what(self, form: Experiment, trial: Trial) -> How | None:
        """Return what a form would train in a trial's place; None where it asks for no such trial."""
        key = (id(form), trial.shown, trial.split)
        if key not in self._known:
            self._known[key] = _how(form, trial.shown, trial.split)
        return self._known[key] if trial.seed in form.seeds else None


def _how(form: Experiment, shown: str, split: str) -> How | None:
    bare = split.removeprefix(STANDIN)
    names = [*(pattern.removeprefix(STANDIN) for pattern in form.splits), *(one.name for one in form.recordings)]
    choice = {one.shown: one for one in form.models}.get(shown)
    if choice is None or not any(fnmatch.fnmatchcase(bare, name) for name in names):
        return None
    try:
        return (choice.name, *settings_on(form, choice, split))
    except BadInput:
        return None


def _header(split: str, root: str) -> Header | None:
    try:
        return store.header(root, split)
    except (NotReady, BadInput):
        return None


def _units(experiment: Experiment, header: Header | None) -> list[Units]:
    return [] if header is None else kinds.of(header.kind).cuts(experiment, header)


def _data_of(form: Experiment, trial: Trial) -> tuple[object, ...]:
    """Return which recording and units a form of the experiment takes in a trial's place."""
    bare = trial.split.removeprefix(STANDIN)
    own = [one for one in form.recordings if one.name == bare]
    recordings = [(one.name, one.source, settings.plain(in_present_words(one.settings))) for one in own]
    return recordings, form.units, form.units_per_trial
