"""raysp latents: what the latents of a run's models are worth."""

from __future__ import annotations

import shlex

import click

from raysp.cli.data_root import run_of, whole_root
from raysp.cli.root import RUN_ROOT, main, numbers, say


@main.command()
@click.argument("folder", metavar="RUN")
@click.option("--shots", metavar="K,K,...", help="Trials that readouts are fitted to; 4, 8, 16, ... by default.")
@click.option("--draws", default=20, show_default=True, help="Random choices of so many trials; of many, fewer.")
@click.option("--seed", default=0, show_default=True, help="Of the choices.")
@RUN_ROOT
def latents(folder: str, shots: str | None, draws: int, seed: int, root: str | None) -> None:
    """Ask what the latents of a finished RUN's models are worth; nothing is trained.

    Few-shot co-bps: held-out units read from latents by readouts that are fitted anew to few trials. Cross-decoding:
    latents of each model read from those of each other. Both tell latents that hold what the recording has from those
    with dynamics of their own, which co-bps does not. The table is RUN/latents.parquet, and raysp report draws it.
    """
    from raysp.driver.ending import say_next, say_path
    from raysp.driver.finish import note
    from raysp.driver.latents import latents as asked
    from raysp.io import files
    from raysp.kinds.readouts import Readouts
    from raysp.runs.lock import locked

    how, run = Readouts(numbers("--shots", shots), draws, seed), run_of(folder)
    with locked(run):
        there = whole_root(run, root, run.finished_of(run.trials()))
        for line in asked(run, there, how):
            say(line)
        note(run, "latents.parquet")
    say("")
    say_path("latents", files.join(run.path, "latents.parquet"), say)
    say_next({f"raysp report {shlex.quote(folder)}": "draws the report with it"}, say)
