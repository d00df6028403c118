"""A sweep, from an experiment and spaces to the best settings: check, search, table, settings, report."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from raysp.cluster.events import Event
from raysp.cluster.machines import Machines
from raysp.config import code_hash
from raysp.config.experiment import Experiment, ModelChoice, check_name
from raysp.config.own_code import adopted
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
from raysp.driver.plan import check_names, settings_on, unfit, with_sets
from raysp.driver.record import accepted, copy_plugins
from raysp.driver.sweep_trials import described, finals, tags
from raysp.driver.sweep_words import show
from raysp.errors import BadInput, StoreError, expect, present
from raysp.io import files
from raysp.io.words import counted, listed
from raysp.kinds import catalog as kinds
from raysp.kinds.kind import Units
from raysp.models import catalog
from raysp.runs.folder import RunFolder, use_settings
from raysp.runs.lock import locked
from raysp.runs.provenance import code, commit
from raysp.search.active_study import ActiveStudy, Amount
from raysp.search.clock import Clock
from raysp.search.halved_models import HalvedModels
from raysp.search.objective import OWN_LOSS, check_objectives, chosen
from raysp.search.optuna_trials import write_journal
from raysp.search.outcome import Outcome
from raysp.search.result import Result, finished_path, read_result
from raysp.search.scheduler import StudyScheduler
from raysp.search.settings_file import write_settings
from raysp.search.space import Space, Values
from raysp.search.space_check import check_space, flat, parted
from raysp.search.space_file import read_space
from raysp.search.study import Definition, Halving, Sampler, Study, read_studies
from raysp.search.table import write_table
from raysp.trials.limits import Limits

Say = Callable[[str], None]

LEAST_S = 60.0
"""What trials have, however little time is left: floors and baselines take seconds, without which nothing is known."""


@dataclass(frozen=True)
class Search:
    """What the command line asks of a sweep, beside what it asks of any run.

    Attributes:
        space: paths of search spaces, one for each model that is searched.
        name: the run folder's name; None takes the experiment's.
        sampler, seed, in_flight, halving: see `search.study.Definition`.
        rungs_from: ASHA with a first rung of its own for each model, at one in so many of its epochs; 0 for none.
        objectives: likewise; None takes the model's own loss, or the unseen loss where models differ in theirs.
        seeds: one trial per candidate for each; None takes the experiment's.
        amount: how much of each study is wanted.
        limit_s: seconds of training that a trial may take.
        sharp: the minutes end what runs as well: its state is saved, and the same command goes on with it.
        page: draw the sweep's page.
    """

    space: tuple[str, ...]
    name: str | None = None
    sampler: Sampler = "tpe"
    seed: int = 0
    objectives: tuple[str, ...] | None = None
    in_flight: int = 4
    halving: Halving | None = None
    rungs_from: int = 0
    seeds: tuple[int, ...] | None = None
    amount: Amount = field(default_factory=Amount)
    limit_s: float = math.inf
    sharp: bool = False
    page: bool = True


def sweep(experiment: Experiment, search: Search, request: Request, say: Say) -> int:
    """Search models' settings on each split; the same call again goes on, and with more samples extends.

    Args:
        experiment: gives the splits, the models' settings to begin with, seeds, training and resources.
        search: the spaces and how to search them.
        request: the command line; `models` is not used, since the spaces name the models.
        say: prints one line for a person.

    Returns:
        The process's exit status: 0, or 1 when a study ended without any candidate that ended well.

    Raises:
        BadInput, NotReady: before anything was started.
    """
    asked = planned(experiment, [read_space(path) for path in search.space], search, request, say)
    if request.dry_run:
        show([asked.definition(*place) for place in asked.bases], search.amount, asked.run, say)
        return 0
    return 1 if any(result.winner is None for result in run_sweep(asked)) else 0


def planned(experiment: Experiment, spaces: Sequence[Space], search: Search, request: Request, say: Say) -> Asked:
    """Return a sweep as it is to be run, all that can be checked before it checked; arguments as of `sweep`."""
    check_places(request)
    check_names(experiment := adopted(experiment))
    search = dataclasses.replace(search, objectives=_objectives(spaces, search))
    experiment = narrowed(with_sets(experiment, request.sets), spaces, search)
    names = val_splits(experiment, request, say)
    found = {space.model: space for space in spaces}
    bases = {(one.name, name): base_of(experiment, one, name) for one in experiment.models for name in names}
    asked = Asked(experiment, found, bases, search, request, run_folder(experiment, names, request.runs), say)
    for model, base in {repr(key := (model, base)): key for (model, _), base in bases.items()}.values():
        check_space(found[model], base)
    _check_end(asked, names)
    check_place(asked.run, request)
    sweep_record.check_folder(asked.run)
    for place in bases:
        asked.definition(*place)
    return asked


def run_sweep(asked: Asked) -> list[Result]:
    """Search, and return what each study has come to."""
    with locked(asked.run):
        return _sweep(asked)


def _objectives(spaces: Sequence[Space], search: Search) -> tuple[str, ...]:
    models = [space.model for space in spaces]
    kind, *others = {catalog.kind(model): None for model in models}
    if others or len(set(models)) < len(models):
        raise BadInput(
            f"a sweep compares models of one kind of data, each with one space: got spaces for {', '.join(models)}"
        )
    own = len(models) == 1 and not catalog.fits_itself(models[0])
    if len(models) > 1 and OWN_LOSS in (search.objectives or ()):
        raise BadInput(f"{OWN_LOSS} is each model's own and compares no two of them; leave it out, or give one space")
    return chosen(search.objectives, kinds.of(kind), fits_itself=not own)


def _check_end(asked: Asked, splits: Sequence[str]) -> None:
    search = asked.search
    if search.sampler == "grid" or search.amount.samples is not None:
        return
    if search.amount.minutes is None:
        raise BadInput(f"sampler {search.sampler} has no end of its own: expected --samples N, or --minutes N")
    if len(splits) > 1:
        raise BadInput(
            f"minutes are shared out over models, not over splits: expected --samples N, or one split with "
            f"--splits, got {len(splits)}"
        )


@dataclass(frozen=True)
class Asked:
    """A sweep as a command asks for it.

    Attributes:
        experiment: with the models of the spaces alone.
        spaces: by model.
        bases: model and split -> every setting as the experiment has it.
        search: with its objectives.
    """

    experiment: Experiment
    spaces: Mapping[str, Space]
    bases: Mapping[tuple[str, str], Values]
    search: Search
    request: Request
    run: RunFolder
    say: Say

    def definition(self, model: str, split: str, header: Header | None = None) -> Definition:
        """Return a study; without a header it is one of data that may not be prepared yet, and only to be shown."""
        same, base = ("objectives", "sampler", "seed", "in_flight"), self.bases[model, split]
        halving = self._halving(model, base)
        units, chunks = (None, ()) if header is None else shared_out(self.experiment, header, halving)
        return Definition(
            split=split,
            data="" if header is None else header.fingerprint,
            base=base,
            space=self.spaces[model],
            seeds=self.experiment.seeds,
            halving=halving,
            units=units,
            chunks=chunks,
            code=code_hash.of_model(model, parted(base)["model"]),
            **{name: getattr(self.search, name) for name in same},
        )

    def _halving(self, model: str, base: Values) -> Halving | None:
        parts, epochs = self.search.rungs_from, base.get("training.epochs")
        varies = "training.epochs" in self.spaces[model].by_name
        if not parts or not isinstance(epochs, int) or epochs <= parts or varies:
            return self.search.halving
        return Halving(epochs // parts)


def shared_out(
    experiment: Experiment, header: Header, halving: Halving | None
) -> tuple[Units, tuple[tuple[int, ...], ...]]:
    """Return the units of a study and, where trials share them out, the chunks; ASHA compares whole candidates."""
    kind = kinds.of(header.kind)
    chunks = tuple(map(present, kind.cuts(experiment, header))) if kind.shares_units and halving is None else ()
    return kind.units(experiment, header), chunks if len(chunks) > 1 else ()


def narrowed(experiment: Experiment, spaces: Sequence[Space], search: Search) -> Experiment:
    """Return the experiment with the spaces' models alone, under the sweep's name and seeds."""
    known = [choice.name for choice in experiment.models]
    for space in spaces:
        if space.model not in known:
            raise BadInput(
                f"{', '.join(search.space)}: a space for model {space.model}, and experiment {experiment.name} has "
                f"{', '.join(known)}; give the space of one of these"
            )
    experiment = experiment.choose(tuple(space.model for space in spaces))
    if search.name is not None:
        check_name("sweep", search.name)
    return dataclasses.replace(experiment, name=search.name or experiment.name, seeds=search.seeds or experiment.seeds)


def val_splits(experiment: Experiment, request: Request, say: Say) -> list[str]:
    """Return the splits of the validation phase that are asked for. Raises BadInput where there are none."""
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


def base_of(experiment: Experiment, choice: ModelChoice, split: str) -> dict[str, Plain]:
    """Return every setting of a model on a split. Raises BadInput where it would look at evaluation trials."""
    chosen, training = settings_on(experiment, choice, split)
    if training is not None and training.validate_on == "eval":
        raise BadInput("a sweep never looks at evaluation trials: expected training.validate_on train, got eval")
    return flat(chosen, training)


def _sweep(asked: Asked) -> list[Result]:
    from raysp.cluster.node_check import check_machines, expected
    from raysp.cluster.session import session

    run, request, search = asked.run, asked.request, asked.search
    amount, root = search.amount, files.absolute(request.root)
    with session(asked.experiment.resources, verbose=request.verbose) as machines:
        check_machines(expected(files.absolute(run.path), root))
        prepare_data(asked.experiment, list({split: None for _, split in asked.bases}), request, asked.say)
        studies = _studies(asked)
        wanted = {**dataclasses.asdict(amount), "final_seeds": [*amount.final_seeds], "space": ", ".join(search.space)}
        copy_plugins(run)
        sweep_record.begin(run, asked.experiment, [study.definition for study in studies], root, wanted)
        clock = Clock(files.join(run.path, "clock.json"), amount.minutes)
        cut = clock.late if asked.search.sharp else bool
        active = [ActiveStudy(study, amount, retry=request.retry, late=clock.late, cut=cut) for study in studies]
        how = "stopped by an error"
        try:
            shared = len(active) > 1 and amount.samples is None and asked.search.sampler != "grid"
            scheduler = StudyScheduler(active, HalvedModels(clock.passed)) if shared else StudyScheduler(active)
            _work(asked, scheduler, clock, machines)
            results = finish(run, active, asked.say, page=asked.search.page)
            how = "finished"
        except KeyboardInterrupt:
            how = "interrupted"
            raise
        finally:
            # On a full disk or without its store, what went wrong is the message, not that this could not be written.
            with contextlib.suppress(OSError, StoreError):
                clock.save()
                sweep_record.end(run, how)
    return results


def _studies(asked: Asked) -> list[Study]:
    """Return the studies of this command, each written down; what does not go together is refused or left out."""
    studies, request = [], asked.request
    for model, name in asked.bases:
        header = store.header(request.root, name)
        if (reason := unfit(model, header)) is not None:
            asked.say(f"  left out {model} on {name}: {reason}")
            continue
        kind = kinds.of(header.kind)
        check_objectives(present(asked.search.objectives), kind, header, kind.units(asked.experiment, header))
        studies.append(Study(asked.run, asked.definition(model, name, header)))
    splits = list({split: None for _, split in asked.bases})
    expect(studies, f"{', '.join(asked.spaces)}: no such model goes with any of the splits {', '.join(splits[:5])}")
    for study in studies:
        if request.force:
            sweep_record.throw_away(study)
        study.check(accept=request.accept_code)
    for study in studies:
        study.write(accept=accepted() if request.accept_code else None)
        files.remove(finished_path(study))
    return studies


def _work(asked: Asked, scheduler: StudyScheduler, clock: Clock, machines: Callable[[], Machines]) -> None:
    from raysp.cluster.sweep import work
    from raysp.driver.sweep_progress import SweepProgress
    from raysp.driver.tracking import Tracker
    from raysp.runs.trial_log import Setting

    run, request = asked.run, asked.request
    say_tracking(run, request, asked.say)
    made_by = {"commit": commit()["commit"], "code": code()}
    tracker = Tracker(run, [], request.tracking, {**made_by, "run": run.name, "raysp.sweep": "true"})
    for trial, tags_of in [*described(run), *finals(scheduler)]:
        tracker.add(trial, tags_of)
    try:
        with SweepProgress(run.name, scheduler.studies) as progress:
            if not scheduler.pending():
                return
            splits = [active.study.definition.split for active in scheduler.studies]
            parts = {split: store.load_training(request.root, split) for split in dict.fromkeys(splits)}

            def watch(event: Event) -> None:
                if event["kind"] == "start":
                    active, trial = scheduler.study_of(event["trial"]), scheduler.trial(event["trial"])
                    tracker.add(trial, tags(active.study, active.candidate_of(trial.id), trial.seed))
                progress.event(event)
                tracker.events([event])
                clock.save(every_s=10.0)

            setting = Setting(run=files.absolute(run.path), root=files.absolute(request.root), device=request.device)
            there = machines()
            until = time.time() + max(clock.left, LEAST_S) if asked.search.sharp else math.inf
            limits = Limits(asked.search.limit_s, until)
            work(scheduler, parts, setting, asked.experiment.resources, there, made_by, watch, limits=limits)
    finally:
        for line in tracker.close():
            asked.say(line)


def finish(run: RunFolder, studies: list[ActiveStudy], say: Say, *, page: bool = True) -> list[Result]:
    """Write what a sweep has come to: finished.json of each study, the table, the best settings, the report.

    Args:
        run: the sweep's folder.
        studies: the studies that this command worked on; others in the folder are in the table and the report too.
        say: prints one line for a person.
        page: draw the report.
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
    if page:
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
        if fronts := [listed(result.front) for result in results if len(result.front) > 1]:
            say(f"no other dominates candidates {'; '.join(fronts)}: take one of them with --candidate N beside it")
    return asked


def _failed(results: list[Result]) -> list[Outcome]:
    return [one for result in results for one in result.trials.values() if one.state == "failed"]
