"""The main job, from an experiment to its report: prepare, plan, train, collect, evaluate, draw."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import raysp
from raysp import files, tracking
from raysp.config import STANDIN, Experiment, Trial, apply_sets
from raysp.errors import BadInput, NotReady, raise_together
from raysp.plan import Plan, check_not_empty, check_settings, make_plan
from raysp.progress import Progress
from raysp.record import commit, locked, write_record
from raysp.runs import RunFolder, trial_to
from raysp.search.settings_file import BestSettings, adopt, check_data, read_settings
from raysp.sweep_record import is_sweep


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
        accept_code: keep results of other code, since a person says that its changes changed none.
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
    accept_code: bool = False


def launch(experiment: Experiment, request: Request, say: Any) -> int:
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
    experiment = apply_sets(experiment, request.sets)
    experiment = experiment.choose(request.models) if request.models else experiment
    check_settings(experiment)
    check_places(request)
    names = choose_splits(experiment, request)
    best = None
    if request.settings is not None:
        best = read_settings(request.settings)
        experiment, lines = adopt(experiment, best, names)
        check_settings(experiment)
        for line in lines:
            say(line)
    run = run_folder(experiment, names, request.runs)
    if files.exists(run.experiment) and is_sweep(run):
        raise BadInput(f"{run.path} holds a sweep, not a run; give the sweep or the experiment another name")
    if request.dry_run:
        return _show(experiment, names, run, request, say)
    with locked(run):
        return _launch(experiment, names, run, request, best, say)


def check_places(request: Request) -> None:
    """Refuse a data root or a folder of runs at an address that cannot be used, before anything else is done.

    Raises:
        BadInput, StoreError: see `raysp.storage.check`.
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
    from raysp.data import prepare, sources

    own = {recording.name: recording for recording in experiment.recordings}
    known = [*prepare.expand(experiment.splits), *own]
    if request.splits:
        found = [name for pattern in request.splits for name in prepare.matching(pattern, known)]
        known = list(dict.fromkeys(found))
    benchmark = [name for name in known if name not in own]
    named = {*experiment.splits, *request.splits}
    groups = (
        prepare.present(prepare.groups(benchmark), request.root, named=set(benchmark) <= named) if benchmark else []
    )
    there = {name for group in groups for name in group}
    full, refused = [], []
    for name in known:
        if name in own or name in there:
            try:
                recording = own.get(name)
                full.append(
                    sources.full_name(recording, request.root) if recording else prepare.resolve(name, request.root)
                )
            except (BadInput, NotReady) as error:
                refused.append((name, error))
    raise_together(refused)
    return full


def run_folder(experiment: Experiment, splits: list[str], runs: str) -> RunFolder:
    """Return where the run lies; its name says when its data are generated."""
    standin = any(name.startswith(STANDIN) for name in splits)
    return RunFolder(files.join(runs, f"{STANDIN if standin else ''}{experiment.name}"))


def _launch(
    experiment: Experiment, names: list[str], run: RunFolder, request: Request, best: BestSettings | None, say: Any
) -> int:
    from raysp.cluster.fitness import check_machines, expected
    from raysp.cluster.session import session

    with session(experiment.resources, verbose=request.verbose) as machines:
        check_machines(expected(files.absolute(run.path), files.absolute(request.root)))
        prepare_data(experiment, names, request, say)
        if best is not None:
            check_data(best, names, request.root)
        plan = make_plan(experiment, names, request.root)
        check_not_empty(plan)
        _say_left_out(plan, say)
        trials = write_record(run, experiment, plan, request.root)
        missing = to_run(run, plan, request)
        _forget(run, missing)
        say_tracking(run, request, say)
        tracker = _tracker(run, trials, request)
        try:
            states = _train(experiment, missing, len(plan.trials), run, request, machines, tracker)
            failed = _failed(run, plan, states)
            if failed:
                _show_failure(run, failed, states, say)
            else:
                finish(run, request, say)
        finally:
            for line in tracker.close():
                say(line)
    return 1 if failed else 0


def _forget(run: RunFolder, missing: list[Trial]) -> None:
    """Take back what a run says of trials that are run now, perhaps once more: their folders may have been removed."""
    from raysp.evaluation.metrics_table import forget

    if missing:
        files.remove(run.finished)
        forget(run, [trial.id for trial in missing])


def prepare_data(experiment: Experiment, names: list[str], request: Request, say: Any) -> None:
    """Prepare the splits, and the validation-phase partners of test-phase ones, that are not up to date.

    Raises:
        BadInput, NotReady: some were refused, which are listed; the others were prepared.
    """
    from raysp.cluster.jobs import jobs
    from raysp.data import prepare, sources, split_file

    bare = {name.removeprefix(STANDIN) for name in names}
    chosen = [recording for recording in experiment.recordings if recording.name in bare]
    own = {sources.full_name(recording, request.root) for recording in chosen}
    refusals = jobs("raysp.data.sources.try_recording", [((recording, request.root), {}) for recording in chosen])
    partners = [name.removesuffix("-test") + "-val" for name in names if name.endswith("-test")]
    groups = prepare.groups([name for name in dict.fromkeys([*names, *partners]) if name not in own])
    stale = [group for group in groups if not prepare.up_to_date(group, request.root)]
    if stale:
        say(f"preparing {sum(map(len, stale))} splits of {len(stale)} recordings")
        refusals += jobs(
            "raysp.data.prepare.try_group",
            [((group, request.root), {}) for group in stale],
            on_done=lambda i, refusal: say(f"  {'refused' if refusal else 'prepared'} {', '.join(stale[i])}"),
        )
    raise_together(zip([*(one.name for one in chosen), *(", ".join(group) for group in stale)], refusals, strict=True))
    for name in names:
        for note in split_file.notes(request.root, name):
            say(f"  {name}: {note}")


def to_run(run: RunFolder, plan: Plan, request: Request) -> list[Trial]:
    """Return the trials that are still to be run; with `force` their folders are removed first."""
    if request.force:
        for folder in (run.trial(trial.id) for trial in plan.trials):
            # First what makes it a finished trial: a folder is not removed in one step.
            files.remove(folder.done)
            files.remove(folder.path)
    missing, states = [], run.states(plan.trials)
    for trial in plan.trials:
        state = states[trial.id]
        if state == "failed" and request.retry:
            files.remove(run.trial(trial.id).error)
        if state in ("missing", "started") or (state == "failed" and request.retry):
            missing.append(trial)
    return missing


def _train(
    experiment: Experiment,
    missing: list[Trial],
    total: int,
    run: RunFolder,
    request: Request,
    machines: list[dict[str, float]],
    tracker: Any,
) -> dict[str, dict[str, Any]]:
    from raysp.cluster.fitness import expected
    from raysp.cluster.pool import Pool, wait_for
    from raysp.one_trial import Setting

    with Progress(run.name, total, before=total - len(missing)) as progress:
        if not missing:
            return {}
        setting = Setting(run=files.absolute(run.path), root=files.absolute(request.root), device=request.device)
        plain = [trial_to(trial) for trial in missing]
        pool = Pool(plain, setting, experiment.resources, machines, expected=expected(setting.run, setting.root))

        def on_event(events: list[dict[str, Any]], states: dict[str, dict[str, Any]]) -> None:
            progress.update(events, states)
            tracker.events(events)

        return wait_for(pool, on_event)


def finish(run: RunFolder, request: Request, say: Any) -> None:
    """Collect, submit, evaluate the val phase and draw the report of a run whose trials are all finished.

    Nothing is done twice: finished.json says which trials the files were made from.
    """
    from raysp.cluster.jobs import job
    from raysp.evaluation.remarks import remarks_of

    path, root = files.absolute(run.path), files.absolute(request.root)
    made_from = {"trials": [trial.id for trial in run.trials()], "raysp": raysp.__version__}
    products = (run.predictions, run.metrics, files.join(run.report, "report.html"))
    if files.exists(run.finished) and files.read_json(run.finished) == made_from and all(map(files.exists, products)):
        say(f"  up to date   {products[-1]}")
        return
    files.remove(run.finished)
    say(f"  predictions  {job('raysp.collection.gather.gather', RunFolder(path))}")
    try:
        for submission in submissions(run, request):
            say(f"  submission   {submission}")
    except BadInput as error:
        # Which model to submit may be a person's choice; scores and report do not wait for it.
        say(f"  submission   none yet: {error}")
    if any(_phase(trial) == "val" for trial in run.trials()):
        evaluate(run, request.root, "val", anew=False)
        say(f"  metrics      {run.metrics}")
        for remark in remarks_of(run, "val"):
            say(f"    {remark}")
    say(f"  report       {job('raysp.report.page.write_report', RunFolder(path), root)}")
    files.write_json(run.finished, made_from)


def submissions(run: RunFolder, request: Request) -> list[str]:
    """Write the submissions of a run that has benchmark splits and no cell subset; none otherwise."""
    from raysp.cluster.jobs import job
    from raysp.evaluation.run import is_nlb

    trials = run.trials()
    if not any(is_nlb(trial.split) for trial in trials) or any(trial.neurons for trial in trials):
        return []
    path, root = files.absolute(run.path), files.absolute(request.root)
    return job("raysp.collection.submission.submissions", RunFolder(path), root)


def evaluate(run: RunFolder, root: str, phase: str, *, anew: bool = True) -> int:
    """Score the finished trials of a phase in parallel Ray tasks; return how many were scored.

    The test phase's answers are looked at only here, by explicit request, and the run counts it.

    Args:
        run: the run folder.
        root: the data root.
        phase: "val" or "test".
        anew: score again what was scored before.

    Raises:
        BadInput: a split below `root` is not what its trials were trained on; scores that were there stay.
    """
    from raysp.cluster.jobs import jobs
    from raysp.evaluation import run as scores
    from raysp.evaluation.metrics_table import scored, write_metrics
    from raysp.evaluation.train_table import write_train_table

    before = set() if anew else scored(run)
    trials = [trial for trial in scores.wanted(run, phase) if trial.id not in before]
    scores.check_data(root, trials)
    if phase == "test":
        scores.count_test_score(run, trials)
    calls = [((files.absolute(run.path), files.absolute(root), trial_to(trial)), {}) for trial in trials]
    rows = jobs("raysp.evaluation.run.evaluate_trial", calls) if calls else []
    write_metrics(run, [row for part in rows for row in part])
    write_train_table(run)
    return len(trials)


def _phase(trial: Trial) -> str:
    from raysp.evaluation.run import phase_of

    return phase_of(trial.split)


def say_tracking(run: RunFolder, request: Request, say: Any) -> None:
    """Say where the tracking store of a run at an address lies, unless a server was named."""
    if request.tracking is None and not files.is_local(run.path):
        say(f"  tracking     {run.mlflow} (SQLite needs a disk; a server instead with --tracking ADDRESS)")


def _tracker(run: RunFolder, trials: list[Trial], request: Request) -> Any:
    from raysp.tracking import Tracker

    return Tracker(run, trials, request.tracking, {"commit": commit()["commit"], "run": run.name})


def _failed(run: RunFolder, plan: Plan, states: dict[str, dict[str, Any]]) -> list[Trial]:
    there = run.states(plan.trials)
    return [trial for trial in plan.trials if there[trial.id] != "done"]


def _show_failure(run: RunFolder, failed: list[Trial], states: dict[str, dict[str, Any]], say: Any) -> None:
    for trial in failed:
        folder = run.trial(trial.id)
        text = (
            files.read_text(folder.error) if files.exists(folder.error) else states.get(trial.id, {}).get("error", "")
        )
        if text:
            say(f"\nthe first failure, {trial.id}:\n{text.rstrip()}\n")
            break
    say(f"{len(failed)} trials are not finished; the others are kept. Again with: the same command and --retry")
    say(f"what is there can be collected with: raysp collect {run.path} --partial")


def _say_left_out(plan: Plan, say: Any) -> None:
    together: dict[tuple[str, str], list[str]] = {}
    for model, split, reason in plan.left_out:
        together.setdefault((model, reason), []).append(split)
    for (model, reason), splits in together.items():
        where = splits[0] if len(splits) == 1 else f"{len(splits)} splits"
        say(f"  left out {model} on {where}: {reason}")


def _show(experiment: Experiment, names: list[str], run: RunFolder, request: Request, say: Any) -> int:
    try:
        plan = make_plan(experiment, names, request.root)
    except NotReady as error:
        say(f"{len(names)} splits: {', '.join(names)}")
        say(f"their trials can be listed once they are prepared: {error}")
        return 0
    for name, state in run.states(plan.trials).items():
        say(f"  {state:8} {name}")
    _say_left_out(plan, say)
    left = to_run(run, plan, dataclasses.replace(request, force=False, retry=False))
    say(f"{len(plan.trials)} trials in {run.path}, {len(left)} to run")
    return 0
