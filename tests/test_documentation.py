"""What the documentation tells people to type is there: verbs, options, experiments, spaces, targets, pages."""

import re
import shlex
from pathlib import Path

import click
import pytest

from raysp.cli import shipped
from raysp.cli.root import main

HOUSE = Path(__file__).parent.parent
PAGES = [HOUSE / "README.md", HOUSE / "CONTRIBUTING.md", *sorted((HOUSE / "docs").rglob("*.md"))]
SAVED = {"space.yaml"}
"""What a page has saved before it names it."""
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def typed(page):
    """Yield what a page's blocks say to type, in words, a command each."""
    for block in BLOCK.findall(page.read_text()):
        for line in re.sub(r"\\\n\s*", " ", block).splitlines():
            words = shlex.split(line, comments=True)
            if words and "..." not in words:
                yield words


def of_raysp():
    """Yield every command line of raysp's, as its arguments: `raysp run`, or an experiment's file by Python or Ray."""
    for page in PAGES:
        for words in typed(page):
            if words[0] == "raysp":
                yield page.name, words[1:]
            elif words[0] == "python" and words[1].startswith("experiments/"):
                yield page.name, ["run", *words[1:]]
            elif words[:2] == ["ray", "submit"]:
                yield page.name, ["run", words[3], *words[5:]]


@pytest.mark.parametrize(("page", "words"), [pytest.param(*one, id=" ".join(one[1])) for one in of_raysp()])
def test_a_command_has_the_verb_and_the_options_that_are_typed(page, words):
    command, rest = main, words
    while isinstance(command, click.Group):
        assert rest[0] in command.commands, f"{page}: raysp has no {rest[0]}"
        command, rest = command.commands[rest[0]], rest[1:]
    rest = rest[: rest.index(">")] if ">" in rest else rest
    command.make_parser(click.Context(command)).parse_args(list(rest))
    if command.name in ("run", "sweep"):
        given = rest[0]
        assert given.startswith("experiment.py") or given in shipped.names(*shipped.EXPERIMENTS) or own(given), page
    if "--space" in rest:
        space = rest[rest.index("--space") + 1]
        assert space in shipped.names(*shipped.SPACES) or space in SAVED or own(space), page


def own(path):
    return (HOUSE / path).is_file()


def test_every_target_of_make_that_is_named_exists():
    targets = set(re.findall(r"^([a-z-]+):", (HOUSE / "Makefile").read_text(), re.MULTILINE))
    named = {name for page in PAGES for name in re.findall(r"`make ([a-z-]+)", page.read_text())}
    assert "demo" in named
    assert named <= targets


def test_every_file_that_is_named_exists():
    written = re.compile(r"`((?:experiments|search_spaces|benchmarks|clusters|tests|raysp|docs)/[\w/.-]+\.\w+)`")
    made_up = {"experiments/yours.py"}
    named = {name for page in PAGES for name in written.findall(page.read_text())} - made_up
    assert "raysp/kinds/kind.py" in named
    assert {name for name in named if not own(name)} == set()


def test_every_page_that_the_readme_links_to_exists():
    linked = re.findall(r"\]\(([\w./-]+)\)", (HOUSE / "README.md").read_text())
    assert "docs/start.md" in linked
    assert [one for one in linked if not own(one)] == []
