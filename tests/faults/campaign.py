"""A fault campaign: a small sweep and a small run, killed again and again, and compared with undisturbed ones.

    python -m tests.faults.campaign --kills 200 --work SOME_FOLDER

Each round is a fresh run folder: a sweep or a run, with a tracking server or without. Its command is given again until
it ends well, while a schedule drawn from the seed kills its processes, until the round has had its share; then every
trial must be there once, with the numbers of the undisturbed run to the last bit. As root, the run folders lie on a
small file system of their own, which is filled up now and then.
"""

from __future__ import annotations

import collections
import contextlib
import json
import math
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import click
import psutil

from tests.faults import scenario, strokes
from tests.faults.compare import differences

ROUNDS = 4
"""At least: a sweep and a run, each with a tracking server and without one."""
KILLS = ("worker", "actor", "task", "driver")
ROOM_MB = 96
PATIENCE_S = 600.0
"""A command that takes longer than this, or that has to be given `MOST_COMMANDS` times, is stuck."""
MOST_COMMANDS = 60
GRACE_S = 90.0
"""Ray's own agents notice only after a minute that their session is dead."""


@dataclass
class Campaign:
    """What has happened so far.

    Attributes:
        work: the campaign's folder.
        kills: how many are wanted.
        seed: of the schedule.
        epochs: of the trials.
        share: how many kills there are at the end of this round's share; then its command is left alone, or on a slow
            machine a round might never end.
        until: when, by the clock that never goes back, it is left alone as well.
        events: what was done, in order; also lines of campaign.jsonl.
        problems: one line for each thing that is not as it should be.
        started: processes of the round that may be alive still.
    """

    work: str
    kills: int
    seed: int = 0
    epochs: int = 40
    share: int = 0
    until: float = math.inf
    events: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    started: set[psutil.Process] = field(default_factory=set)

    @property
    def counts(self) -> dict[str, int]:
        """How many events of each kind there were."""
        return collections.Counter(event["kind"] for event in self.events)

    @property
    def killed(self) -> int:
        """How many processes were killed with kill -9."""
        return sum(self.counts[kind] for kind in KILLS)

    def note(self, kind: str, **more: Any) -> None:
        """Note an event and show it."""
        event = {"kind": kind, "at": round(time.time(), 2), **more}
        self.events.append(event)
        with open(os.path.join(self.work, "campaign.jsonl"), "a") as file:
            file.write(json.dumps(event) + "\n")
        print(f"{self.killed:4d} kills  {kind}  {' '.join(f'{k}={v}' for k, v in more.items())}", flush=True)


def run(campaign: Campaign) -> Campaign:
    """Run a campaign to its last kill and the end of the round it falls in.

    Raises:
        RuntimeError: a command does not end, or not well, however often it is given.
    """
    root, runs = (os.path.join(campaign.work, name) for name in ("data", "runs"))
    if not os.path.exists(root):
        quietly([sys.executable, "-m", "raysp", "data", "standin", "--root", root, "--size", "small"])
    scenarios = scenario.write(os.path.join(campaign.work, "experiments"), root, campaign.epochs)
    quiet = os.path.join(campaign.work, "quiet")
    for one in scenarios:
        for step in range(len(one.steps)):
            quietly(one.command(step, quiet, None))
        campaign.note("undisturbed", of=one.name)
    with small_disk(runs) as bounded:
        if not bounded:
            campaign.note("no full disk", why="needs root and tmpfs")
        number = 0
        while campaign.killed < campaign.kills or number < ROUNDS:
            one = scenarios[number % 2]
            # Both kinds of run meet the server, in turn.
            served = None
            if number % 4 in (2, 3):
                # A folder of its own: MLflow keeps the database of an address open, be the file gone.
                served = strokes.Server(os.path.join(campaign.work, f"tracking-{number}"))
            place = os.path.join(runs, f"round-{number:03d}")
            known = len(campaign.problems)
            campaign.share = campaign.killed + -(-campaign.kills // ROUNDS)
            one_round(campaign, one, number, place, bounded, served)
            campaign.problems += [
                f"round {number}, {one.name}: {line}"
                for line in differences(one.folder(quiet), one.folder(place), served.store if served else None)
            ]
            campaign.note("round", number=number, of=one.name, differences=len(campaign.problems))
            none_left(campaign)
            for line in campaign.problems[known:]:
                print(line, flush=True)
            shutil.rmtree(place)
            if served:
                shutil.rmtree(served.folder)
            number += 1
    return campaign


def quietly(command: list[str]) -> None:
    """Run a command to its end, unheard. Raises CalledProcessError when it fails."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@contextlib.contextmanager
def small_disk(path: str) -> Iterator[bool]:
    """Put a small file system at a path for the block; yield whether that could be done."""
    os.makedirs(path, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={ROOM_MB}m", "raysp-faults", path]
    done = (
        shutil.which("mount") is not None and subprocess.run(command, check=False, capture_output=True).returncode == 0
    )
    try:
        yield done
    finally:
        if done:
            subprocess.run(["umount", "-l", path], check=False)


def one_round(
    campaign: Campaign, one: scenario.Scenario, number: int, place: str, bounded: bool, server: strokes.Server | None
) -> None:
    rng = random.Random(f"{campaign.seed}-{number}")
    if server:
        server.start()
    try:
        for step in range(len(one.steps)):
            for attempt in range(MOST_COMMANDS):
                if _command(campaign, one, step, place, rng, bounded, server) == 0:
                    break
                if attempt == MOST_COMMANDS - 1:
                    raise RuntimeError(f"{one.name} did not end well within {MOST_COMMANDS} commands: {place}")
        if server:
            # What a store that was away has missed, the same command writes later.
            quietly(one.command(step, place, server.address))
    finally:
        if server:
            server.kill()


def _command(
    campaign: Campaign,
    one: scenario.Scenario,
    step: int,
    place: str,
    rng: random.Random,
    bounded: bool,
    server: strokes.Server | None,
) -> int:
    """Give a command once, under strokes; return its exit status."""
    log = os.path.join(campaign.work, "last-output.txt")
    with open(log, "w") as output:
        process = subprocess.Popen(
            one.command(step, place, server.address if server else None),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "RAYSP_CHECKPOINT_S": "0.2"},
        )
    until = time.monotonic() + PATIENCE_S

    def running() -> bool:
        if time.monotonic() > until:
            os.killpg(process.pid, 9)
            raise RuntimeError(f"a command did not end within {PATIENCE_S:.0f} s; what it said: {log}")
        return process.poll() is None

    while running():
        with contextlib.suppress(psutil.NoSuchProcess):
            campaign.started.update(psutil.Process(process.pid).children(recursive=True))
        if campaign.killed >= campaign.share or time.monotonic() > campaign.until:
            strokes.rest(1.0, running)
        elif (kind := _stroke(process.pid, rng, running, place, bounded, server)) is not None:
            campaign.note(kind, of=one.name)
    code = process.wait()
    campaign.note("ended", of=one.name, status=code)
    with open(log) as output:
        said = output.read()
    if "Traceback" in said and code not in (0, -9):
        campaign.problems.append(f"{one.name} ended with a traceback: {said[-1500:]}")
    return code


def _stroke(
    driver: int,
    rng: random.Random,
    running: strokes.Running,
    place: str,
    bounded: bool,
    server: strokes.Server | None,
) -> str | None:
    """Do one thing to the command, drawn from the schedule."""
    draw = rng.random()
    if draw < 0.20:
        return strokes.kill_driver(driver, rng, running)
    if draw < 0.25:
        return strokes.interrupt(driver, rng, running)
    if draw < 0.30 and bounded:
        return strokes.fill_disk(os.path.dirname(place), driver, rng, running)
    if draw < 0.37 and server:
        return server.away(driver, rng, running)
    return strokes.kill_one(driver, ("worker", "actor", "task"), rng, running)


def none_left(campaign: Campaign) -> None:
    """Note as a problem what outlives its command: the next ones would share their cores with it.

    The next command does not wait for this: what a dead one left behind may well be writing still.
    """
    _, alive = psutil.wait_procs(list(campaign.started), timeout=GRACE_S)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            campaign.problems.append(f"left behind: {' '.join(process.cmdline())[:120]}")
            process.kill()
    campaign.started.clear()


def table(campaign: Campaign) -> str:
    """Return the campaign's figures as a Markdown table."""
    counts, rounds = campaign.counts, [event for event in campaign.events if event["kind"] == "round"]
    rows = [
        ("kill -9 of a Train worker", counts["worker"]),
        ("kill -9 of a Tune actor", counts["actor"]),
        ("kill -9 of a collecting, evaluating or reporting task", counts["task"]),
        ("kill -9 of the driver", counts["driver"]),
        ("Ctrl-C", counts["interrupt"]),
        ("disk full", counts["disk full"]),
        ("tracking server away", counts["tracking away"]),
        ("commands given", counts["ended"]),
        ("sweeps finished", sum(event["of"] == "sweep" for event in rounds)),
        ("runs finished", sum(event["of"] == "run" for event in rounds)),
        ("differences from the undisturbed runs", len(campaign.problems)),
    ]
    lines = [f"| {name} | {value} |" for name, value in rows]
    return "\n".join(["| what | times |", "|---|---:|", *lines])


@click.command()
@click.option("--kills", default=200, show_default=True, help="How many kill -9.")
@click.option("--seed", default=0, show_default=True, help="Of the schedule.")
@click.option("--work", required=True, help="An empty folder for everything.")
@click.option("--epochs", default=40, show_default=True, help="Of each trial.")
def main(kills: int, seed: int, work: str, epochs: int) -> None:
    """Kill a sweep and a run again and again, and tell whether anything was lost."""
    os.makedirs(work, exist_ok=True)
    if os.listdir(work):
        # What an earlier campaign left was computed by other code perhaps, and would differ for that reason.
        raise click.UsageError(f"--work expected an empty folder, got {work}; remove it or name another")
    campaign = run(Campaign(os.path.abspath(work), kills, seed, epochs))
    print(table(campaign))
    for line in campaign.problems:
        print(line)
    sys.exit(bool(campaign.problems))


if __name__ == "__main__":
    main()
