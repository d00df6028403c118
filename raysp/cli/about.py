"""raysp models, sources, splits, doctor, packing: what there is to work with."""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING, Any

import click

from raysp.cli.root import DEVICE, ROOT, main, numbers, say

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@main.command()
@click.argument("names", nargs=-1)
def models(names: tuple[str, ...]) -> None:
    """List the models with their settings, or explain those of these NAMES (or paths): defaults, ranges, meanings."""
    from raysp.config import own_code
    from raysp.models import catalog

    for name in names or catalog.names():
        module = catalog.module(own_code.taken("models", name))
        _show(name, module.__doc__, module.Config, explained=bool(names))


@main.command()
@click.argument("names", nargs=-1)
def sources(names: tuple[str, ...]) -> None:
    """List what recordings are read from, or explain those of these NAMES (or paths): defaults, ranges, meanings."""
    import importlib

    from raysp.config import own_code
    from raysp.data.sources import catalog

    for name in names or catalog.names():
        kind = catalog.source(own_code.taken("data/sources", name)).Config
        about = importlib.import_module(kind.__module__.removesuffix("_config")).__doc__
        if names:
            _show(name, about, kind, explained=True)
        else:
            say(f"{name}: {_first_line(about)}")
    if not names:
        say("raysp sources NAME explains its settings")


def _show(name: str, about: str | None, kind: type[DataclassInstance], *, explained: bool) -> None:
    from raysp.config.described import described

    say(f"{name}: {_first_line(about)}")
    for one in described(kind):
        default = f" = {one.default}" if one.default else ", which must be given"
        say(f"    {one.name}{default}" + (f" ({one.limits})" if one.limits else ""))
        if explained and one.text:
            say(textwrap.fill(one.text, 100, initial_indent=" " * 8, subsequent_indent=" " * 8))


def _first_line(about: str | None) -> str:
    return (about or "no docstring").strip().splitlines()[0]


@main.command()
@ROOT
def splits(root: str) -> None:
    """List the splits and which of them are prepared."""
    from raysp.data.sources.catalog import recordings
    from raysp.io import files

    there = {name.removesuffix(".h5") for name in files.listing(files.join(root, "prepared"))}
    for name in sorted({*recordings(), *(n for n in there if not n.endswith(".targets"))}):
        mark = "prepared" if {name, f"standin-{name}"} & there else ""
        say(f"{name:40} {mark}".rstrip())


@main.command()
@click.option("--split", required=True, help="A prepared split.")
@click.option("--model", default="sae", show_default=True, help="Its name, or the path of one's own.")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="A setting of the model, or training.X.")
@click.option("--counts", help="Processes side by side, e.g. 1,2,4; up to all cores, or 1 to 8 per GPU, by default.")
@click.option("--threads", default=1, show_default=True, help="CPU threads of each process.")
@click.option("--seconds", default=20.0, show_default=True, help="Measured time of each row.")
@DEVICE
@ROOT
def packing(split: str, model: str, sets: tuple[str, ...], counts: str | None, root: str, **options: Any) -> None:
    """Measure how many trials to run side by side on this machine's cores or GPU."""
    from raysp.config import own_code
    from raysp.config.experiment import Experiment, ModelChoice
    from raysp.config.sets import apply_sets
    from raysp.data.sources.prepare import resolve
    from raysp.data.splits import store
    from raysp.driver import packing as packed
    from raysp.driver.plan import settings_on
    from raysp.io import files

    # Splits that experiments made of recordings of their own have no other name to resolve.
    model = own_code.taken("models", model)
    name = split if files.exists(store.split_path(root, split)) else resolve(split, root)
    keys = tuple(text if text.startswith("training.") else f"{model}.{text}" for text in sets)
    (choice,) = (changed := apply_sets(Experiment("packing", (ModelChoice(model),), (split,)), keys)).models
    settings, training = settings_on(changed, choice, name)
    trial = packed.trial_of(model, root, name, settings, training)
    rows = packed.measure(trial, root, counts=numbers("--counts", counts), report=say, **options)
    say("\n".join(packed.lines(rows)))


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes a shell complete raysp's verbs, options and names when Tab is pressed.

    In ~/.bashrc: eval "$(raysp completion bash)"; in ~/.zshrc likewise; fish: raysp completion fish | source
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is not None:
        say(kind(main, {}, "raysp", "_RAYSP_COMPLETE").source())


@main.command()
@ROOT
def doctor(root: str) -> None:
    """Show versions, devices, Ray, MLflow, data and disk, and what is wrong with them."""
    from raysp.cli.doctor import examine

    problems = 0
    for item in examine(root):
        problems += not item.good
        say(f"{'ok ' if item.good else '!! '} {item.name:12} {item.text}")
    if problems:
        sys.exit(1)
