"""A fault campaign on a cluster: its machines are switched off and on again while a run is at work.

    python -m tests.faults.machines --losses 20 --work SOME_FOLDER

Two machines train and a third leads, all played by this one. Each round is a fresh run folder. Its command is given
again until it ends well, while a schedule drawn from the seed switches machines off, both at once now and then, and
kills the command and its workers; then every trial must be there once, with the numbers of an undisturbed run on this
machine alone to the last bit. Needs root.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import random
import subprocess
import sys
import time

import click
import psutil

from tests.cluster.own_host import why_not
from tests.cluster.ray_machines import RayMachines
from tests.faults import scenario
from tests.faults.campaign import MOST_COMMANDS, Campaign, quietly
from tests.faults.compare import differences

NAMES = ("node1", "node2")
PATIENCE_S = 900.0


def run(campaign: Campaign) -> Campaign:
    """Run a campaign until `campaign.kills` machines were lost, and to the end of the round that falls in.

    Raises:
        RuntimeError: a command does not end, or not well, however often it is given.
    """
    work = pathlib.Path(campaign.work)
    root = str(work / "data")
    quietly([sys.executable, "-m", "raysp", "data", "standin", "--root", root, "--size", "small"])
    _, one = scenario.write(str(work / "experiments"), root, campaign.epochs)
    quietly(one.command(0, str(work / "quiet"), None))
    machines, rng, number = RayMachines(work / "hosts", work), random.Random(campaign.seed), 0
    try:
        for name in NAMES:
            machines.add(name)
        while campaign.counts["machine"] < campaign.kills:
            runs = str(work / f"runs{number}")
            _round(campaign, machines, one.command(0, runs, None), rng)
            found = differences(one.folder(str(work / "quiet")), one.folder(runs))
            campaign.problems += [f"round {number}: {line}" for line in found]
            campaign.note("round", of=number, differences=len(found))
            number += 1
    finally:
        machines.close()
    return campaign


def _round(campaign: Campaign, machines: RayMachines, command: list[str], rng: random.Random) -> None:
    for _ in range(MOST_COMMANDS):
        output = pathlib.Path(campaign.work) / "last-output.txt"
        process = machines.begin(*command, output=output)
        status = _disturbed(campaign, machines, process, rng)
        campaign.note("ended", status=status)
        if "Traceback" in output.read_text() and status != -9:
            campaign.problems.append(f"the command ended with a traceback: {output.read_text()[-1500:]}")
        if status == 0:
            return
    raise RuntimeError(f"the run did not end well within {MOST_COMMANDS} commands: {output}")


def _disturbed(campaign: Campaign, machines: RayMachines, process: subprocess.Popen[bytes], rng: random.Random) -> int:
    """Disturb a command until it ends; return its exit status, with all machines there again."""
    until = time.monotonic() + PATIENCE_S
    while process.poll() is None:
        if time.monotonic() > until:
            raise RuntimeError(f"a command did not end within {PATIENCE_S:.0f} s")
        _rest(rng.uniform(5.0, 25.0), process)
        if process.poll() is not None:
            break
        if campaign.counts["machine"] >= campaign.kills:
            # Left alone, or on a slow machine the last round might never end.
            continue
        draw = rng.random()
        if draw < 0.1:
            # The command itself: what is started to run it there ends with it.
            psutil.Process(process.pid).children()[0].kill()
            process.wait()
            campaign.note("driver")
        elif draw < 0.3:
            _kill_worker(campaign, machines, rng)
        else:
            lost = rng.sample(NAMES, 2 if draw > 0.9 else 1)
            for name in lost:
                machines.lose(name)
                campaign.note("machine", of=name)
            _rest(rng.uniform(1.0, 20.0), process)
            for name in lost:
                machines.add(name)
                campaign.note("back", of=name)
    return process.wait()


def _kill_worker(campaign: Campaign, machines: RayMachines, rng: random.Random) -> None:
    found = []
    for host in machines.workers.values():
        for process in psutil.Process(host.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                if "RayTrainWorker" in " ".join(process.cmdline()):
                    found.append(process)
    if found:
        with contextlib.suppress(psutil.NoSuchProcess):
            rng.choice(found).kill()
            campaign.note("worker")


def _rest(seconds: float, process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)


def table(campaign: Campaign) -> str:
    """Return the campaign's figures as a Markdown table."""
    counts = campaign.counts
    rows = [
        ("machines switched off", counts["machine"]),
        ("kill -9 of a Train worker", counts["worker"]),
        ("kill -9 of the command", counts["driver"]),
        ("commands given", counts["ended"]),
        ("runs finished", counts["round"]),
        ("differences from the undisturbed run", len(campaign.problems)),
    ]
    return "\n".join(["| what | times |", "|---|---:|", *(f"| {name} | {value} |" for name, value in rows)])


@click.command()
@click.option("--losses", default=20, show_default=True, help="How many machines are switched off.")
@click.option("--seed", default=0, show_default=True, help="Of the schedule.")
@click.option("--work", required=True, help="An empty folder for everything.")
@click.option("--epochs", default=150, show_default=True, help="Of each trial.")
def main(losses: int, seed: int, work: str, epochs: int) -> None:
    """Switch a cluster's machines off and on again, and tell whether anything was lost."""
    if (reason := why_not()) is not None:
        raise click.UsageError(reason)
    os.makedirs(work, exist_ok=True)
    if os.listdir(work):
        raise click.UsageError(f"--work expected an empty folder, got {work}; remove it or name another")
    campaign = run(Campaign(os.path.abspath(work), losses, seed, epochs))
    print(table(campaign))
    for line in campaign.problems:
        print(line)
    sys.exit(bool(campaign.problems))


if __name__ == "__main__":
    main()
