"""Averages of stored predictions over models, seeds and runs: an ordinary run of its own, and nothing is trained."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import polars

from raysp.config import code_hash, plugins, settings
from raysp.config.experiment import STANDIN, Experiment, ModelChoice, Trial, check_name
from raysp.config.settings import Plain
from raysp.data.splits import store
from raysp.driver.ensemble_members import LEAST, NAME, UNJUDGED, Candidate, gather_members
from raysp.driver.record import copy_plugins, data, submission
from raysp.errors import BadInput, NotReady, expect, unknown
from raysp.io import files
from raysp.io.words import counted
from raysp.io.yaml_files import write_yaml
from raysp.kinds import catalog as kinds
from raysp.runs import inputs
from raysp.runs.folder import RunFolder, trial_from, trial_to
from raysp.runs.lock import locked
from raysp.runs.provenance import commit
from raysp.runs.records import Record
from raysp.runs.trial_log import Setting

GIVEN = "ensemble_given_conditions"
"""What it is called in tables where it uses the labels of evaluation trials, which no model is told."""

OWN = ("trials/ensemble_trial.py",)
ROOMS = ("evaluation", "kinds", "trials")
"""Whose code changes an ensemble."""


@dataclass(frozen=True)
class Request:
    """What is asked of an ensemble; BadInput where it judges members by a score, or some of them, and averages all.

    Attributes:
        root: the data root; None for the one that the first run was made with.
        runs: the folder of its run folder; None for that of the first run.
        name: of its run folder; empty for the first run's with "-ensemble" behind it, or "-given-conditions".
        by: score of validation trials, e.g. "co-bps"; empty for the kind's first that the split allows.
        top: how many members are weighed, the best on validation trials; None leaves it to cross-validation.
        way: "equal", "greedy" or "em" weights; "auto" for the way with the highest nested score; "all" for equal
            weights of all, also of trials that were fitted to the validation trials, and nothing is judged.
        given_conditions: average over all trials of a condition, too, by the labels of evaluation trials; one member
            is enough then.
        models: only these; none for all.
        splits: only those that match these globs; none for all.
        partial: take what is finished of unfinished runs.
        tracking: a tracking server's address; None for the run's own store.
        verbose: show what the libraries have to say.
    """

    root: str | None = None
    runs: str | None = None
    name: str = ""
    by: str = ""
    top: int | None = None
    way: str = "auto"
    given_conditions: bool = False
    models: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()
    partial: bool = False
    tracking: str | None = None
    verbose: bool = False

    def __post_init__(self) -> None:
        expect(
            self.way != "all" or (self.top is None and not self.by),
            "--weights all averages all members and judges none: leave out --top and --by, or choose by --models",
        )


@dataclass(frozen=True)
class Planned:
    """A trial of the ensemble's run, and its members in the order of its table of them."""

    trial: Trial
    members: Sequence[Candidate]


def ensemble(runs: Sequence[str], request: Request, say: Callable[[str], None]) -> RunFolder:
    """Average the stored predictions of some runs' trials, split by split; again, do only what is missing.

    Args:
        runs: paths of run folders.
        request: what is asked for.
        say: prints one line for a person.

    Returns:
        The ensemble's own run folder: collected, scored (of the validation phase) and reported.

    Raises:
        NotReady, BadInput: before anything was written, see `gather_members`.
        NotReady: a trial failed; of the others, all that is made of a run is there.
    """
    from raysp.cluster.jobs import Call, jobs
    from raysp.cluster.session import session
    from raysp.config.experiment import Resources
    from raysp.driver import tracking
    from raysp.driver.finish import finish

    tracking.check(request.tracking)
    gathered = gather_members(
        runs,
        request.models,
        request.splits,
        judged=request.way != "all",
        partial=request.partial,
        least=1 if request.given_conditions else LEAST,
    )
    root = files.absolute(request.root or RunFolder(runs[0]).record().get("root") or "data")
    planned = _planned(gathered.members, request, root)
    run = _run_folder(runs[0], request, planned)
    for note in gathered.left_out:
        say(f"  {note}")
    with locked(run), session(Resources(), verbose=request.verbose):
        _write_record(run, planned, root)
        missing = [one for one in planned if one.trial not in run.finished_of([one.trial])]
        for one in missing:
            files.remove(run.trial(one.trial.id).done)
        say(f"{run.path}: {counted(planned, 'trial')}, {len(missing)} to average")
        setting = Setting(files.absolute(run.path), root)
        failed: list[str] = []
        for after in (False, True):
            now = [one for one in missing if (one.trial.follows is not None) == after]
            calls: list[Call] = [
                ((trial_to(one.trial), setting, [each.member() for each in one.members]), {}) for one in now
            ]
            failed += filter(None, jobs("raysp.trials.ensemble_trial.tried", calls))
        tags = {"commit": commit()["commit"], "run": run.name}
        tracker = tracking.Tracker(run, [one.trial for one in planned], request.tracking, tags)
        try:
            if run.finished_of(one.trial for one in planned):
                finish(run, root, say)
        finally:
            for line in tracker.close():
                say(line)
    if failed:
        raise NotReady(f"{run.path}: {counted(failed, 'trial')} failed: {'; '.join(failed)}")
    return run


def _planned(members: Mapping[str, Sequence[Candidate]], request: Request, root: str) -> list[Planned]:
    """Return the trials; one of a test-phase split follows that of the split that it selects with."""
    found: dict[str, Planned] = {}
    for split, group in members.items():
        followed = found.get(group[0].selects_with) if request.way != "all" else None
        trial = _trial(split, group, request, root)
        found[split] = Planned(
            trial if followed is None else dataclasses.replace(trial, follows=followed.trial.id), group
        )
    return list(found.values())


def _trial(split: str, group: Sequence[Candidate], request: Request, root: str) -> Trial:
    first = group[0].trial
    kind, header = kinds.of(store.same_data(root, first).kind), store.header(root, split)
    if request.given_conditions and header.role.benchmark:
        raise BadInput(
            f"{split}: conditions of evaluation trials are hidden there, and no score given them is the benchmark's; "
            "leave out --given-conditions"
        )
    if not kind.averages:
        raise BadInput(
            f"{split}: trials of {kind.name} data store no predictions of validation trials, so nothing can tell which "
            "of them to average, or by which weights"
        )
    if request.by and request.by not in kind.averages:
        raise unknown(f"score of averages of {kind.name} data", request.by, kind.averages)
    asked = [request.by] if request.by else list(kind.averages)
    lacks = {name: why for name in asked if (why := kind.lacks(name, header, first.units)) is not None}
    if len(lacks) == len(asked) and request.way != "all":
        raise BadInput(
            f"{split}: nothing to judge averages by: {'; '.join(f'{n} {why}' for n, why in lacks.items())}{UNJUDGED}"
        )
    if request.top is not None and not 1 <= request.top <= len(group):
        raise BadInput(f"{split}: expected --top of 1 to {len(group)} members, got {request.top}")
    by = next((name for name in asked if name not in lacks), "")
    given: dict[str, Plain] = {"given": "conditions"} if request.given_conditions else {}
    code = code_hash.files_of([code_hash.PACKAGE / path for path in OWN], ROOMS)
    return Trial(
        NAME,
        {"by": by, "top": "auto" if request.top is None else request.top, "way": request.way, **given},
        None,
        split,
        first.data,
        units=first.units,
        label=GIVEN if given else "",
        code=code_hash.digest(code),
        inputs=inputs.digests({"members": _table(group)}),
    )


def _table(group: Sequence[Candidate]) -> polars.DataFrame:
    return polars.DataFrame({"trial": [one.trial.id for one in group], "digest": [one.digest for one in group]})


def _run_folder(first: str, request: Request, planned: Sequence[Planned]) -> RunFolder:
    source = RunFolder(files.absolute(first.rstrip("/")))
    name = request.name or f"{source.name}-{'given-conditions' if request.given_conditions else 'ensemble'}"
    check_name("ensemble", name)
    if any(one.trial.standin for one in planned) and not name.startswith(STANDIN):
        name = f"{STANDIN}{name}"
    run = RunFolder(files.join(request.runs or source.path.rpartition("/")[0], name))
    if files.exists(run.experiment) and run.record().get("kind") != "ensemble":
        raise BadInput(f"{run.path} holds another run; give the ensemble another name: --name NAME")
    return run


def _write_record(run: RunFolder, planned: Sequence[Planned], root: str) -> None:
    known: Record = run.record() if files.exists(run.experiment) else {"trials": [], "submissions": []}
    trials = [one.trial for one in planned]
    present = {trial.id for trial in trials}
    before = [trial_from(one) for one in (*known.get("earlier", ()), *known["trials"]) if one["id"] not in present]
    there = run.states(before)
    experiment = Experiment(
        run.name.removeprefix(STANDIN),
        (ModelChoice(NAME, label=planned[0].trial.label),),
        tuple(dict.fromkeys(trial.split for trial in trials)),
    )
    record: Record = {
        "name": run.name,
        "kind": "ensemble",
        "standin": any(trial.standin for trial in trials),
        "experiment": settings.plain(experiment),
        "root": root,
        "submissions": [*known["submissions"], submission()],
        "data": {**known.get("data", {}), **{trial.split: data(root, trial.split) for trial in trials}},
        "left_out": [],
        "plugins": plugins.refs(),
        "models": {NAME: {"kind": store.header(root, trials[0].split).kind}},
        "members": {
            one.trial.id: [{"run": each.run, "trial": each.trial.id, "digest": each.digest} for each in one.members]
            for one in planned
        },
        "trials": [trial_to(trial) for trial in trials],
        "earlier": [trial_to(trial) for trial in before if there[trial.id] != "missing"],
    }
    copy_plugins(run)
    for one in planned:
        inputs.keep(run, {"members": _table(one.members)})
    write_yaml(run.experiment, record)
