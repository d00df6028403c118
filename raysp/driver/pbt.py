"""Populations, from an experiment and spaces to their best members' predictions: check, train by turns, predict."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from raysp.cluster.machines import Machines, pool_size
from raysp.config import settings
from raysp.config.experiment import Experiment, Trial
from raysp.config.own_code import adopted
from raysp.config.ranges import Count, Natural, NonNegative
from raysp.data.splits import store
from raysp.data.splits.header import Header
from raysp.driver import pbt_record
from raysp.driver.launch import Request, check_place, check_places, prepare_data, run_folder, say_tracking
from raysp.driver.launch_words import say_left_out
from raysp.driver.pbt_words import say_held, say_others
from raysp.driver.pbt_words import show as show_populations
from raysp.driver.plan import check_names, check_not_empty, make_plan, with_sets
from raysp.driver.record import copy_inputs, copy_plugins
from raysp.driver.sweep import Search, base_of, narrowed, val_splits
from raysp.errors import BadInput, StoreError, expect, last_line, present
from raysp.io import files
from raysp.io.words import counted, named
from raysp.kinds import catalog as kinds
from raysp.models import catalog
from raysp.runs.folder import RunFolder
from raysp.runs.lock import locked
from raysp.runs.provenance import commit
from raysp.search.clock import Clock
from raysp.search.objective import OWN_LOSS, UNSEEN_LOSS
from raysp.search.pbt import JUDGES, Population, trained_by_turns
from raysp.search.population_folder import ActivePopulation, PopulationFolder
from raysp.search.space import Space
from raysp.search.space_check import check_space, flat
from raysp.search.space_file import read_space

if TYPE_CHECKING:
    from raysp.cluster.jobs import Call
    from raysp.runs.genealogy import Row
    from raysp.trials.member_trial import Share

Say = Callable[[str], None]
SUFFIX = "-pbt"
LANES = 4
"""Members that are trained as one model, where the model has lanes: a core gains little from more of them."""


@dataclass(frozen=True)
class Pbt:
    """What the command line asks of populations, beside what it asks of any run.

    Attributes:
        space: paths of search spaces, one for each model.
        name: the run folder's name; None for the experiment's with "-pbt" behind it.
        members, epochs, ramp, seed: see `search.pbt.Population`; None of ramp takes the warm-up's epochs.
        lanes: likewise; None takes `LANES` where the model has them, 1 where it has not.
        generations: at most; more of them extend a population.
        patience: see `search.generations.is_over`.
        objective: what members are judged by; None for the loss of what was not shown, where there is one.
        seeds: one population for each; None takes the experiment's.
        minutes: wall time of all commands after which no new generation begins; None for no such end.
        all_members: let every member of the last generation predict, not the best of all alone.
    """

    space: tuple[str, ...]
    name: str | None = None
    members: Natural = 20
    epochs: Count = 25
    ramp: Natural | None = None
    seed: Natural = 0
    lanes: Count | None = None
    generations: Count = 50
    patience: Natural = 4
    objective: str | None = None
    seeds: tuple[Natural, ...] | None = None
    minutes: NonNegative | None = None
    all_members: bool = False

    def __post_init__(self) -> None:
        settings.check(self, "pbt")


@dataclass(frozen=True)
class Asked:
    """Populations as a command asks for them.

    Attributes:
        experiment: with the models of the spaces alone, under the run's name.
        spaces: by model.
        splits: full names.
        search: how.
        request: the command line.
        run: where.
        say: prints one line for a person.
    """

    experiment: Experiment
    spaces: Mapping[str, Space]
    splits: tuple[str, ...]
    search: Pbt
    request: Request
    run: RunFolder
    say: Say


def evolve(experiment: Experiment, search: Pbt, request: Request, say: Say) -> int:
    """Train a population for each model, split and seed; the same call again goes on, more generations extend.

    Args:
        experiment: gives the splits, the settings to begin with, seeds, training and resources.
        search: the spaces, and what populations are.
        request: the command line; `models` is not used, since the spaces name the models.
        say: prints one line for a person.

    Returns:
        The process's exit status: 0, or 1 when a population failed.

    Raises:
        BadInput, NotReady: before anything was started.
    """
    asked = planned(experiment, search, request, say)
    if request.dry_run:
        show_populations(asked.experiment, asked.spaces, asked.splits, search, asked.run, say)
        return 0
    with locked(asked.run):
        return _evolve(asked)


def planned(experiment: Experiment, search: Pbt, request: Request, say: Say) -> Asked:
    """Return populations as they are to be trained, all that needs no data checked; arguments as of `evolve`."""
    check_places(request)
    expect(
        search.members >= 2,
        f"a population of {search.members} has nobody to copy: expected --members of 2 or more; one network alone is "
        "trained with raysp run",
    )
    expect(
        not request.accept_code, "--pbt: members go on from each other's weights: --accept-code has no meaning there"
    )
    if search.objective is not None and search.objective not in JUDGES:
        raise BadInput(
            f"members are judged after every epoch: expected --objective {' or '.join(JUDGES)}, got {search.objective}"
        )
    spaces = [read_space(path) for path in search.space]
    models = [space.model for space in spaces]
    expect(len(set(models)) == len(models), f"expected one space for each model, got spaces for {', '.join(models)}")
    for model in models:
        expect(
            not catalog.fits_itself(model),
            f"model {model} fits itself: a population is of a model that gradient descent fits; leave out --pbt",
        )
    _check_lanes(search.lanes, models)
    check_names(experiment := with_sets(adopted(experiment), request.sets))
    name = search.name or f"{experiment.name}{SUFFIX}"
    experiment = narrowed(experiment, spaces, Search(search.space, name, seeds=search.seeds))
    names, found = val_splits(experiment, request, say), {space.model: space for space in spaces}
    for choice in experiment.models:
        for base in {repr(base): base for base in (base_of(experiment, choice, split) for split in names)}.values():
            check_space(found[choice.name], base)
    run = run_folder(experiment, names, request.runs)
    check_place(run, request)
    pbt_record.check_folder(run)
    return Asked(experiment, found, tuple(names), search, request, run, say)


def _check_lanes(lanes: int | None, models: Sequence[str]) -> None:
    if lanes is not None and lanes > 1 and not any(map(catalog.own_of_lanes, models)):
        raise BadInput(
            f"--lanes {lanes}: members of {named(models)} train one after the other, since such models have no lanes; "
            "leave it out"
        )


def population_of(asked: Asked, trial: Trial, header: Header) -> tuple[Population, dict[str, str]]:
    """Return the population of a planned trial, and why settings of its space stay as they are, by name.

    Raises:
        BadInput: no setting of the space can change while the model is trained.
    """
    from raysp.search.changeable import parted_space

    search, before = asked.search, present(trial.training)
    training, left_out = trained_by_turns(before, search.epochs)
    kind = kinds.of(header.kind)
    judge = search.objective
    if judge is None:
        metric = kind.metrics.get(UNSEEN_LOSS)
        known = metric is not None and metric.searched and kind.lacks(UNSEEN_LOSS, header, trial.units) is None
        judge = UNSEEN_LOSS if known else OWN_LOSS
    trial = dataclasses.replace(trial, training=training)
    base = flat(trial.hyperparameters, training)
    space, held = parted_space(asked.spaces[trial.model], base, header.sizes)
    ramp = before.warmup_epochs if search.ramp is None else search.ramp
    lanes = min(search.lanes or LANES, search.members) if catalog.own_of_lanes(trial.model) else 1
    numbers = {"members": search.members, "epochs": search.epochs, "seed": search.seed, "lanes": lanes}
    held |= {name: "a population has no such course" for name in left_out}
    return Population(trial, space, ramp=ramp, objective=judge, **numbers), held


def _evolve(asked: Asked) -> int:
    from raysp.cluster.node_check import check_machines, expected
    from raysp.cluster.session import session
    from raysp.driver import tracking
    from raysp.driver.finish import finish

    run, request, say = asked.run, asked.request, asked.say
    root = files.absolute(request.root)
    with session(asked.experiment.resources, verbose=request.verbose) as machines:
        check_machines(expected(files.absolute(run.path), root))
        prepare_data(asked.experiment, list(asked.splits), request, say)
        plan = make_plan(asked.experiment, list(asked.splits), request.root)
        check_not_empty(plan)
        say_left_out(plan, say)
        clock = Clock(files.join(run.path, "clock.json"), asked.search.minutes)
        active = _active(asked, plan.trials, clock)
        copy_plugins(run)
        copy_inputs(run, plan.trials)
        pbt_record.begin(run, asked.experiment, plan, root)
        how = "stopped by an error"
        try:
            failed = _train(asked, active, machines, clock)
            trials, lost = _predict(asked, active, machines)
            failed |= lost
            pbt_record.finish(run, active, trials, root)
            say_tracking(run, request, say)
            tags = {"commit": commit()["commit"], "run": run.name}
            tracker = tracking.Tracker(run, trials, request.tracking, tags)
            try:
                if trials:
                    finish(run, request.root, say)
            finally:
                for line in tracker.close():
                    say(line)
            how = "finished"
        except KeyboardInterrupt:
            how = "interrupted"
            raise
        finally:
            # On a full disk or without its store, what went wrong is the message, not that this could not be written.
            with contextlib.suppress(OSError, StoreError):
                clock.save()
                pbt_record.end(run, how)
    for name, why in failed.items():
        say(f"  FAILED  {name}  {last_line(why)}")
    if trials:
        say(f"  settings     {run.settings}: of the best members, as they were at the end of their training")
    return 1 if failed else 0


def _active(asked: Asked, trials: Sequence[Trial], clock: Clock) -> list[ActivePopulation]:
    """Return the populations of this command, each written down."""
    found, search = [], asked.search
    for trial in trials:
        population, held = population_of(asked, trial, store.header(asked.request.root, trial.split))
        folder = PopulationFolder(asked.run, population)
        if asked.request.force:
            files.remove(folder.path)
        files.remove(folder.error)
        say_held(population, held, asked.say)
        say_others(asked.run, population, asked.say)
        note = {"held": held, "commit": commit()["commit"]}
        found.append(ActivePopulation(folder, search.generations, search.patience, note, clock.late))
    return found


def _share(asked: Asked, machines: Callable[[], Machines]) -> tuple[int, Share]:
    """Return how many processes train, and what each has."""
    from raysp.trials.member_trial import Share

    resources = asked.experiment.resources
    workers, gpus = pool_size(resources, machines(), 10**6)
    return workers, Share(resources.cpus_per_worker, gpus)


def _train(
    asked: Asked, active: Sequence[ActivePopulation], machines: Callable[[], Machines], clock: Clock
) -> dict[str, str]:
    """Train the populations to their end; return what stopped those that something stopped, by name."""
    from raysp.cluster.jobs import jobs
    from raysp.driver.pbt_turns import Turns
    from raysp.driver.progress_pbt import PbtProgress
    from raysp.runs.trial_log import Setting

    request = asked.request
    setting = Setting(files.absolute(asked.run.path), files.absolute(request.root), request.device)
    with PbtProgress(asked.run.name, active, asked.search.generations) as progress:

        def show(members: int) -> None:
            progress.show(members)
            clock.save(every_s=10.0)

        turns = Turns(active, setting, show)
        if turns.first():
            workers, share = _share(asked, machines)
            calls = turns.begin(share)
            jobs(
                "raysp.trials.member_trial.tried",
                calls,
                cpus=share.threads,
                gpus=share.gpus,
                at_once=workers,
                more=turns.more,
            )
    return turns.failed


@dataclass(frozen=True)
class _Predicting:
    """A member that is to predict, and its trial."""

    active: ActivePopulation
    row: Row
    trial: Trial


def _predicting(active: ActivePopulation, *, all_members: bool) -> list[_Predicting]:
    """Return the best member of a population that is over and, where all are asked for, the last generation."""
    from raysp.trials.winner_trial import member_trial_of, trial_of

    if active.winner is None or not active.is_over:
        return []
    population, genealogy, winner = active.population, active.genealogy, active.winner
    found = [_Predicting(active, winner, trial_of(population, genealogy, winner))]
    last = [row for row in genealogy.generation(genealogy.last) if row.score is not None and row != winner]
    others = [_Predicting(active, row, member_trial_of(population, genealogy, row)) for row in last]
    return found + (others if all_members else [])


def _predict(
    asked: Asked, active: Sequence[ActivePopulation], machines: Callable[[], Machines]
) -> tuple[list[Trial], dict[str, str]]:
    """Let the best members of each population predict; return their trials, and what stopped others by name."""
    from raysp.cluster.jobs import jobs
    from raysp.runs.trial_log import Setting
    from raysp.trials.member_trial import LOST

    setting = Setting(files.absolute(asked.run.path), files.absolute(asked.request.root), asked.request.device)
    chosen = [one for each in active for one in _predicting(each, all_members=asked.search.all_members)]
    missing = [one for one in chosen if not asked.run.finished_of([one.trial])]
    failed: dict[str, str] = {}
    if missing:
        workers, share = _share(asked, machines)
        for one in missing:
            files.remove(asked.run.trial(one.trial.id).done)
        asked.say(f"{counted(missing, 'member')} to predict")
        calls: list[Call] = [((one.active.population, one.row, one.trial, setting, share), {}) for one in missing]
        function = "raysp.trials.winner_trial.tried"
        found = jobs(function, calls, cpus=share.threads, gpus=share.gpus, at_once=workers)
        for one, why in zip(missing, found, strict=True):
            if why == LOST:
                one.active.start_over()
                why = "the state of a member is gone: run the same command again, which trains the population anew"
            if why:
                failed[one.active.population.name] = why
    return [one.trial for one in chosen if one.active.population.name not in failed], failed
