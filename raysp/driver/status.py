"""How a run stands, in lines: what is done and what is left, what failed and why, how long it takes, the scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from raysp.config.experiment import Trial
from raysp.driver import score_table
from raysp.driver.finish import READERS
from raysp.driver.progress import clock
from raysp.driver.status_pbt import population_lines, unfinished
from raysp.errors import BadInput
from raysp.io import files
from raysp.io.terminal import Terminal, table
from raysp.io.words import counted, named
from raysp.report.failures import grouped
from raysp.runs.folder import RunFolder, left_out
from raysp.runs.lock import is_held
from raysp.runs.records import Done

SHOWN = 12
"""Rows of a list that is shortened."""


def lines(run: RunFolder, terminal: Terminal, *, whole: bool = False) -> Iterator[str]:
    """Yield how a run stands.

    Args:
        run: its folder.
        terminal: where it is printed.
        whole: name every trial, and show every metric of every split.

    Raises:
        NotReady, BadInput: as `RunFolder.record` does.
    """
    trials, held = run.trials(), is_held(run)
    states: dict[str, str] = {**run.states(trials)}
    done, faults = _read(run, [trial for trial in trials if states[trial.id] == "done"])
    states |= {trial.id: "without predictions" for trial in run.lost(trials)} | dict.fromkeys(faults, "damaged")
    if held:
        states = {name: "running" if state == "started" else state for name, state in states.items()}
    yield from _named(run, states) if whole else ()
    counts = f", {_counts(states)}" if trials else ""
    yield f"{run.path}: {counted(trials, 'trial')}{counts}{_left(trials, states, done)}"
    yield from population_lines(run)
    yield from (f"  {fault}" for fault in faults.values())
    if not whole and (gone := left_out(run.record())):
        yield f"  {counted(gone, 'trial')} of an earlier form of the experiment, or of other code, left out (--all)"
    yield from () if whole else _places(trials, states, terminal)
    yield from _running(run, states)
    yield from _failures(run, trials, states)
    if files.exists(run.metrics):
        yield from score_table.lines(run, None, None, terminal, whole=whole, every=whole)
    yield from _next(run, states, held=held)


def _read(run: RunFolder, trials: Sequence[Trial]) -> tuple[dict[str, Done], dict[str, str]]:
    """Return by id what done.json says, and of those that cannot be read what is wrong with them."""

    def read(trial: Trial) -> Done | str:
        try:
            return run.trial(trial.id).read_done()
        except BadInput as error:
            return str(error)

    with ThreadPoolExecutor(READERS) as readers:
        found = dict(zip((trial.id for trial in trials), readers.map(read, trials), strict=True))
    done = {name: one for name, one in found.items() if not isinstance(one, str)}
    return done, {name: one for name, one in found.items() if isinstance(one, str)}


def _named(run: RunFolder, states: Mapping[str, str]) -> Iterator[str]:
    for name, state in states.items():
        yield f"  {state:8} {name}"
    for name in left_out(run.record()):
        yield f"  left out {name} (of an earlier form of the experiment, or of other code)"


def _counts(states: Mapping[str, str]) -> str:
    found = Counter(states.values())
    return ", ".join(f"{count} {state}" for state, count in sorted(found.items(), key=lambda one: one[0] != "done"))


def _left(trials: Sequence[Trial], states: Mapping[str, str], done: Mapping[str, Done]) -> str:
    """Return about how long the running command still takes, by how long finished trials of each model took."""
    running = sum(state == "running" for state in states.values())
    took: dict[str, list[float]] = {}
    for trial in trials:
        if (seconds := done.get(trial.id, Done()).get("seconds")) is not None:
            took.setdefault(trial.shown, []).append(seconds)
    if not running or not took:
        return ""
    means = {model: sum(values) / len(values) for model, values in took.items()}
    usual = sum(means.values()) / len(means)
    # One that runs is half done, as far as anybody knows here.
    share = {"missing": 1.0, "running": 0.5}
    seconds = sum(share.get(states[trial.id], 0.0) * means.get(trial.shown, usual) for trial in trials)
    return f", about {clock(seconds / running)} left"


def _places(trials: Sequence[Trial], states: Mapping[str, str], terminal: Terminal) -> Iterator[str]:
    """Yield how many trials of each model are done, split by split, where some are not."""
    splits = list(dict.fromkeys(trial.split for trial in trials if states[trial.id] != "done"))
    models = list(dict.fromkeys(trial.shown for trial in trials))
    if not splits or len(trials) == 1:
        return
    every: dict[tuple[str, str], list[bool]] = {}
    for trial in trials:
        every.setdefault((trial.split, trial.shown), []).append(states[trial.id] == "done")
    rows = [
        (split, [(f"{sum(found)}/{len(found)}" if (found := every.get((split, model))) else "-", False)
                 for model in models])
        for split in splits[:SHOWN]
    ]  # fmt: skip
    yield ""
    yield "trials done, of splits where some are not"
    yield from table(models, rows, terminal)
    if len(splits) > SHOWN:
        yield f"  and {counted(len(splits) - SHOWN, 'more split')}"


def _running(run: RunFolder, states: Mapping[str, str]) -> Iterator[str]:
    found = [(name, state) for name, state in states.items() if state in ("running", "started")]
    if found:
        yield ""
    for name, state in found[:SHOWN]:
        log = run.trial(name).log
        last = files.read_text(log).splitlines()[-1:] if files.exists(log) else []
        yield f"  {state:8} {name}{''.join(f': {line}' for line in last)}"
    if len(found) > SHOWN:
        yield f"  and {len(found) - SHOWN} more"


def _failures(run: RunFolder, trials: Sequence[Trial], states: Mapping[str, str]) -> Iterator[str]:
    failed = [trial for trial in trials if states[trial.id] == "failed"]
    found = grouped(
        (trial.id, run.trial(trial.id).error, trial.follows is not None and states.get(trial.follows) != "done")
        for trial in failed
    )
    if found:
        yield ""
    for one in found[:SHOWN]:
        yield f"  failed   {named(one.trials, 2)} ({counted(one.trials, 'trial')}): {one.error}"
        yield f"           its traceback: {run.trial(one.trials[0]).error}"


def _next(run: RunFolder, states: Mapping[str, str], *, held: bool) -> Iterator[str]:
    """Yield what a person may do about what is left, or where the results are."""
    report = files.join(run.report, "report.html")
    yield ""
    left = any(state != "done" for state in states.values()) or unfinished(run)
    if held:
        who = files.read_text(run.holder) if files.exists(run.holder) else "another command"
        yield f"at work on it: {who}"
    elif left:
        command = next((one["command"] for one in reversed(run.record()["submissions"]) if "command" in one), "")
        failed = " --retry" if "failed" in states.values() and "--retry" not in command else ""
        yield f"next: {command}{failed}" if command else "next: the command that made it goes on"
    elif files.exists(report):
        yield f"  report       {report}"
        yield f"next: raysp ui {run.typed}"
    else:
        yield f"next: raysp report {run.typed}"
