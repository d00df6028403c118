"""raysp data: recordings listed, downloaded, generated, prepared, verified."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from raysp.cli.root import ROOT, VERBOSE, main, say, with_ray
from raysp.errors import expect, unknown
from raysp.io import files, leftovers
from raysp.io.refusals import raise_together
from raysp.io.words import counted

if TYPE_CHECKING:
    from rich.progress import TaskID

    from raysp.config.experiment import Recording
    from raysp.data.fetch.download import FileStatus

RETINA = "retina"


@main.group()
def data() -> None:
    """Recordings: what there is, download, generate, prepare, verify."""


@data.command("list")
@ROOT
def data_list(root: str) -> None:
    """Show which recordings are known and which are here."""
    from raysp.data.fetch.download import status

    for item in status(root):
        say(_status_line(item))


@data.command("fetch")
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All recordings, the test answers, the Lorenz files.")
@click.option("--source", help="A mirror: an address or a folder laid out like the data root.")
@click.option(
    "--cells", help="A table of files, a row each: cell_id, address, sha256, maybe size. NAME is their folder."
)
@ROOT
def data_fetch(names: tuple[str, ...], everything: bool, source: str | None, cells: str | None, root: str) -> None:
    """Download recordings, verified; the same command again goes on where it stopped."""
    from raysp.data.fetch.download import fetch
    from raysp.data.fetch.manifest import names as known

    if cells is not None:
        _fetch_cells(names, cells, source, root)
        return
    expect(names or everything, f"expected names or --all, got neither; known: {', '.join(known())}")
    with _bar() as report:
        paths = fetch(list(known()) if everything else list(names), root, source=source, report=report)
    for path in paths:
        say(f"verified {path}")


def _fetch_cells(names: tuple[str, ...], table: str, source: str | None, root: str) -> None:
    from raysp.data.fetch import cell_files
    from raysp.data.fetch.download import fetch_assets

    with _bar() as report:
        paths = fetch_assets(cell_files.assets(table, " ".join(names)), root, source=source, report=report)
    say(f"verified {counted(paths, 'file')} below {root}")


@data.command("standin")
@ROOT
@click.option("--size", type=click.Choice(["small", "real"]), default="small", show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--dataset", "datasets", multiple=True, help="Only this data set, or retina; may be repeated.")
def data_standin(root: str, size: str, seed: int, datasets: tuple[str, ...]) -> None:
    """Generate recordings with the benchmark's layout and known dynamics, marked as stand-ins.

    The seven of the benchmark by default; `--dataset retina` gives spikes under a stimulus, of one size only.
    """
    from raysp.data.fetch.verified import local_root
    from raysp.data.nlb.sets import SETS
    from raysp.data.standin.nlb import write_standin
    from raysp.data.standin.retina import write_retina

    for name in datasets:
        if name not in (*SETS, RETINA):
            raise unknown("data set", name, (*SETS, RETINA))
    of_benchmark = tuple(name for name in datasets if name != RETINA)
    told = f"--size {size} goes with data sets of the benchmark, got {RETINA} alone, which has one size; leave it out"
    expect(size == "small" or of_benchmark or not datasets, told)
    if of_benchmark or not datasets:
        write_standin(root, size=size, seed=seed, datasets=of_benchmark or None, report=say)
    if RETINA in datasets:
        folder = files.join(local_root(root), RETINA)
        write_retina(folder, seed=seed)
        say(f'generated {folder}; in an experiment: Recording("retina", "retina", {{"path": "{{root}}/{RETINA}"}})')


@data.command("prepare")
@click.argument("names", nargs=-1)
@ROOT
@click.option("--reference", is_flag=True, help="Build with nlb_tools itself, slowly, to compare.")
@click.option("--force", is_flag=True, help="Build again what is up to date.")
@VERBOSE
def data_prepare(names: tuple[str, ...], root: str, reference: bool, force: bool, verbose: bool) -> None:
    """Make the splits' tensors, the recordings in parallel.

    NAMES are the benchmark's splits, globs, or recordings (all of their splits), all by default; or experiment files
    (.py), whose splits and recordings are prepared.
    """
    from raysp.cli.experiment_file import load_experiment
    from raysp.config import own_code, plugins
    from raysp.data.sources import catalog, prepare

    leftovers.clear(files.join(root, "prepared"), leftovers.QUIET_S)
    known = catalog.recordings()
    patterns = [name for name in names if not name.endswith(".py")] if names else ["*"]
    chosen = [known[name] for name in catalog.matching(patterns, known)]
    chosen = chosen if names else list(prepare.present(chosen, root, named=False).values())
    if reference:
        chosen = [dataclasses.replace(one, settings={**one.settings, "reference": True}) for one in chosen]
    own: list[Recording] = []
    plugged: dict[tuple[str, str], plugins.Given] = {}
    for name in (name for name in names if name.endswith(".py")):
        experiment = load_experiment(name)
        own += experiment.recordings
        if experiment.splits:
            shipped = [known[one] for one in catalog.matching(experiment.splits, known)]
            there = prepare.present(shipped, root, named=False).values()
            chosen += [one for one in there if one not in chosen]
        own_code.add(plugged, plugins.plugged())
    plugins.plug(plugged)
    chosen += prepare.without_absent(own, root)
    _prepare(catalog.groups(chosen), root, force, verbose)


def _prepare(groups: list[list[Recording]], root: str, force: bool, verbose: bool) -> None:
    from raysp.data.sources.prepare import full_name
    from raysp.data.splits import store
    from raysp.driver.preparing import prepare

    with with_ray(verbose):
        refusals = prepare(groups, root, say, force=force)
    ready = [one for group, (_, refusal) in zip(groups, refusals, strict=True) if refusal is None for one in group]
    for name in (full_name(one, root) for one in ready):
        for note in store.header(root, name).provenance.notes:
            say(f"    {name}: {note}")
    say(f"{counted(ready, 'split')} ready below {files.join(root, 'prepared')}")
    raise_together(refusals)


@data.command("check")
@click.argument("names", nargs=-1)
@ROOT
def data_check(names: tuple[str, ...], root: str) -> None:
    """Verify recordings against their published hashes."""
    from raysp.data.fetch.download import check

    found = check(root, names or ("--all",))
    for item in found:
        say(_status_line(item))
    if any(item.state == "damaged" for item in found):
        sys.exit(1)


@contextlib.contextmanager
def _bar() -> Iterator[Callable[[str, int, int], None]]:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn()) as progress:
        tasks: dict[str, TaskID] = {}

        def report(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=total)
            progress.update(tasks[name], completed=done, total=total)

        yield report


def _status_line(item: FileStatus) -> str:
    return f"{item.state:10} {item.name:16} {item.path}"
