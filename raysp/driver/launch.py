"""The main job, from an experiment to its report: prepare, plan, train, collect, evaluate, draw."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from raysp.cluster.machines import Machines
from raysp.config.experiment import STANDIN, Experiment, Recording, Trial
from raysp.config.own_code import adopted
from raysp.driver import tracking
from raysp.driver.finish import finish
from raysp.driver.form import Form, settle
from raysp.driver.form import lines as form_lines
from raysp.driver.last_look import check_answers, check_phase
from raysp.driver.launch_words import say_form, say_left_out, say_outside, say_replaced, show_failure
from raysp.driver.plan import Plan, check_names, check_not_empty, check_settings, make_plan, with_sets
from raysp.driver.progress import Progress
from raysp.driver.record import copy_inputs, copy_plugins, write_record
from raysp.errors import BadInput, NotReady, expect
from raysp.io import files, leftovers
from raysp.io.refusals import raise_together
from raysp.io.words import counted
from raysp.runs.folder import RunFolder, trial_to
from raysp.runs.lock import locked
from raysp.runs.provenance import commit
from raysp.search.settings_file import BestSettings, adopt, check_data, read_settings

if TYPE_CHECKING:
    from raysp.cluster.events import Event, State
    from raysp.driver.tracking import Tracker


@dataclass(frozen=True)
class Request:
    """What the command line asks of an experiment.

    Attributes:
        root: the data root.
        runs: the folder of run folders.
        splits: globs of splits, of the experiment's; none for all.
        models: names of models, of the experiment's; none for all.
        sets: "key=value" changes.
        retry: run failed trials again.
        force: throw away what the run folder has of these trials, and start over.
        dry_run: show what would be run, and stop.
        verbose: show what the libraries have to say.
        tracking: a tracking server's address; None for the run's own store.
        device: "auto", "cpu" or "cuda".
        settings: a finished sweep's folder, whose best settings the splits take over; None for none.
        candidate: another candidate of that sweep than its best.
        accept_code: keep results of other code, since a person says that its changes changed none.
        file: the experiment's file, for what a person is to type.
        test_phase: score the test phase, too, at the end; a look that the run counts.
        late: tells whether the run's time is over: what runs then is stopped with its state saved, and what is done is
            collected, evaluated and reported.
    """

    root: str = "data"
    runs: str = "runs"
    splits: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    retry: bool = False
    force: bool = False
    dry_run: bool = False
    verbose: bool = False
    tracking: str | None = None
    device: str = "auto"
    settings: str | None = None
    candidate: int | None = None
    accept_code: bool = False
    file: str = "EXPERIMENT"
    test_phase: bool = False
    late: Callable[[], bool] | None = None


def launch(experiment: Experiment, request: Request, say: Callable[[str], None]) -> int:
    """Do the whole main job; the same call again does only what is missing.

    Args:
        experiment: what to run.
        request: the command line.
        say: prints one line for a person.

    Returns:
        The process's exit status: 0, or 1 when a trial failed.

    Raises:
        BadInput, NotReady: before anything was started.
    """
    expect(request.candidate is None or request.settings, "--candidate expected the sweep it is of, in --settings")
    own = adopted(experiment)
    whole = with_sets(own, request.sets)
    check_names(whole)
    experiment = whole.choose(request.models) if request.models else whole
    check_settings(experiment)
    check_places(request)
    names = choose_splits(experiment, request)
    if request.test_phase:
        check_phase(names)
    best = None
    if request.settings is not None:
        best = read_settings(request.settings, request.candidate)
        before = experiment
        experiment, lines = adopt(before, best, names)
        check_settings(experiment)
        for line in lines:
            say(line)
        say_replaced(before, experiment, best, names, say)
    chosen = {choice.shown: choice for choice in experiment.models}
    whole = dataclasses.replace(whole, models=tuple(chosen.get(one.shown, one) for one in whole.models))
    run = run_folder(experiment, names, request.runs)
    check_place(run, request)
    if files.exists(run.experiment) and run.is_sweep():
        raise BadInput(f"{run.path} holds a sweep, not a run; give the sweep or the experiment another name")
    asked = Asked(experiment, whole, own, tuple(names), run, request, best)
    if request.dry_run:
        return _show(asked, say)
    with locked(run):
        return _launch(asked, say)


@dataclass(frozen=True)
class Asked:
    """An experiment as a command asks for it.

    Attributes:
        experiment: narrowed by the command line.
        whole: not narrowed, with the command line's changes of settings.
        own: as its file has it.
        names: full names of the splits.
        run: where it runs.
        request: the command line.
        best: settings of a sweep that it takes over; None for none.
    """

    experiment: Experiment
    whole: Experiment
    own: Experiment
    names: tuple[str, ...]
    run: RunFolder
    request: Request
    best: BestSettings | None = None

    def settled(self, plan: Plan) -> Form:
        """Return the present form of the run. Raises as `form.settle` does."""
        # Who starts over means today's code.
        anew, root = self.request.force, self.request.root
        accept = self.request.accept_code and not anew
        return settle(self.run, self.whole, self.own, plan, root, accept=accept, anew=anew)


def check_places(request: Request) -> None:
    """Refuse a data root or a folder of runs at an address that cannot be used, before anything else is done.

    Raises:
        BadInput, StoreError: see `raysp.io.storage.check`.
    """
    tracking.check(request.tracking)
    files.check(request.root)
    files.check(request.runs, write=not request.dry_run)


def choose_splits(experiment: Experiment, request: Request) -> list[str]:
    """Return the full names of the experiment's splits, narrowed by the request's globs.

    Raises:
        BadInput: a name is unknown or a glob matches nothing.
        NotReady: a recording is not there.
    """
    from raysp.data.sources import catalog as sources
    from raysp.data.sources.prepare import present

    own = {recording.name: recording for recording in experiment.recordings}
    recordings = sources.recordings(experiment.recordings)
    known = [*sources.matching(experiment.splits, sources.recordings()), *own]
    if request.splits:
        known = sources.matching(request.splits, known)
    typed = {pattern.removeprefix(STANDIN) for pattern in (*experiment.splits, *request.splits)} | own.keys()
    return list(present([recordings[name] for name in known], request.root, named=set(known) <= typed))


def run_folder(experiment: Experiment, splits: list[str], runs: str) -> RunFolder:
    """Return where the run lies; its name says when its data are generated."""
    standin = any(name.startswith(STANDIN) for name in splits)
    return RunFolder(files.join(runs, f"{STANDIN if standin else ''}{experiment.name}"))


def check_place(run: RunFolder, request: Request) -> None:
    """Raise BadInput where another run's name differs from this one's in case alone: on many disks they are one."""
    for name in files.listing(request.runs):
        if name.casefold() == run.name.casefold() and name != run.name:
            raise BadInput(
                f"{files.join(request.runs, name)} and {run.name} differ in case alone, and on many disks they would "
                "be one folder; give the experiment another name"
            )


def _launch(asked: Asked, say: Callable[[str], None]) -> int:
    from raysp.cluster.node_check import check_machines, expected
    from raysp.cluster.session import session

    experiment, names, run, request = asked.experiment, list(asked.names), asked.run, asked.request
    with session(experiment.resources, verbose=request.verbose) as machines:
        check_machines(expected(files.absolute(run.path), files.absolute(request.root)))
        prepare_data(experiment, names, request, say)
        if request.test_phase:
            check_answers(names, request.root)
        if asked.best is not None:
            check_data(asked.best, names, request.root)
        plan = make_plan(experiment, names, request.root)
        check_not_empty(plan)
        say_left_out(plan, say)
        _say_judge(names, say)
        form = asked.settled(plan)
        copy_plugins(run)
        copy_inputs(run, plan.trials)
        trials = write_record(run, asked.whole, plan, request.root, form=form, own=asked.own)
        say_form(run, form, say)
        missing = _start_over(run, form.planned, request)
        say_tracking(run, request, say)
        tracker = tracking.Tracker(run, trials, request.tracking, {"commit": commit()["commit"], "run": run.name})
        try:
            states = _train(asked, missing, len(form.planned), machines, tracker)
            failed = _not_done(run, form.planned)
            if failed and (request.late is None or len(failed) == len(form.planned)):
                show_failure(run, failed, states, say, timed=request.late is not None)
            else:
                finish(run, request.root, say, test=request.test_phase)
                if request.late is None:
                    say_outside(_not_done(run, form.present), run, say)
        finally:
            for line in tracker.close():
                say(line)
    return 1 if failed else 0


def _say_judge(names: list[str], say: Callable[[str], None]) -> None:
    """Say before anything is trained that the benchmark's judge is not there, and what takes its place."""
    from raysp.data.nlb.reference import INSTALL
    from raysp.data.sources.catalog import role
    from raysp.evaluation.nlb import judge_absent

    if any(role(name).benchmark for name in names) and judge_absent():
        say(
            "  WARNING the benchmark's judge, nlb_tools, is not installed: raysp's own exact forms will score; "
            f"`{INSTALL}`, then `raysp evaluate` has it judge"
        )


def prepare_data(experiment: Experiment, names: list[str], request: Request, say: Callable[[str], None]) -> None:
    """Prepare the splits, and the validation-phase partners of test-phase ones, that are not up to date.

    Raises:
        BadInput, NotReady: some were refused, which are listed; the others were prepared.
    """
    from raysp.data.sources.prepare import other_code
    from raysp.data.splits import store
    from raysp.driver.preparing import prepare

    leftovers.clear(files.join(request.root, "prepared"), leftovers.QUIET_S)
    if stale := _stale(experiment, names, request):
        say(f"preparing {counted(sum(map(len, stale)), 'split')} of {counted(stale, 'recording')}")
        raise_together(prepare(stale, request.root, say))
    for name in names:
        for note in (*store.header(request.root, name).provenance.notes, other_code(request.root, name)):
            if note is not None:
                say(f"  {name}: {note}")


def _stale(experiment: Experiment, names: Sequence[str], request: Request) -> list[Sequence[Recording]]:
    """Return the recordings, those that are read once together, whose splits are not prepared from what is there."""
    from raysp.data.sources import catalog as sources
    from raysp.data.sources.prepare import up_to_date

    known = sources.recordings(experiment.recordings)
    needed = sources.with_partners((name.removeprefix(STANDIN) for name in names), experiment.recordings)
    groups = sources.groups(known[name] for name in needed)
    return [group for group in groups if not all(up_to_date(one, request.root) for one in group)]


def _start_over(run: RunFolder, trials: Sequence[Trial], request: Request) -> list[Trial]:
    """Return the trials to run; what stands in their way goes: all they have with `force`, errors with `retry`."""
    from raysp.runs.metrics_table import forget

    states = run.states(trials)
    for trial in trials:
        folder = run.trial(trial.id)
        if request.force:
            # First what makes it a finished trial: a folder is not removed in one step.
            files.remove(folder.done)
            files.remove(folder.path)
        elif request.retry and states[trial.id] == "failed":
            files.remove(folder.error)
    for trial in run.lost(trials):
        files.remove(run.trial(trial.id).done)
    if missing := to_run(run, trials, request):
        # What the run says of them is taken back: their folders may have been removed.
        files.remove(run.finished)
        forget(run, [trial.id for trial in missing])
    return missing


def to_run(run: RunFolder, trials: Sequence[Trial], request: Request) -> list[Trial]:
    """Return the trials that a command runs; nothing is changed."""
    wanted = ("missing", "started", *(("failed",) if request.retry else ()))
    states, lost = run.states(trials), {trial.id for trial in run.lost(trials)}
    return [trial for trial in trials if request.force or states[trial.id] in wanted or trial.id in lost]


def _train(
    asked: Asked, missing: list[Trial], total: int, machines: Callable[[], Machines], tracker: Tracker
) -> dict[str, State]:
    from raysp.cluster.node_check import expected
    from raysp.cluster.pool import Pool, wait_for
    from raysp.runs.trial_log import Setting

    run, request = asked.run, asked.request
    with Progress(run.name, total, before=total - len(missing)) as progress:
        if not missing:
            return {}
        setting = Setting(run=files.absolute(run.path), root=files.absolute(request.root), device=request.device)
        plain = [trial_to(trial) for trial in missing]
        pool = Pool(
            plain, setting, asked.experiment.resources, machines(), expected=expected(setting.run, setting.root)
        )

        def on_event(events: list[Event], states: dict[str, State]) -> None:
            progress.update(events, states)
            tracker.events(events)

        return wait_for(pool, on_event, request.late or bool)


def say_tracking(run: RunFolder, request: Request, say: Callable[[str], None]) -> None:
    """Say where the tracking store of a run at an address lies, unless a server was named."""
    if request.tracking is None and not files.is_local(run.path):
        say(f"  tracking     {run.mlflow} (SQLite needs a disk; a server instead with --tracking ADDRESS)")


def _not_done(run: RunFolder, trials: Sequence[Trial]) -> list[Trial]:
    done = {trial.id for trial in run.finished_of(trials)}
    return [trial for trial in trials if trial.id not in done]


def _to_prepare(asked: Asked) -> str:
    from raysp.data.sources.catalog import with_partners

    own = {recording.name for recording in asked.experiment.recordings}
    bare = with_partners((name.removeprefix(STANDIN) for name in asked.names), asked.experiment.recordings)
    names = [name for name in bare if name not in own]
    of_file = [asked.request.file] if own & set(bare) else []
    return " ".join(["raysp data prepare", *of_file, *names, "--root", asked.request.root])


def _show(asked: Asked, say: Callable[[str], None]) -> int:
    run, request = asked.run, asked.request
    try:
        plan = make_plan(asked.experiment, list(asked.names), request.root)
    except NotReady:
        models = [choice.shown for choice in asked.experiment.models]
        seeds = asked.experiment.seeds
        say(f"{counted(asked.names, 'split')}: {', '.join(asked.names)}")
        say(f"{counted(models, 'model')}: {', '.join(models)}; {counted(seeds, 'seed')}: {', '.join(map(str, seeds))}")
        say(f"their trials can be listed once they are prepared; type: {_to_prepare(asked)}")
        return 0
    form = asked.settled(plan)
    for name, state in run.states(form.planned).items():
        say(f"  {state:8} {name}")
    say_left_out(plan, say)
    for line in form_lines(form):
        say(f"  {line}")
    for group in _stale(asked.experiment, asked.names, request):
        whose = ", ".join(one.name for one in group)
        told = f"  {whose}: prepared from other files, settings or code than are there now"
        say(f"{told}; a run prepares it anew, and trains anew where that changes it")
    say(f"{counted(form.planned, 'trial')} in {run.path}, {len(to_run(run, form.planned, request))} to run")
    return 0
