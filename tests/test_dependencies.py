"""What raysp imports is what it declares, so that an installation has all of it and nothing for nobody."""

import ast
import importlib.metadata
import itertools
import pathlib
import re
import sys
import tomllib

from raysp.data.nlb.reference import INSTALL

HOUSE = pathlib.Path(__file__).parent.parent
NOT_IMPORTED = {"pynwb": "nlb_tools imports it"}
OPTIONAL = {"nlb_tools": "the benchmark's judge, which is asked only where it is installed"}


def imported():
    for path in (HOUSE / "raysp").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition(".")[0]


def plain(name):
    return re.split(r"[\[<>=!~; ]", name)[0].lower().replace("_", "-")


def test_what_is_imported_is_declared_and_what_is_declared_is_imported():
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text())["project"]
    declared = {plain(name) for name in project["dependencies"]}
    offers = importlib.metadata.packages_distributions()
    third = set(imported()) - sys.stdlib_module_names - {"raysp", "_typeshed", *OPTIONAL}
    sources = {name: {plain(one) for one in offers.get(name, ())} for name in third}
    assert {name for name, found in sources.items() if not found & declared} == set()
    assert declared - set().union(*sources.values()) == set(NOT_IMPORTED)


def test_the_judge_is_installed_by_one_step_which_is_the_same_everywhere():
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *itertools.chain(*project["optional-dependencies"].values())]
    assert not {plain(one) for one in asked} & {plain(name) for name in OPTIONAL}, "no pip could resolve it"
    step = INSTALL.removeprefix("pip install ")
    for name in ("README.md", "RELEASING.md", "Makefile", "clusters/setup.sh", "clusters/kuberay.yaml"):
        assert step in (HOUSE / name).read_text(), name
