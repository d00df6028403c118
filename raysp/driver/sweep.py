"""A sweep, from an experiment and a space to the best settings: check, search, table, settings, report."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from raysp.cluster.events import Event
from raysp.cluster.machines import Machines
from raysp.config import code_hash
from raysp.config.experiment import Experiment, Trial, check_name
from raysp.config.own_code import adopted
from raysp.config.sets import apply_sets
from raysp.config.settings import Plain
from raysp.data.splits import store
from raysp.data.splits.header import Header
from raysp.driver import sweep_record
from raysp.driver.launch import (
    Request,
    check_place,
    check_places,
    choose_splits,
    prepare_data,
    run_folder,
    say_tracking,
)
from raysp.driver.plan import settings_on, unfit
from raysp.driver.record import accepted, copy_plugins
from raysp.errors import BadInput, StoreError, expect, present
from raysp.io import files
from raysp.io.words import counted
from raysp.kinds import catalog as kinds
from raysp.kinds.kind import Units
from raysp.models import catalog
from raysp.runs.folder import RunFolder, use_settings
from raysp.runs.lock import locked
from raysp.runs.provenance import code, commit
from raysp.search.active_study import ActiveStudy, Amount
from raysp.search.clock import Clock
from raysp.search.objective import check_objectives, chosen
from raysp.search.optuna_trials import write_journal
from raysp.search.outcome import Outcome
from raysp.search.proposer import Proposer
from raysp.search.result import Result, finished_path, read_result
from raysp.search.scheduler import StudyScheduler
from raysp.search.settings_file import write_settings
from raysp.search.space import Entry, Space, Values
from raysp.search.space_check import check_space, flat, parted
from raysp.search.space_file import read_space
from raysp.search.study import Candidate, Definition, Halving, Sampler, Study, read_studies
from raysp.search.table import write_table

Say = Callable[[str], None]


@dataclass(frozen=True)
class Search:
    """What the command line asks of a sweep, beside what it asks of any run.

    Attributes:
        space: path of the search space.
        name: the run folder's name; None takes the experiment's.
        sampler, seed, in_flight, halving: see `search.study.Definition`.
        objectives: likewise; None takes the model's own loss, or the unseen loss of one that fits itself.
        seeds: one trial per candidate for each; None takes the experiment's.
        amount: how much of each study is wanted.
    """

    space: str
    name: str | None = None
    sampler: Sampler = "tpe"
    seed: int = 0
    objectives: tuple[str, ...] | None = None
    in_flight: int = 4
    halving: Halving | None = None
    seeds: tuple[int, ...] | None = None
    amount: Amount = field(default_factory=Amount)


def sweep(experiment: Experiment, search: Search, request: Request, say: Say) -> int:
    """Search a model's settings on each split; the same call again goes on, and with more samples extends.

    Args:
        experiment: gives the splits, the model's settings to begin with, seeds, training and resources.
        search: the space and how to search it.
        request: the command line; `models` is not used, since the space names the model.
        say: prints one line for a person.

    Returns:
        The process's exit status: 0, or 1 when a study ended without any candidate that ended well.

    Raises:
        BadInput, NotReady: before anything was started.
    """
    experiment, space = adopted(experiment), read_space(search.space)
    kind, fits_itself = kinds.of(catalog.kind(space.model)), catalog.fits_itself(space.model)
    search = dataclasses.replace(search, objectives=chosen(search.objectives, kind, fits_itself=fits_itself))
    experiment = _narrowed(apply_sets(experiment, request.sets), space, search)
    check_places(request)
    names = _val_splits(experiment, request, say)
    asked = _Asked(experiment, space, search, request, run_folder(experiment, names, request.runs), say)
    bases = {name: _base(experiment, name) for name in names}
    for base in {repr(base): base for base in bases.values()}.values():
        check_space(space, base)
    if search.sampler != "grid" and search.amount.samples is None:
        raise BadInput(f"sampler {search.sampler} has no end of its own: expected --samples N")
    check_place(asked.run, request)
    sweep_record.check_folder(asked.run)
    planned = [asked.definition(name, base) for name, base in bases.items()]
    if request.dry_run:
        return _show(planned, search, asked.run, say)
    with locked(asked.run):
        return _sweep(asked, bases)


@dataclass(frozen=True)
class _Asked:
    """A sweep as a command asks for it: the experiment has the space's model alone, the search its objectives."""

    experiment: Experiment
    space: Space
    search: Search
    request: Request
    run: RunFolder
    say: Say

    def definition(self, split: str, base: Values, header: Header | None = None) -> Definition:
        """Return a study; without a header it is one of data that may not be prepared yet, and only to be shown."""
        same = ("objectives", "sampler", "seed", "in_flight", "halving")
        units, chunks = (None, ()) if header is None else shared_out(self.experiment, header, self.search.halving)
        return Definition(
            split=split,
            data="" if header is None else header.fingerprint,
            base=base,
            space=self.space,
            seeds=self.experiment.seeds,
            units=units,
            chunks=chunks,
            code=code_hash.of_model(self.space.model, parted(base)["model"]),
            **{name: getattr(self.search, name) for name in same},
        )


def shared_out(
    experiment: Experiment, header: Header, halving: Halving | None
) -> tuple[Units, tuple[tuple[int, ...], ...]]:
    """Return the units of a study and, where trials share them out, the chunks; ASHA compares whole candidates."""
    kind = kinds.of(header.kind)
    chunks = tuple(map(present, kind.cuts(experiment, header))) if kind.shares_units and halving is None else ()
    return kind.units(experiment, header), chunks if len(chunks) > 1 else ()


def _narrowed(experiment: Experiment, space: Space, search: Search) -> Experiment:
    """Return the experiment with the space's model alone, under the sweep's name and seeds."""
    if space.model not in {choice.name for choice in experiment.models}:
        known = ", ".join(choice.name for choice in experiment.models)
        raise BadInput(
            f"{search.space} is a space for model {space.model}, and experiment {experiment.name} has {known}; "
            "give the space of one of these"
        )
    experiment = experiment.choose((space.model,))
    if search.name is not None:
        check_name("sweep", search.name)
    return dataclasses.replace(experiment, name=search.name or experiment.name, seeds=search.seeds or experiment.seeds)


def _val_splits(experiment: Experiment, request: Request, say: Say) -> list[str]:
    from raysp.data.sources.catalog import role

    names = choose_splits(experiment, request)
    val = [name for name in names if role(name, experiment.recordings).phase == "val"]
    if not val:
        raise BadInput(
            f"a sweep selects in the validation phase, and the test phase takes over what it found: expected splits "
            f"of it, got {', '.join(request.splits or names)}"
        )
    if len(val) < len(names):
        say(f"{len(names) - len(val)} splits of the test phase are left out: they take over what the other phase finds")
    return val


def _base(experiment: Experiment, split: str) -> dict[str, Plain]:
    (choice,) = experiment.models
    chosen, training = settings_on(experiment, choice, split)
    if training is not None and training.validate_on == "eval":
        raise BadInput("a sweep never looks at evaluation trials: expected training.validate_on train, got eval")
    return flat(chosen, training)


def _sweep(asked: _Asked, bases: Mapping[str, Values]) -> int:
    from raysp.cluster.node_check import check_machines, expected
    from raysp.cluster.session import session

    run, request, amount = asked.run, asked.request, asked.search.amount
    root = files.absolute(request.root)
    with session(asked.experiment.resources, verbose=request.verbose) as machines:
        check_machines(expected(files.absolute(run.path), root))
        prepare_data(asked.experiment, list(bases), request, asked.say)
        studies = _studies(asked, bases)
        wanted = {**dataclasses.asdict(amount), "final_seeds": list(amount.final_seeds), "space": asked.search.space}
        copy_plugins(run)
        sweep_record.begin(run, asked.experiment, [study.definition for study in studies], root, wanted)
        clock = Clock(files.join(run.path, "clock.json"), amount.minutes)
        active = [ActiveStudy(study, amount, retry=request.retry, late=clock.late) for study in studies]
        how = "stopped by an error"
        try:
            _work(asked, StudyScheduler(active), clock, machines)
            results = finish(run, active, asked.say)
            how = "finished"
        except KeyboardInterrupt:
            how = "interrupted"
            raise
        finally:
            # On a full disk or without its store, what went wrong is the message, not that this could not be written.
            with contextlib.suppress(OSError, StoreError):
                clock.save()
                sweep_record.end(run, how)
    return 1 if any(result.winner is None for result in results) else 0


def _studies(asked: _Asked, bases: Mapping[str, Values]) -> list[Study]:
    """Return the studies of this command, each written down; what does not go together is refused or left out."""
    studies, model, request = [], asked.space.model, asked.request
    for name, base in bases.items():
        header = store.header(request.root, name)
        if (reason := unfit(model, header)) is not None:
            asked.say(f"  left out {model} on {name}: {reason}")
            continue
        kind = kinds.of(header.kind)
        check_objectives(present(asked.search.objectives), kind, header, kind.units(asked.experiment, header))
        studies.append(Study(asked.run, asked.definition(name, base, header)))
    expect(studies, f"model {model} goes with none of the splits {', '.join(list(bases)[:5])}")
    for study in studies:
        if request.force:
            _throw_away(asked.run, study)
        study.check(accept=request.accept_code)
    for study in studies:
        study.write(accept=accepted() if request.accept_code else None)
        files.remove(finished_path(study))
    return studies


def _throw_away(run: RunFolder, study: Study) -> None:
    """Remove a study and its trials."""
    if files.exists(study.path):
        prefix = f"{study.definition.model}_{study.definition.split}"
        sizes = {len(study.definition.units or ()), *study.definition.weights}
        begins = (f"{prefix}_s", *(f"{prefix}_{size}n_s" for size in sizes))
        for name in files.listing(files.join(run.path, "trials")):
            if name.startswith(begins):
                files.remove(run.trial(name).done)
                files.remove(run.trial(name).path)
        files.remove(study.path)


def _work(asked: _Asked, scheduler: StudyScheduler, clock: Clock, machines: Callable[[], Machines]) -> None:
    from raysp.cluster.sweep import work
    from raysp.driver.sweep_progress import SweepProgress
    from raysp.driver.tracking import Tracker
    from raysp.runs.trial_log import Setting

    run, request = asked.run, asked.request
    say_tracking(run, request, asked.say)
    made_by = {"commit": commit()["commit"], "code": code()}
    tracker = Tracker(run, [], request.tracking, {**made_by, "run": run.name, "raysp.sweep": "true"})
    for trial, tags_of in [*described(run), *_finals(scheduler)]:
        tracker.add(trial, tags_of)
    try:
        with SweepProgress(run.name, scheduler.studies) as progress:
            if not scheduler.pending():
                return
            splits = [active.study.definition.split for active in scheduler.studies]
            parts = {split: store.load_training(request.root, split) for split in splits}

            def watch(event: Event) -> None:
                if event["kind"] == "start":
                    active, trial = scheduler.study_of(event["trial"]), scheduler.trial(event["trial"])
                    tracker.add(trial, tags(active.study, active.candidate_of(trial.id), trial.seed))
                progress.event(event)
                tracker.events([event])
                clock.save(every_s=10.0)

            setting = Setting(run=files.absolute(run.path), root=files.absolute(request.root), device=request.device)
            work(scheduler, parts, setting, asked.experiment.resources, machines(), made_by, watch)
    finally:
        for line in tracker.close():
            asked.say(line)


def finish(run: RunFolder, studies: list[ActiveStudy], say: Say) -> list[Result]:
    """Write what a sweep has come to: finished.json of each study, the table, the best settings, the report.

    Args:
        run: the sweep's folder.
        studies: the studies that this command worked on; others in the folder are in the table and the report too.
        say: prints one line for a person.
    """
    from raysp.search.page.page import write_sweep_report

    for active in studies:
        active.finish()
    results = [read_result(study) for study in read_studies(run)]
    say(f"  table        {write_table(run, results)}")
    for result in results:
        write_journal(result)
    files.remove(run.settings)
    if (path := write_settings(run, results, commit()["commit"])) is not None:
        say(f"  settings     {path}")
    # Before the report, which tells how each command ended.
    sweep_record.end(run, "finished")
    say(f"  report       {write_sweep_report(run)}")
    asked = [result for result in results if any(result.study.path == active.study.path for active in studies)]
    if failed := _failed(asked):
        many = counted(failed, "trial")
        say(f"{many} failed (the first: {failed[0].error}); again with: the same command and --retry")
    others = [result for result in results if result not in asked]
    if undone := [result.study.name for result in others if not result.finished or _failed([result])]:
        say(f"not asked for now, and not finished or with failed trials: {', '.join(undone)}")
    if path is None:
        say("  settings     none yet: they are written when every study here is finished with a winner")
    else:
        say(f"use them with: {use_settings(run, run.record())}")
    return asked


def _failed(results: list[Result]) -> list[Outcome]:
    return [one for result in results for one in result.trials.values() if one.state == "failed"]


def described(run: RunFolder) -> list[tuple[Trial, dict[str, str]]]:
    """Return every trial of a sweep with the tags that place it there, for the tracking store."""
    found: dict[str, tuple[Trial, dict[str, str]]] = {}
    for result in map(read_result, read_studies(run)):
        for number, seed, chunk in result.trials:
            candidate = result.candidates[number]
            with contextlib.suppress(BadInput):
                # Today's code may not know a setting of then any more; the store keeps what it has of such a trial.
                trial = result.study.trial(candidate, seed, chunk)
                found.setdefault(trial.id, (trial, tags(result.study, candidate, seed)))
    return list(found.values())


def _finals(scheduler: StudyScheduler) -> list[tuple[Trial, dict[str, str]]]:
    """Return the finals that earlier commands began; a study whose finished.json is gone does not tell of them."""
    found = []
    for active in scheduler.studies:
        parts = list(active.study.definition.parts(active.amount.final_seeds))
        for candidate, part in itertools.product(active.candidates, parts):
            trial = active.study.trial(candidate, *part)
            if files.exists(active.study.run.trial(trial.id).path):
                found.append((trial, tags(active.study, candidate, trial.seed)))
    return found


def tags(study: Study, candidate: Candidate, seed: int) -> dict[str, str]:
    """Return the tags of one trial of a candidate."""
    stage = "search" if seed in study.definition.seeds else "final"
    return {"candidate": str(candidate.number), "source": candidate.source, "stage": stage, "study": study.name}


def _show(planned: list[Definition], search: Search, run: RunFolder, say: Say) -> int:
    for definition in planned:
        count = min(n for n in (search.amount.samples, Proposer(definition).total) if n is not None)
        many = f"{counted(count, 'candidate')}, {counted(definition.seeds, 'seed')} each"
        say(f"  {definition.model} on {definition.split}: {many}")
        for entry in definition.space.entries:
            say(f"    {entry.name}: now {definition.base[entry.name]}, {_range(entry)}")
        if definition.rungs:
            say(f"    ASHA compares at epochs {', '.join(map(str, definition.rungs))}")
    say(f"to be searched in {run.path}")
    return 0


def _range(entry: Entry) -> str:
    if entry.kind == "same":
        return f"as {entry.same}" + ("" if entry.times == 1 else f" times {entry.times:g}")
    if not entry.numeric:
        return f"one of {', '.join(map(str, entry.choices))}"
    scale = " on a log scale" if entry.log else "" if entry.step is None else f" in steps of {entry.step:g}"
    return f"{entry.low:g} to {entry.high:g}{scale}"
