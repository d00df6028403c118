"""What is made of a run's finished trials (dataset, submissions, scores, report), and whether it is up to date."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack, cast

import raysp
from raysp.config import code_hash
from raysp.config.experiment import Trial
from raysp.data.splits.split import Split
from raysp.driver.drawing import side_by_side
from raysp.driver.ending import show
from raysp.driver.last_look import unscored
from raysp.errors import BadInput, NotReady
from raysp.io import files
from raysp.io.words import counted
from raysp.kinds import catalog as kinds
from raysp.kinds.kind import Choice, Kind
from raysp.runs.folder import RunFolder, TrialFolder, trial_to
from raysp.runs.records import Record
from raysp.runs.roles import roles

if TYPE_CHECKING:
    from raysp.cluster.jobs import Call

SCORER, *MAKERS = ("driver/evaluate.py", "collection/gather.py", "driver/report.py")
PHASES = ("val", "test")
"""Beside what kinds of data make by themselves."""
READERS = 16
"""Files that are read at a time: in a store of objects, each is a wait."""
SCORING = ("collection", "data", "evaluation", "kinds", "objectives")
"""The rooms whose code changes a score."""


class Made(TypedDict, total=False):
    """Size of a file that was made of a run, and digest of one that lies on a disk."""

    size: int
    sha256: str


class MadeFrom(TypedDict, total=False):
    """What files of a run were made from: trials and their splits, versions and digests of code, what was looked at."""

    trials: dict[str, str]
    raysp: str
    code: str
    scoring: str
    record: str
    test_looks: int


class Finished(TypedDict, total=False):
    """finished.json: files by path in the run folder, what they were made from, what code scored a phase."""

    made_from: MadeFrom
    made: dict[str, Made]
    scored_by: dict[str, str]


def finish(run: RunFolder, root: str, say: Callable[[str], None], *, test: bool = False) -> None:
    """Collect, submit, evaluate the val phase and draw the report of a run's finished trials; say what came out.

    Nothing is done twice: finished.json says which trials, which code and which data the files were made from, and
    what was made. What is gone or was changed since is made again.

    Args:
        run: the run folder.
        root: the data root.
        say: prints one line for a person.
        test: evaluate the test phase, too, where its trials are not scored yet: a look that is counted.

    Raises:
        BadInput: what a finished trial says of itself is damaged, or another trial's.
    """
    from raysp.cluster.jobs import job
    from raysp.driver.report import write_report

    path, at = RunFolder(files.absolute(run.path)), files.absolute(root)
    before, now, known = _finished(run), made_from(run), roles(run)
    if faults := damaged(run, run.finished_of(run.trials())):
        raise BadInput("; ".join(faults.values()))
    by = scored_by(before)
    aged = bool(now["test_looks"]) and by.get("test") != now["scoring"]
    if before.get("made_from") == now and not changed(run, before) and not (test and (aged or unscored(run))):
        say("all of it is up to date")
        there = [files.join(run.path, name) for name in outputs() if name.endswith(".h5")]
        show(run, root, [one for one in there if files.exists(one)], say, test=test)
        return
    files.remove(run.finished)
    job("raysp.collection.gather.gather", path, partial=True)
    sent = submissions(run, root)
    # Scores of other code, or that somebody changed, are not taken for new ones.
    kept = "metrics.parquet" not in changed(run, before)
    phases = {known[split].phase for split in now["trials"].values()}
    for phase in PHASES if test else PHASES[:1]:
        scored = kept and by.get(phase) == now["scoring"]
        if phase in phases and not (phase == "test" and scored and not unscored(run)):
            say("scoring the predictions" if phase == "val" else "scoring those of the test phase: a look that counts")
            evaluate(run, root, phase, anew=not scored, say=say)
            by[phase] = now["scoring"]
    if aged and not test:
        told = "the test phase was scored by other code, or against other answers"
        say(f"  note: {told}: --test-phase scores it anew, a look that counts")
    say("drawing the report")
    write_report(path, at, jobs=side_by_side(say))
    files.write_json(run.finished, {"made_from": made_from(run), "made": made(run), "scored_by": by})
    show(run, root, sent, say, test=test)


def scored_by(finished: Finished) -> dict[str, str]:
    """Return phase -> the digest of the code that scored it, as far as is known."""
    known = finished.get("scored_by")
    # Before phases had their own, a look at the test phase scored with what the run was scored with.
    one = finished.get("made_from", MadeFrom()).get("scoring")
    return dict(known) if known is not None else dict.fromkeys(PHASES, one) if one else {}


def outputs() -> tuple[str, ...]:
    """Return the names of the tables and other single files that are made of a run, of whatever kind of data."""
    return "metrics.parquet", "comparison.parquet", *(name for kind in kinds.known() for name in kind.outputs)


def changed(run: RunFolder, finished: Finished) -> list[str]:
    """Return which of the files that were made of a run are not there as they were made."""
    there = made(run)
    return [path for path, what in finished.get("made", {}).items() if there.get(path) != what]


def made(run: RunFolder) -> dict[str, Made]:
    """Return what is made of a run by now: path in the run folder -> size, and digest of what is on a disk.

    The dataset's files are known by their size: each is the trial's own, which tells of its digest itself.
    """
    folders = {"predictions": run.predictions, "report": run.report}
    found: dict[str, Made] = {
        f"{folder}/{name}": {"size": size}
        for folder, path in folders.items()
        for name, size in files.sizes(path).items()
    }
    single = {name: files.join(run.path, name) for name in outputs()}
    found |= {name: {"size": files.stamp(path)["size"]} for name, path in single.items() if files.exists(path)}
    for name, what in found.items():
        if files.is_local(run.path) and not name.startswith("predictions/"):
            what["sha256"] = files.sha256(files.join(run.path, name))
    return found


def note(run: RunFolder, *names: str, phase: str | None = None) -> None:
    """Note that some of what was made of a run was made again, by a command of its own.

    Args:
        run: the run folder.
        names: beginnings of paths in the run folder.
        phase: that was scored by it, with the code of now.
    """
    if (before := _finished(run)) and "made" in before:
        there = {path: what for path, what in made(run).items() if path.startswith(names)}
        kept = {path: what for path, what in before["made"].items() if not path.startswith(names)}
        by = scored_by(before) | ({phase: _scoring(run)} if phase else {})
        files.write_json(run.finished, {**before, "made": {**kept, **there}, "scored_by": by})


def submissions(run: RunFolder, root: str) -> list[str]:
    """Write the submissions of a run that has benchmark splits and no unit subset; return what to say of them.

    One that was made of trials that are not the experiment's any more goes: nobody should send it by mistake.
    """
    output = []
    for kind in kinds.known():
        if (trials := kind.submitted(run)) and not any(trial.units for trial in trials):
            try:
                output += submit(kind, run, root)
            except (BadInput, NotReady) as error:
                # Which model to submit may be a person's choice; scores and report do not wait for it.
                output.append(f"none yet: {error}")
        for old in kind.stale(run):
            files.remove(old)
            output.append(f"{old} was made of trials that are not the experiment's any more, and is removed")
    return output


def submit(kind: Kind[Split], run: RunFolder, root: str, **choice: Unpack[Choice]) -> list[str]:
    """Write what a kind sends to a benchmark, see `Kind.submit`; return each file's path and what is in it."""
    from raysp.cluster.jobs import job

    path, at = RunFolder(files.absolute(run.path)), files.absolute(root)
    written = job("raysp.kinds.catalog.submit", kind.name, path, at, **choice)
    return [f"{files.join(run.path, name)} ({words})" for name, words in written.items()]


def evaluate(
    run: RunFolder, root: str, phase: str, *, anew: bool = True, say: Callable[[str], None] = lambda text: None
) -> int:
    """Score the finished trials of a phase in parallel Ray tasks; return how many were scored.

    The test phase's answers are looked at only here, by explicit request, and the run counts it.

    Args:
        run: the run folder.
        root: the data root.
        phase: "val" or "test".
        anew: score again what was scored before.
        say: prints a line on numbers that were there before and are not any more.

    Raises:
        BadInput: a split below `root` is not what its trials were trained on; scores that were there stay.
    """
    from raysp.cluster.jobs import jobs
    from raysp.driver import evaluate as scores
    from raysp.driver.compare import compare
    from raysp.runs.metrics_table import measured, scored, write_metrics
    from raysp.runs.test_looks import count_test_score

    before = set() if anew else scored(run)
    trials = [trial for trial in scores.wanted(run, phase) if trial.id not in before]
    scores.check_data(root, trials)
    if phase == "test":
        count_test_score(run, trials)
    calls: list[Call] = [((files.absolute(run.path), files.absolute(root), trial_to(trial)), {}) for trial in trials]
    rows = jobs("raysp.driver.evaluate.evaluate_trial", calls) if calls else []
    now, known = {trial.id for trial in trials}, measured(run)
    write_metrics(run, [row for part in rows for row in part])
    if gone := sorted(one for one in known - measured(run) if one[0] in now):
        told = ", ".join(f"{metric} of {trial}" for trial, metric in gone[:3]) + (", ..." if len(gone) > 3 else "")
        why = "files in their trials' folders are gone (metrics.json, latents.h5), or the code or the answers changed"
        say(f"  note: {counted(gone, 'number')} that the table held cannot be computed any more: {told}; {why}")
    for kind in kinds.known():
        kind.tables(run, jobs)
    compare(run, root)
    return len(trials)


def damaged(run: RunFolder, trials: Iterable[Trial]) -> dict[str, str]:
    """Return by id what is wrong with done.json, of those finished trials of which something is; each is read."""
    with ThreadPoolExecutor(READERS) as readers:
        found = readers.map(lambda trial: (trial.id, _fault(run.trial(trial.id))), trials)
        return {name: fault for name, fault in found if fault}


def _fault(folder: TrialFolder) -> str:
    try:
        folder.read_done()
    except BadInput as error:
        return str(error)
    return ""


def _finished(run: RunFolder) -> Finished:
    try:
        return cast("Finished", files.read_object(run.finished)) if files.exists(run.finished) else {}
    except BadInput:
        # Damaged: then everything is made again.
        return {}


def made_from(run: RunFolder) -> MadeFrom:
    """Return what decides whether what was made of a run is up to date, and whether its scores are."""
    from raysp.runs.test_looks import test_scores_path

    looks = test_scores_path(run)
    return {
        "trials": {trial.id: trial.split for trial in run.finished_of(run.trials())},
        "raysp": raysp.__version__,
        "code": _code((SCORER, *MAKERS), kinds.paths(), (*SCORING, "report")),
        "scoring": _scoring(run),
        "record": files.digest(_reported(run.record())),
        "test_looks": files.stamp(looks)["size"] if files.exists(looks) else 0,
    }


def _scoring(run: RunFolder) -> str:
    return files.digest([_code((SCORER,), kinds.paths("score.py"), SCORING), _measured(run.record())])


def _code(own: Iterable[str], others: Iterable[Path], rooms: tuple[str, ...]) -> str:
    installed = code_hash.files_of([*(code_hash.PACKAGE / path for path in own), *others], rooms)
    return code_hash.digest({**installed, **kinds.plugged()})


def _measured(record: Record) -> list[object]:
    """Return what a record says of how its data are scored: no part of a trial's name, whose arrays stay the same."""
    fields = ("decode_history", "behavior", "unit_names", "answers")
    known = {name: {field: one.get(field) for field in fields} for name, one in record.get("data", {}).items()}
    return [record.get("experiment", {}).get("recordings"), known]


def _reported(record: Record) -> list[object]:
    """Return what a report tells of a run's record, besides its commands: floor and ceiling, and what is left out."""
    experiment = {name: value for name, value in record.get("experiment", {}).items() if name != "resources"}
    return [experiment, record.get("accepted"), [one["id"] for one in record.get("earlier", ())]]
