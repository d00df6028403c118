"""raysp run and raysp sweep, and the same for an experiment's own file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from raysp.cli import shipped
from raysp.cli.experiment_file import load_experiment
from raysp.cli.root import CONTEXT, DEVICE, ROOT, VERBOSE, Verb, main, numbers, say
from raysp.cli.together import POPULATION, WITHOUT_PBT
from raysp.cli.utf8 import speak_utf8
from raysp.errors import expect

if TYPE_CHECKING:
    from raysp.driver.sweep import Search

F = TypeVar("F", bound=Callable[..., object])

SHARED = (
    ROOT,
    click.option("--runs", default="runs", show_default=True, help="Folder of run folders."),
    click.option("--splits", multiple=True, help="Only splits that match this glob; may be repeated."),
    click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Change a setting, e.g. sae.hidden=64."),
    DEVICE,
    VERBOSE,
)
COMMON = (
    *SHARED,
    click.option("--workers", type=click.IntRange(min=1), help="Processes."),
    click.option("--tracking", help="A tracking server's address; the run's own store by default."),
    click.option("--retry", is_flag=True, help="Run failed trials again."),
    click.option("--force", is_flag=True, help="Throw away what these trials have, and start over."),
    click.option("--accept-code", is_flag=True, help="Keep results of other code: its changes changed none."),
    click.option("--dry-run", is_flag=True, help="Show what would be run."),
)
MODELS = click.option("--models", help="Only these models, separated by commas.")
OF_A_RUN = (
    MODELS,
    click.option("--settings", metavar="SWEEP", help="A finished sweep's folder: its best settings, split by split."),
    click.option("--candidate", type=click.IntRange(min=0), help="Another candidate of that sweep than its best."),
    click.option("--test-phase", is_flag=True, help="Score the test phase, too; a look at its answers, counted."),
    click.option("--validate-on", type=click.Choice(["train", "eval"]), help="Where models are selected."),
)
OF_A_SWEEP = (
    click.option(
        "--space",
        required=True,
        multiple=True,
        metavar="FILE",
        shell_complete=shipped.offered(*shipped.SPACES),
        help="What varies: a YAML file, or MODEL, whose space ships with raysp; several compare models.",
    ),
    click.option(
        "--samples", type=click.IntRange(min=1), help="Candidates per model and split; more of them extend a sweep."
    ),
    click.option("--name", help="The run folder's name; the experiment's by default."),
    click.option("--sampler", type=click.Choice(["tpe", "random", "grid"]), default="tpe", show_default=True),
    click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the candidates."),
    click.option("--seeds", help="Train each candidate once per seed, e.g. 0,1,2, and score it by the mean."),
    click.option(
        "--objective", "objectives", multiple=True, help="validation_loss (default), unseen_loss, co-bps, fp-bps."
    ),
    click.option("--in-flight", default=4, show_default=True, help="Candidates of a split at work at once."),
    click.option(
        "--asha", "grace", type=click.IntRange(min=1), metavar="EPOCHS", help="End poor trials; grace period."
    ),
    click.option("--reduction", type=click.IntRange(min=2), default=3, show_default=True, help="ASHA: 1 in N goes on."),
    click.option("--finalists", type=click.IntRange(min=1), help="Train the best so many again, over --final-seeds."),
    click.option("--final-seeds", type=click.IntRange(min=1), default=5, show_default=True, help="Seeds 0 to N-1."),
    click.option("--minutes", type=float, help="Wall time after which no new candidate or generation starts."),
)
OF_POPULATIONS = (
    click.option("--pbt", is_flag=True, help="A population instead of candidates: poor members copy good ones."),
    click.option(
        "--members",
        type=click.IntRange(min=1),
        default=20,
        show_default=True,
        help="With --pbt: networks of a population.",
    ),
    click.option(
        "--generation-epochs",
        type=click.IntRange(min=1),
        default=25,
        show_default=True,
        help="With --pbt: epochs of a generation.",
    ),
    click.option(
        "--generations",
        type=click.IntRange(min=1),
        default=50,
        show_default=True,
        help="With --pbt: at most; more of them extend a population.",
    ),
    click.option(
        "--gain-within",
        type=click.IntRange(min=0),
        default=4,
        show_default=True,
        help="With --pbt: ends after so many generations without gain.",
    ),
    click.option(
        "--lanes",
        type=click.IntRange(min=1),
        help="With --pbt: members that are trained as one model where it has lanes, as lfads; 1 for one by one.",
    ),
    click.option(
        "--all-members",
        is_flag=True,
        help="With --pbt: all members of the last generation predict, for raysp ensemble.",
    ),
    click.option("--ramp-epochs", type=click.IntRange(min=0), help="With --pbt: more epochs of the first generation."),
)


def _options(*groups: Sequence[Callable[[F], F]]) -> Callable[[F], F]:
    def wrap(command: F) -> F:
        for option in reversed([option for group in groups for option in group]):
            command = option(command)
        return command

    return wrap


@main.command()
@click.argument("experiment", shell_complete=shipped.offered(*shipped.EXPERIMENTS))
@_options(COMMON, OF_A_RUN)
def run(experiment: str, **options: Any) -> None:
    """Train, collect, evaluate and report an experiment; the same command again goes on where it stopped.

    EXPERIMENT is a Python file, or the name of an experiment that ships with raysp, such as nlb_demo.
    """
    _run(shipped.experiment(experiment), **options)


@main.command()
@click.argument("experiment", shell_complete=shipped.offered(*shipped.EXPERIMENTS))
@_options(COMMON, OF_A_SWEEP, OF_POPULATIONS)
def sweep(experiment: str, **options: Any) -> None:
    """Search a model's settings on each split; the same command again goes on, and more samples extend it.

    EXPERIMENT is a Python file, or the name of an experiment that ships with raysp; FILE likewise.
    """
    from raysp.driver.launch import Request
    from raysp.driver.sweep import sweep as search_for

    experiment, options["space"] = shipped.experiment(experiment), tuple(map(shipped.space, options["space"]))
    if _chosen(options):
        sys.exit(_evolve(experiment, options))
    search = _search(options)
    sets = _sets(options)
    code = search_for(load_experiment(experiment), search, Request(sets=sets, file=experiment, **options), say)
    sys.exit(code)


@main.command("lr")
@click.argument("experiment")
@click.option("--lowest", default=1e-8, show_default=True, help="Learning rate of the first step.")
@click.option("--highest", default=1.0, show_default=True, help="Learning rate of the last step.")
@click.option("--steps", default=100, show_default=True, help="Optimiser steps between them.")
@_options(SHARED, (MODELS,))
def learning_rate(experiment: str, lowest: float, highest: float, steps: int, models: str, **options: Any) -> None:
    """Let the learning rate grow until the loss explodes, and suggest one, for each model and split."""
    from raysp.driver.launch import Request
    from raysp.driver.range_test import range_tests

    experiment = shipped.experiment(experiment)
    request = Request(models=_names(models), file=experiment, **options)
    range_tests(load_experiment(experiment), request, lowest, highest, steps, say)


def run_file(path: str) -> None:
    """Run the experiment in a Python file, with the options of `raysp run` taken from the command line."""

    @click.command("run", cls=Verb, context_settings=CONTEXT)
    @_options(COMMON, OF_A_RUN)
    def command(**options: Any) -> None:
        """Train, collect, evaluate and report this experiment; the same command again goes on where it stopped."""
        speak_utf8()
        _run(path, **options)

    command()


def _run(path: str, **options: Any) -> None:
    from raysp.driver.launch import Request, launch

    validate_on, models = options.pop("validate_on"), options.pop("models")
    sets = _sets(options) + (() if validate_on is None else (f"training.validate_on={validate_on}",))
    code = launch(load_experiment(path), Request(models=_names(models), sets=sets, file=path, **options), say)
    sys.exit(code)


def _names(models: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in models.split(",")) if models else ()


def _sets(options: dict[str, Any]) -> tuple[str, ...]:
    """Return `--set` and the options that are short for one, taken out of the options."""
    sets, workers = options.pop("sets"), options.pop("workers")
    return (*sets, *([] if workers is None else [f"resources.workers={workers}"]))


def _chosen(options: dict[str, Any]) -> bool:
    """Tell whether a population is asked for; options of the other way of searching are taken out."""
    wanted = bool(options.pop("pbt"))
    for name in WITHOUT_PBT if wanted else POPULATION:
        options.pop(name)
    return wanted


def _evolve(experiment: str, options: dict[str, Any]) -> int:
    from raysp.driver.launch import Request
    from raysp.driver.pbt import Pbt, evolve

    objectives = options.pop("objectives")
    expect(len(objectives) <= 1, f"members are judged by one number: expected one --objective, got {len(objectives)}")
    search = Pbt(
        objective=next(iter(objectives), None),
        seeds=numbers("--seeds", options.pop("seeds")),
        epochs=options.pop("generation_epochs"),
        ramp=options.pop("ramp_epochs"),
        patience=options.pop("gain_within"),
        **{
            name: options.pop(name)
            for name in ("space", "name", "seed", "members", "lanes", "all_members", "generations", "minutes")
        },
    )
    sets = _sets(options)
    return evolve(load_experiment(experiment), search, Request(sets=sets, file=experiment, **options), say)


def _search(options: dict[str, Any]) -> Search:
    """Return what is asked of a sweep, taken out of the options."""
    from raysp.driver.sweep import Search
    from raysp.search.active_study import Amount
    from raysp.search.study import Halving

    grace, reduction = options.pop("grace"), options.pop("reduction")
    finalists, final_seeds = options.pop("finalists"), options.pop("final_seeds")
    amount = Amount(
        samples=options.pop("samples"),
        finalists=finalists or 0,
        final_seeds=tuple(range(final_seeds)) if finalists else (),
        minutes=options.pop("minutes"),
    )
    return Search(
        amount=amount,
        seeds=numbers("--seeds", options.pop("seeds")),
        objectives=options.pop("objectives") or None,
        halving=None if grace is None else Halving(grace, reduction),
        **{name: options.pop(name) for name in ("space", "name", "sampler", "seed", "in_flight")},
    )
