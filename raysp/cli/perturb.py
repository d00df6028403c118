"""raysp perturb: free runs of a run's models while units are silenced or driven."""

from __future__ import annotations

import click

from raysp.cli.data_root import run_of, whole_root
from raysp.cli.root import DEVICE, RUN_ROOT, main, say
from raysp.errors import BadInput


@main.command()
@click.argument("folder")
@click.option("--silence", default="", metavar="UNITS", help="Units that have no spikes, e.g. 3,7 or 0-4.")
@click.option("--drive", multiple=True, metavar="UNIT=X", help="Add X to the logit (of counts: log) of a unit's rate.")
@click.option("--bins", metavar="FIRST:END", help="When; all bins of a movie by default.")
@click.option("--trials", default=100, show_default=True, help="Free runs of each movie, with and without.")
@click.option("--only", multiple=True, metavar="TRIAL", help="Ids of trials or names of models; all by default.")
@DEVICE
@RUN_ROOT
def perturb(
    folder: str, silence: str, drive: tuple[str, ...], bins: str | None, trials: int, only: tuple[str, ...],
    device: str, root: str | None,
) -> None:  # fmt: skip
    """Silence or drive units of a finished run's models while they run on freely, and write what the others do."""
    from raysp.data.splits.units import refuse_repeats
    from raysp.driver.perturb import lines
    from raysp.driver.perturb import perturb as perturbed
    from raysp.kinds.perturbation import Perturbation
    from raysp.runs.lock import locked
    from raysp.runs.trial_log import Setting

    pushes = list(map(_push, drive))
    refuse_repeats([unit for unit, _ in pushes])
    how = Perturbation(_units(silence), dict(pushes), None if bins is None else _bins(bins), trials)
    run = run_of(folder)
    with locked(run):
        there = whole_root(run, root, run.finished_of(run.trials()))
        path, table = perturbed(Setting(run.path, there, device), how, only)
    for line in lines(table):
        say(line)
    say(path)


def _units(text: str) -> tuple[int, ...]:
    """Return the units of "3,7,10-12"."""
    found: list[int] = []
    for item in filter(None, text.split(",")):
        first, dash, last = item.partition("-")
        last = last if dash else first
        if not (first.strip().isdecimal() and last.strip().isdecimal() and int(first) <= int(last)):
            raise BadInput(f"--silence expected units such as 3,7 or 0-4, got {text!r}")
        found += range(int(first), int(last) + 1)
    return tuple(found)


def _push(text: str) -> tuple[int, float]:
    unit, _, value = text.partition("=")
    try:
        return int(unit), float(value)
    except ValueError as error:
        raise BadInput(f"--drive expected UNIT=X such as 5=0.9, got {text!r}") from error


def _bins(text: str) -> tuple[int, int]:
    first, _, end = text.partition(":")
    if not (first.isdigit() and end.isdigit()):
        raise BadInput(f"--bins expected FIRST:END such as 100:200, got {text!r}")
    return int(first), int(end)
