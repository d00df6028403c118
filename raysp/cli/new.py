"""raysp new: a project of one's own, which runs as it is and says which lines to change."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from pathlib import Path

import click

from raysp.cli.root import main, say
from raysp.config.experiment import check_name
from raysp.errors import BadInput, expect
from raysp.io.reading import heard

TEMPLATE = Path(__file__).parent / "project"
CALLED = "my_project"
"""What the template's experiment is called."""

STANDIN = "mc_maze_small"
GUESSED = ("# Change: where the recording is.", 'settings={"path": "spikes.csv"}).\n')
"""Begin and end, in the template, of what a recording of one's own takes the place of."""

LOOKED = """\
# Where the recording is and how it is cut, as `raysp data look` proposes it. Change what is wrong; a wrong name is
# answered with the nearest one that the file has, and `raysp sources` explains every setting.
"""
GENERATED = (
    'As it stands it runs on generated data below data/, and everything that comes of them has "standin" in its name. '
    "Lines\nto change are marked. Scores",
    "Scores",
)
README = (
    ("on generated data:", "on your recording:"),
    (f"below `runs/standin-{CALLED}`, since\ngenerated data say so in every name. The", f"below `runs/{CALLED}`.\nThe"),
    ("| `data/` | generated recordings; remove them when yours are there |",
     "| `figures/` | what the recording looks like |\n| `data/` | what is prepared of it, anew where removed |"),
    ("runs/standin-my_sweep          #", "runs/my_sweep                  #"),
    (f"runs/standin-{CALLED}", f"runs/{CALLED}"),
)  # fmt: skip
"""What the README says of generated data -> of a recording of one's own."""


@main.command()
@click.argument("project")
@click.option("--from", "recording", metavar="FILE", help="A recording of yours, which the experiment then reads.")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="A setting of its source, see raysp data look.")
def new(project: str, recording: str | None, sets: tuple[str, ...]) -> None:
    """Make the folder PROJECT: an experiment, a model, a search space and a README, with generated data to run on.

    With --from FILE the experiment reads that recording, as `raysp data look FILE` says. Nothing that is there is
    overwritten.
    """
    from raysp.data.standin.nlb import write_standin

    folder = Path(project)
    check_name("project", folder.name)
    expect(recording or not sets, "--set changes how a recording is read: give that with --from")
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
        if recording is None:
            write_standin(str(made / "data"), datasets=(STANDIN,))
        else:
            _read_from(made, recording, sets)
        made.rename(folder)
    for path in sorted(TEMPLATE.rglob("*.*")):
        if "__pycache__" not in path.parts:
            say(f"  {folder / path.relative_to(TEMPLATE)}")
    if recording is None:
        say(f"  {folder / 'data'}  generated, to be replaced by yours")
    else:
        say(f"  {folder / 'figures'}  what the recording looks like")
    say(f"next: cd {shlex.quote(project)} && raysp run experiment.py")


def _read_from(folder: Path, recording: str, sets: tuple[str, ...]) -> None:
    """Let a new project's experiment read a recording; its figures go to the folder figures.

    Raises:
        BadInput: it cannot be read; the sentence says why, and that `raysp data look` shows what is in it.
    """
    from raysp.cli.reading import Reading
    from raysp.config.sets import values
    from raysp.driver.look import look, setting_lines

    (folder / "figures").mkdir()
    with Reading() as shown, heard(shown.told):
        found = look(recording, str(folder / "data"), str(folder / "figures"), settings=values(sets))
    if found.proposal is None:
        raise BadInput(f"{recording} is a prepared split; an experiment has it as splits=({recording!r},)")
    if found.problem:
        raise BadInput(f"{found.problem}; raysp data look {recording} shows what is in it")
    path = folder / "experiment.py"
    before, rest = path.read_text(encoding="utf-8").split(GUESSED[0])
    settings = "\n".join(f"    {line}" for line in setting_lines(found))
    text = f"{before}{LOOKED}RECORDING = {{\n{settings}\n}}\n{rest.split(GUESSED[1])[1]}"
    text = text.replace('"my_recording", source="population"', f'"{found.name}", source="{found.proposal.source}"')
    path.write_text(text.replace(*GENERATED), encoding="utf-8")
    readme = folder / "README.md"
    text = readme.read_text(encoding="utf-8")
    own_split = ('("my.nwb", align="move_onset_time", window_ms=(-250, 450), bin_ms=10)', f'("{found.name}")')
    for generated, own in (*README, own_split):
        text = text.replace(generated.replace(CALLED, folder.name), own.replace(CALLED, folder.name))
    readme.write_text(text, encoding="utf-8")
