"""raysp data look: what is in a file, before anything is trained."""

from __future__ import annotations

import os
import shlex
import sys

import click

from raysp.cli.data import data
from raysp.cli.root import ROOT, say
from raysp.config.sets import values
from raysp.io import files
from raysp.io.reading import heard
from raysp.io.terminal import terminal


@data.command("look")
@click.argument("file")
@click.option("--source", default="", help="The source that reads it, its name or the path of your own; guessed.")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="A setting of the source, e.g. bin_ms=20.")
@click.option("--out", help="Folder of the figures; beside the file by default, of an address here.")
@ROOT
def data_look(file: str, source: str, sets: tuple[str, ...], out: str | None, root: str) -> None:
    """Show what FILE holds, how an experiment could read it, and what it looks like, with three figures.

    FILE is a recording of anyone's, an address of one, or the name of a prepared split. What is
    guessed says why; --set corrects it.
    """
    from raysp.cli.reading import Reading
    from raysp.driver.look import given_lines, lines, look

    beside = os.path.dirname(file) if files.is_local(file) else ""
    with Reading() as shown, heard(shown.told):
        found = look(file, root, out or beside or ".", source, values(sets))
    for line in lines(found, terminal()):
        say(line)
    if found.problem:
        if found.proposal is not None and found.proposal.source:
            say(f"next: --set KEY=VALUE corrects a setting; raysp sources {found.proposal.source} explains them")
        sys.exit(2)
    if found.proposal is not None and not source:
        say(f"next: {shlex.join(['raysp', 'new', 'my_project', '--from', file, *(f'--set={one}' for one in sets)])}")
    if found.proposal is not None:
        given = (f"--data={one}" for one in given_lines(found))
        say(f"or: {shlex.join(['raysp', 'best', file, f'--source={found.proposal.source}', *given])}")
