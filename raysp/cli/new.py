"""raysp new: a project of one's own, which runs as it is and says which lines to change."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import click

from raysp.cli.root import main, say
from raysp.config.experiment import check_name
from raysp.errors import BadInput

TEMPLATE = Path(__file__).parent / "project"
CALLED = "my_project"
"""What the template's experiment is called."""

STANDIN = "mc_maze_small"


@main.command()
@click.argument("project")
def new(project: str) -> None:
    """Make the folder PROJECT: an experiment, a model, a search space and a README, with generated data to run on.

    Nothing that is there is overwritten.
    """
    from raysp.data.standin.nlb import write_standin

    folder = Path(project)
    check_name("project", folder.name)
    if os.path.lexists(folder):
        raise BadInput(f"{project} is there already, and nothing in it is overwritten; give another name")
    if not folder.parent.is_dir():
        raise BadInput(f"expected a folder to make {folder.name} in, found none at {folder.parent}; make it first")
    # Whole or not at all: what is stopped half-way leaves nothing that a second try would meet.
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        made = Path(temporary) / folder.name
        shutil.copytree(TEMPLATE, made, ignore=shutil.ignore_patterns("__pycache__"))
        for path in made.rglob("*.*"):
            path.write_text(path.read_text(encoding="utf-8").replace(CALLED, folder.name), encoding="utf-8")
        write_standin(str(made / "data"), datasets=(STANDIN,))
        made.rename(folder)
    for path in sorted(TEMPLATE.rglob("*.*")):
        if "__pycache__" not in path.parts:
            say(f"  {folder / path.relative_to(TEMPLATE)}")
    say(f"  {folder / 'data'}  generated, to be replaced by yours")
    say(f"next: cd {project} && raysp run experiment.py")
