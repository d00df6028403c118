"""Every tutorial runs as it stands: its blocks in order, in an empty folder."""

import ast
import importlib
import os
import pathlib
import re
import subprocess
import sys

import pytest

HOUSE = pathlib.Path(__file__).parent.parent
TUTORIALS = sorted(page for page in (HOUSE / "docs" / "tutorials").glob("*.md") if page.stem != "index")
PAGES = [*TUTORIALS, HOUSE / "docs" / "coming-from.md"]
BLOCK = re.compile(r"^```(python|sh|yaml)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SAVED = re.compile(r"# ([\w/]+\.(?:py|yaml))\n")
NAMES = [page.stem for page in PAGES]


def blocks(page):
    """Return (language, file it is saved under or None, text) of each block of a page."""
    found = []
    for language, text in BLOCK.findall(page.read_text()):
        name = SAVED.match(text)
        found.append((language, name[1] if name else None, text))
    return found


def script(page):
    """Return a page as one program of Python, which saves what is to be saved and types what is to be typed."""
    lines = ["import os, pathlib, subprocess, sys"]
    for language, name, text in blocks(page):
        if name is not None:
            lines += [
                f"pathlib.Path({name!r}).parent.mkdir(exist_ok=True)",
                f"pathlib.Path({name!r}).write_text({text!r})",
            ]
        elif language == "sh":
            lines.append(f"subprocess.run(['sh', '-e', '-c', {text!r}], check=True)")
        else:
            lines.append(text)
    return "\n".join(lines)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_name_of_raysps_that_a_tutorial_uses_exists(page):
    there = blocks(page)
    assert any(language in ("python", "sh") for language, _, _ in there)
    for tree in (ast.parse(text) for language, _, text in there if language == "python"):
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module.partition(".")[0] == "raysp":
                module = importlib.import_module(node.module)
                assert not [alias.name for alias in node.names if not _has(module, alias.name)], page.name
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "raysp":
                assert hasattr(importlib.import_module("raysp"), node.attr), f"{page.name}: raysp.{node.attr}"


def _has(module, name):
    if hasattr(module, name):
        return True
    return importlib.util.find_spec(f"{module.__name__}.{name}") is not None


def test_every_tutorial_is_in_the_table_and_the_tree():
    there = {page.stem for page in TUTORIALS}
    table, tree = (HOUSE / "docs" / "tutorials" / "index.md").read_text(), (HOUSE / "docs" / "index.md").read_text()
    assert set(re.findall(r"\]\(([\w-]+)\.md\)", table)) == there
    assert {f"tutorials/{name}" for name in there} <= set(tree.splitlines())


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_a_tutorial_runs_as_it_stands(page, tmp_path):
    found = dict(os.environ, PATH=f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}", OMP_NUM_THREADS="1")
    command = [sys.executable, "-c", script(page)]
    done = subprocess.run(command, cwd=tmp_path, env=found, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
