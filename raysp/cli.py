"""The verbs, in the order a person uses them. Nothing heavy is imported until a verb needs it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import click

from raysp import __version__
from raysp.errors import BadInput, NotReady

ROOT = click.option("--root", default="data", show_default=True, help="Folder (or address) of the recordings.")
VERBOSE = click.option("--verbose", is_flag=True, help="Show what the libraries have to say.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="raysp")
def main() -> None:
    """Train, sweep, compare and submit models of neural spiking."""


@main.group()
def data() -> None:
    """Recordings: what there is, download, generate, prepare, verify."""


@data.command("list")
@ROOT
def data_list(root: str) -> None:
    """Show which recordings are known and which are here."""
    with _said():
        from raysp.data.download import status

        for item in status(root):
            _say(_status_line(item))


@data.command("fetch")
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All recordings and the benchmark's test answers.")
@click.option("--source", help="A mirror: an address or a folder laid out like the data root.")
@ROOT
def data_fetch(names: tuple[str, ...], everything: bool, source: str | None, root: str) -> None:
    """Download recordings, verified; the same command again goes on where it stopped."""
    with _said():
        from raysp.data.download import fetch
        from raysp.data.manifest import names as known

        if not names and not everything:
            raise BadInput(f"expected names or --all, got neither; known: {', '.join(known())}")
        with _bar() as report:
            paths = fetch(list(known()) if everything else list(names), root, source=source, report=report)
        for path in paths:
            _say(f"verified {path}")


@data.command("standin")
@ROOT
@click.option("--size", type=click.Choice(["small", "real"]), default="small", show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--dataset", "datasets", multiple=True, help="Only this data set; may be repeated.")
def data_standin(root: str, size: str, seed: int, datasets: tuple[str, ...]) -> None:
    """Generate recordings with the benchmark's layout and known dynamics, marked as stand-ins."""
    with _said():
        from raysp.data.nlb_standin import write_standin

        write_standin(root, size=size, seed=seed, datasets=datasets or None, report=_say)


@data.command("prepare")
@click.argument("names", nargs=-1)
@ROOT
@click.option("--reference", is_flag=True, help="Build with nlb_tools itself, slowly, to compare.")
@click.option("--force", is_flag=True, help="Build again what is up to date.")
@VERBOSE
def data_prepare(names: tuple[str, ...], root: str, reference: bool, force: bool, verbose: bool) -> None:
    """Make the splits' tensors, the recordings in parallel; NAMES are splits or globs, all by default."""
    with _said():
        from raysp.cluster.jobs import jobs
        from raysp.cluster.session import session
        from raysp.config import Resources
        from raysp.data import prepare

        groups = prepare.present(prepare.groups(prepare.expand(names or ("*",))), root, named=bool(names))
        options = {"reference": reference, "force": force}
        with session(Resources(), verbose=verbose):
            calls = [((group, root), options) for group in groups]
            jobs("raysp.data.prepare.prepare_group", calls, on_done=lambda i: _say(f"  {', '.join(groups[i])}"))
        _say(f"{sum(map(len, groups))} splits are ready below {os.path.join(root, 'prepared')}")


@data.command("check")
@click.argument("names", nargs=-1)
@ROOT
def data_check(names: tuple[str, ...], root: str) -> None:
    """Verify recordings against their published hashes."""
    with _said():
        from raysp.data.download import check

        found = check(root, names or ("--all",))
        for item in found:
            _say(_status_line(item))
        if any(item.state == "damaged" for item in found):
            sys.exit(1)


@main.command()
def models() -> None:
    """List the models and their settings."""
    with _said():
        import dataclasses

        from raysp.models import catalog

        for name in catalog.names():
            module = catalog.module(name)
            _say(f"{name}: {(module.__doc__ or '').strip().splitlines()[0]}")
            for field in dataclasses.fields(module.Config):
                _say(f"    {field.name} = {field.default!r}")


@main.command()
@ROOT
def splits(root: str) -> None:
    """List the splits and which of them are prepared."""
    with _said():
        from raysp import files
        from raysp.data import prepare

        there = {name.removesuffix(".h5") for name in files.listing(files.join(root, "prepared"))}
        for name in sorted({*prepare.expand(("*",)), *(n for n in there if not n.endswith(".targets"))}):
            mark = "prepared" if {name, f"standin-{name}"} & there else ""
            _say(f"{name:40} {mark}".rstrip())


def _run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    options = [
        ROOT,
        click.option("--runs", default="runs", show_default=True, help="Folder of run folders."),
        click.option("--splits", multiple=True, help="Only splits that match this glob; may be repeated."),
        click.option("--models", help="Only these models, separated by commas."),
        click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Change a setting, e.g. sae.hidden=64."),
        click.option("--validate-on", type=click.Choice(["train", "eval"]), help="Where models are selected."),
        click.option("--workers", type=click.IntRange(min=1), help="Processes of the pool."),
        click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True),
        click.option("--tracking", help="A tracking server's address; the run's own store by default."),
        click.option("--retry", is_flag=True, help="Run failed trials again."),
        click.option("--force", is_flag=True, help="Throw away what these trials have, and start over."),
        click.option("--dry-run", is_flag=True, help="Show what would be run."),
        VERBOSE,
    ]
    for option in reversed(options):
        command = option(command)
    return command


@main.command()
@click.argument("experiment", type=click.Path(exists=True, dir_okay=False))
@_run_options
def run(experiment: str, **options: Any) -> None:
    """Train, collect, evaluate and report an experiment; the same command again goes on where it stopped."""
    _run(experiment, **options)


@main.command()
@click.argument("folder")
def status(folder: str) -> None:
    """Show the state of a run's trials."""
    with _said():
        from collections import Counter

        from raysp.runs import RunFolder

        run = RunFolder(folder)
        states = {trial.id: run.trial(trial.id).state() for trial in run.trials()}
        for name, state in states.items():
            _say(f"  {state:8} {name}")
        _say(", ".join(f"{count} {state}" for state, count in Counter(states.values()).items()))


@main.command()
@click.argument("folder")
@click.option("--partial", is_flag=True, help="Collect the finished trials of an unfinished run.")
@click.option("--model", help="The model whose rates are submitted.")
@click.option("--seed", type=int, help="The seed whose rates are submitted; the mean over seeds by default.")
@click.option("--no-submission", is_flag=True, help="Only the Parquet dataset.")
@ROOT
@VERBOSE
def collect(
    folder: str, partial: bool, model: str | None, seed: int | None, no_submission: bool, root: str, verbose: bool
) -> None:
    """Gather a run's predictions into one Parquet dataset, and the submission files."""
    with _said(), _ray(verbose):
        from raysp.cluster.jobs import job
        from raysp.evaluation.run import is_nlb
        from raysp.runs import RunFolder

        run = RunFolder(os.path.abspath(folder))
        _say(job("raysp.collection.gather.gather", run, partial=partial))
        if not any(is_nlb(trial.split) for trial in run.trials()):
            _say("no benchmark splits in this run, so no submission")
        elif not no_submission:
            options = {"model": model, "seeds": "mean" if seed is None else seed, "partial": partial}
            for path in job("raysp.collection.submission.submissions", run, os.path.abspath(root), **options):
                _say(path)


@main.command()
@click.argument("folder")
@click.option("--phase", type=click.Choice(["val", "test"]), default="val", show_default=True)
@ROOT
@VERBOSE
def evaluate(folder: str, phase: str, root: str, verbose: bool) -> None:
    """Score a run. The test phase is scored against the public answers only by --phase test, and that is counted."""
    with _said(), _ray(verbose):
        from raysp import launch
        from raysp.evaluation import table
        from raysp.runs import RunFolder

        run = RunFolder(folder)
        count = launch.evaluate(run, root, phase)
        _say(f"{count} trials scored: {run.metrics}")
        for line in table.lines(run, phase):
            _say(line)


@main.command()
@click.argument("folder")
@ROOT
@VERBOSE
def report(folder: str, root: str, verbose: bool) -> None:
    """Draw a run's report from what lies on disk."""
    with _said():
        from raysp.report.page import write_report
        from raysp.runs import RunFolder

        _say(write_report(RunFolder(folder), root))


@main.command()
@click.argument("folder")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=5000, show_default=True)
def ui(folder: str, host: str, port: int) -> None:
    """Open MLflow on a run's store, after writing to it what it lacks."""
    with _said():
        from raysp import tracking
        from raysp.runs import RunFolder

        run = RunFolder(folder)
        uri = tracking.catch_up(run)
        _say(f"MLflow at http://{host}:{port} (Ctrl-C ends it)")
        tracking.serve(uri, host, port)


@main.command()
@ROOT
def doctor(root: str) -> None:
    """Show versions, devices, Ray, MLflow, data and disk, and what is wrong with them."""
    with _said():
        from raysp.doctor import examine

        problems = 0
        for item in examine(root):
            problems += not item.good
            _say(f"{'ok ' if item.good else '!! '} {item.name:12} {item.text}")
        if problems:
            sys.exit(1)


def run_file(path: str) -> None:
    """Run the experiment in a Python file, with the options of `raysp run` taken from the command line."""

    @click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
    @_run_options
    def command(**options: Any) -> None:
        """Train, collect, evaluate and report this experiment; the same command again goes on where it stopped."""
        _run(path, **options)

    command()


def load_experiment(path: str) -> Any:
    """Return the Experiment that a Python file's `experiment()` returns.

    Raises:
        BadInput: the file has no such function, or it returns something else.
    """
    from raysp.config import Experiment

    spec = importlib.util.spec_from_file_location("raysp_experiment", path)
    if spec is None or spec.loader is None:
        raise BadInput(f"expected a Python file with a function experiment(), got {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not hasattr(module, "experiment"):
        raise BadInput(f"{path} expected a function experiment() that returns an Experiment, found none")
    found = module.experiment()
    if not isinstance(found, Experiment):
        raise BadInput(f"{path}: experiment() expected to return an Experiment, got {type(found).__name__}")
    return found


def _run(path: str, **options: Any) -> None:
    with _said():
        from raysp.launch import Request, launch

        sets = list(options.pop("sets"))
        if (validate_on := options.pop("validate_on")) is not None:
            sets.append(f"training.validate_on={validate_on}")
        if (workers := options.pop("workers")) is not None:
            sets.append(f"resources.workers={workers}")
        models = options.pop("models")
        chosen = tuple(name.strip() for name in models.split(",")) if models else ()
        code = launch(load_experiment(path), Request(models=chosen, sets=tuple(sets), **options), _say)
    sys.exit(code)


@contextlib.contextmanager
def _said() -> Iterator[None]:
    """Turn the errors meant for a person into one line and exit status 2; Ctrl-C into 130."""
    try:
        yield
    except (BadInput, NotReady) as error:
        click.echo(f"raysp: {error}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        click.echo("raysp: interrupted; what was finished is kept, and the same command goes on from there", err=True)
        sys.exit(130)


@contextlib.contextmanager
def _ray(verbose: bool) -> Iterator[None]:
    from raysp.cluster.session import session
    from raysp.config import Resources

    with session(Resources(), verbose=verbose):
        yield


@contextlib.contextmanager
def _bar() -> Iterator[Callable[[str, int, int], None]]:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn()) as progress:
        tasks: dict[str, Any] = {}

        def report(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=total)
            progress.update(tasks[name], completed=done, total=total)

        yield report


def _status_line(item: Any) -> str:
    return f"{item.state:10} {item.name:16} {item.path}"


def _say(text: str) -> None:
    click.echo(text)


if __name__ == "__main__":
    main()
