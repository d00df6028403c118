"""raysp best: the best model of a recording in the time one has."""

from __future__ import annotations

from typing import Any

import click

from raysp.cli import shipped
from raysp.cli.experiment_file import load_experiment
from raysp.cli.root import CONTEXT, DEVICE, ROOT, VERBOSE, main, say


@main.command(context_settings=CONTEXT)
@click.argument("recording")
@click.option("--minutes", type=float, default=30.0, show_default=True, help="Of wall time; more of them extend.")
@click.option("--source", default="", help="What reads the file, where its ending does not say: see `raysp sources`.")
@click.option(
    "--data", "settings", multiple=True, metavar="KEY=VALUE", help="A setting of the source, e.g. bin_ms=20; repeat it."
)
@click.option("--models", help="Only these models, separated by commas.")
@click.option(
    "--space", "spaces", multiple=True, metavar="FILE", help="A search space of your own, in place of a model's."
)
@click.option("--seeds", type=click.IntRange(min=1), default=3, show_default=True, help="Of the best, trained anew.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the candidates.")
@click.option("--splits", multiple=True, help="Of an experiment's splits, the one that matches.")
@click.option("--name", default="", help="What the recording is called; by default after its file.")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Change a setting, e.g. training.epochs=200.")
@ROOT
@click.option("--runs", default="runs", show_default=True, help="Folder of run folders.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes.")
@click.option("--retry", is_flag=True, help="Run failed trials again.")
@click.option("--force", is_flag=True, help="Throw away all that was found for this recording, and start over.")
@click.option("--accept-code", is_flag=True, help="Keep results of other code: its changes changed none.")
@DEVICE
@VERBOSE
def best(recording: str, **options: Any) -> None:
    """Find the best model of a recording in the time you have; the same command again goes on, more minutes extend it.

    RECORDING is a file, the name of a split or of a source that generates its own data, or an experiment's Python file,
    whose settings are then where it begins.
    All models of its kind are compared with each other, their settings searched; the best are trained anew, and one
    report says what won, by how much, and what more time would do.
    """
    from raysp.config.sets import values
    from raysp.driver.best import Best
    from raysp.driver.best import best as find
    from raysp.driver.best_choices import of_experiment, of_recording
    from raysp.driver.launch import Request

    names = tuple(filter(None, (name.strip() for name in (options.pop("models") or "").split(","))))
    own = tuple(map(shipped.space, options.pop("spaces")))
    asked = Best(options.pop("minutes"), names, own, options.pop("seeds"), options.pop("seed"))
    settings = values(options.pop("settings"), "--data")
    given = {one: options.pop(one) for one in ("source", "name")}
    if recording.endswith(".py"):
        experiment = of_experiment(load_experiment(recording), settings, **given)
    else:
        experiment = of_recording(recording, settings, **given)
    workers = options.pop("workers")
    sets = (*options.pop("sets"), *([] if workers is None else [f"resources.workers={workers}"]))
    find(experiment, asked, Request(sets=sets, file=recording, **options), say)
