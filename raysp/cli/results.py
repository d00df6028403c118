"""raysp status, compare, collect, check-submission, evaluate, report, export, import, ui: what a run has come to."""

from __future__ import annotations

from typing import Any

import click

from raysp.cli.data_root import data_root, run_of, whole_root
from raysp.cli.root import ROOT, RUN_ROOT, VERBOSE, main, say, with_ray
from raysp.errors import BadInput, expect
from raysp.io import files
from raysp.io.terminal import terminal
from raysp.io.words import counted
from raysp.runs.folder import RunFolder
from raysp.runs.jobs import Call
from raysp.runs.lock import locked


@main.command()
@click.argument("folder")
@click.option("--all", "whole", is_flag=True, help="Every trial by name, every metric of every split.")
def status(folder: str, whole: bool) -> None:
    """Show how a run stands: what is done and left, what failed and why, the scores so far."""
    from raysp.driver.status import lines
    from raysp.kinds import catalog as kinds
    from raysp.search.result import lines as of_study
    from raysp.search.result import read_result
    from raysp.search.study import read_studies

    run = RunFolder(folder)
    if run.is_sweep():
        for result in map(read_result, read_studies(run)):
            say("\n".join(of_study(result)))
        return
    kinds.plug(run)
    for line in lines(run, terminal(), whole=whole):
        say(line)


@main.command()
@click.argument("folders", nargs=-1, required=True)
@click.option("--phase", type=click.Choice(["val", "test"]), default="val", show_default=True)
def compare(folders: tuple[str, ...], phase: str) -> None:
    """Show the scores of several runs of the same recordings in one table, and what differs between the runs."""
    from raysp.driver.side_by_side import lines

    expect(len(folders) > 1, f"expected the folders of two runs or more, got {folders[0]} alone")
    for line in lines([RunFolder(folder) for folder in folders], terminal(), phase):
        say(line)


@main.command()
@click.argument("folder")
@click.option("--partial", is_flag=True, help="Collect the finished trials of an unfinished run.")
@click.option("--model", help="The model whose rates are submitted.")
@click.option("--seed", type=int, help="The seed whose rates are submitted; the mean over seeds by default.")
@click.option("--no-submission", is_flag=True, help="Only the Parquet dataset.")
@RUN_ROOT
@VERBOSE
def collect(folder: str, seed: int | None, no_submission: bool, root: str | None, verbose: bool, **choice: Any) -> None:
    """Gather a run's predictions into one Parquet dataset, and the submission files."""
    from raysp.cluster.jobs import job
    from raysp.driver.ending import say_path
    from raysp.driver.finish import note, outputs, submit
    from raysp.kinds import catalog as kinds

    run, at = run_of(folder), RunFolder(files.absolute(folder))
    choice["seeds"] = "mean" if seed is None else seed
    submitted = [kind for kind in kinds.known() if kind.submitted(run)]
    told = f"--model and --seed expected splits of a benchmark in {run.path}, whose predictions are submitted; got none"
    expect(submitted or (choice["model"] is None and seed is None), told)
    # What cannot be submitted is refused before anything is gathered.
    sent = [] if no_submission else [(kind, kind.submitted(run, **choice)) for kind in submitted]
    roots = {kind: whole_root(run, root, trials) for kind, trials in sent}
    with locked(run), with_ray(verbose):
        job("raysp.collection.gather.gather", at, partial=choice["partial"])
        say_path("predictions", run.predictions, say)
        if not submitted:
            say("no benchmark splits in this run, so no submission")
        for kind, there in roots.items():
            for line in submit(kind, run, there, **choice):
                say_path("submission", line, say)
        note(run, "predictions/", *outputs())


@main.command("check-submission")
@click.argument("file")
@click.option("--phase", type=click.Choice(["val", "test"]), help="By default as the file says, or its name.")
@ROOT
def check_submission(file: str, phase: str | None, root: str) -> None:
    """Check a submission, raysp's or anyone's, against the prepared splits; every mismatch is said at once."""
    from raysp.kinds import catalog as kinds

    for line in (line for kind in kinds.known() for line in kind.check_submission(file, root, phase)):
        say(line)


@main.command()
@click.argument("folder")
@click.option("--phase", type=click.Choice(["val", "test"]), default="val", show_default=True)
@RUN_ROOT
@VERBOSE
def evaluate(folder: str, phase: str, root: str | None, verbose: bool) -> None:
    """Score a run. The test phase is scored against the public answers only by --phase test, and that is counted."""
    from raysp.driver import finish, score_table
    from raysp.driver.ending import say_next, say_path
    from raysp.driver.evaluate import wanted
    from raysp.runs.test_looks import test_looks, test_scores_path

    run = run_of(folder)
    with locked(run), with_ray(verbose):
        there = whole_root(run, root, wanted(run, phase))
        count = finish.evaluate(run, there, phase, say=say)
        finish.note(run, *finish.outputs(), phase=phase)
    for line in score_table.lines(run, phase, there, terminal()):
        say(line)
    say("")
    say(f"{counted(count, 'trial')} scored")
    say_path("metrics", run.metrics, say)
    if phase == "test":
        say(f"look {test_looks(run)} at the test answers, counted in {test_scores_path(run)}")
    if files.listing(run.report):
        say_next({f"raysp report {run.typed}": "draws the report anew, which is older than these scores"}, say)


@main.command()
@click.argument("folder")
@RUN_ROOT
@VERBOSE
def report(folder: str, root: str | None, verbose: bool) -> None:
    """Draw a run's report from what lies on disk."""
    from raysp.driver.drawing import side_by_side
    from raysp.driver.ending import say_path
    from raysp.driver.finish import note
    from raysp.driver.report import write_report
    from raysp.kinds import catalog as kinds
    from raysp.search.page.page import write_sweep_report

    def drawing(function: str, calls: list[Call]) -> list[Any]:
        with with_ray(verbose):
            return side_by_side(say)(function, calls)

    run = RunFolder(folder)
    swept = run.is_sweep()
    kinds.plug(run)
    with locked(run):
        if swept:
            say_path("report", write_sweep_report(run), say)
            return
        states = run.states(run.trials())
        there, problems = data_root(run, root, [trial for trial in run.trials() if states[trial.id] == "done"])
        say_path("report", write_report(run, there, jobs=drawing), say)
        note(run, "report/", "comparison.parquet")
    if problems:
        raise BadInput(
            f"the report is drawn without the figures of {counted(problems, 'split')} that {there} does not hold "
            f"(another data root: --root FOLDER): {'; '.join(problems)}"
        )


@main.command("export")
@click.argument("source")
@click.argument("file")
@click.option("--as", "form", required=True, help="What the file shall be, e.g. gfr-json.")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="What is written, e.g. protocol=paper.")
def write_out(source: str, file: str, form: str, sets: tuple[str, ...]) -> None:
    """Write what a run came to as another program's FILE; SOURCE is the run folder, or an imported table."""
    from raysp.config.sets import values
    from raysp.kinds import catalog as kinds

    say(kinds.exporting(form).export(source, file, form, **values(sets)))


@main.command("import")
@click.argument("file")
@click.argument("table")
@click.option("--as", "form", required=True, help="What the file is, e.g. gfr-json.")
def take_in(file: str, table: str, form: str) -> None:
    """Read another program's FILE into a TABLE (.parquet) that export takes in place of a run folder."""
    from raysp.kinds import catalog as kinds

    say(kinds.exporting(form).take_in(file, table, form))


@main.command()
@click.argument("folder")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=5000, show_default=True)
def ui(folder: str, host: str, port: int) -> None:
    """Open MLflow on the comparison of a run's trials, after writing to its store what it lacks."""
    from raysp.driver import tracking, tracking_server
    from raysp.driver.sweep_trials import described

    run = RunFolder(folder)
    store = tracking.catch_up(run, trials=described(run) if run.is_sweep() else None, say=say)
    say("starting MLflow ...")
    opened = store.opened()
    announce = f"the trials side by side, in MLflow: http://{host}:{port}{opened} (Ctrl-C ends it)"
    tracking_server.serve(store.uri, opened, host, port, lambda: say(announce))
