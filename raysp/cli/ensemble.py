"""raysp ensemble: an average of what trials of several runs predict."""

from __future__ import annotations

from typing import Any

import click

from raysp.cli.root import RUN_ROOT, VERBOSE, main, say
from raysp.errors import BadInput


@main.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("--by", default="", help="Score of validation trials: co-bps (default) or fp-bps.")
@click.option("--top", default="auto", show_default=True, help="How many of the best members are weighed.")
@click.option(
    "--weights", "way", type=click.Choice(["auto", "equal", "greedy", "em", "all"]), default="auto", show_default=True
)
@click.option("--models", help="Only these models, separated by commas.")
@click.option("--splits", multiple=True, help="Only splits that match this glob; may be repeated.")
@click.option("--given-conditions", is_flag=True, help="Average over each condition's trials too: uses their labels.")
@click.option("--name", default="", help="The run folder's name; the first run's with -ensemble by default.")
@click.option("--runs", "folder", help="Folder of its run folder; that of the first run by default.")
@click.option("--partial", is_flag=True, help="Take the finished trials of unfinished runs.")
@click.option("--tracking", help="A tracking server's address; the run's own store by default.")
@RUN_ROOT
@VERBOSE
def ensemble(runs: tuple[str, ...], top: str, models: str | None, folder: str | None, **options: Any) -> None:
    """Average what the trials of RUN... predict, split by split; nothing is trained.

    Weights are sought on validation trials, and each way of weighing is judged on others of them, once inside, once
    around: equal weights of the best so many, a greedy choice, the likeliest weights. Trials that were fitted to the
    validation trials too are left out; "all" averages all without judging any. What comes of it is a run of its
    own: raysp evaluate, collect, report and open_run work on it as on any other.

    With --given-conditions, rates are averaged over all trials of a condition as well, by the labels of evaluation
    trials, and stand in tables as ensemble_given_conditions. Where trials of a condition share their rates, that is how
    near one comes who is told the condition; no model is.
    """
    from raysp.driver.ensemble import Request
    from raysp.driver.ensemble import ensemble as average

    chosen = tuple(one.strip() for one in models.split(",")) if models else ()
    average(runs, Request(top=_top(top), models=chosen, runs=folder, **options), say)


def _top(text: str) -> int | None:
    if text == "auto":
        return None
    if text.isascii() and text.isdigit() and int(text):
        return int(text)
    raise BadInput(f"--top expected auto or a number of members from 1 on, got {text!r}")
