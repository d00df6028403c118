"""The wheel holds all that runs, and what ships with it; nothing of the tests, nothing of an earlier build."""

import email
import pathlib
import shutil
import subprocess
import sys
import tomllib
import zipfile

import pytest

HOUSE = pathlib.Path(__file__).parent.parent
SOURCES = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE", "CHANGELOG.md")
FOLDERS = ("raysp", "experiments", "search_spaces")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    source, target = (tmp_path_factory.mktemp(name) for name in ("source", "wheel"))
    for name in SOURCES:
        shutil.copy(HOUSE / name, source)
    for name in FOLDERS:
        shutil.copytree(HOUSE / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "--wheel-dir", str(target), str(source)]
    subprocess.run(command, check=True)
    (found,) = target.glob("raysp-*.whl")
    with zipfile.ZipFile(found) as file:
        yield file


def test_it_holds_every_file_of_the_package_and_what_ships(wheel):
    names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    own = {path.relative_to(HOUSE).as_posix() for path in (HOUSE / "raysp").rglob("*.*")}
    shipped = {
        f"raysp/shipped/{path.relative_to(HOUSE).as_posix()}"
        for path in [*(HOUSE / "experiments").glob("*.py"), *(HOUSE / "search_spaces").glob("*.yaml")]
    }
    assert names == {name for name in own if "__pycache__" not in name} | shipped


def test_it_says_what_it_is(wheel):
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    found = email.message_from_bytes(wheel.read(name))
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text())["project"]
    assert found["Author"] == "the raysp developers"
    assert set(found.get_all("Provides-Extra")) == set(project["optional-dependencies"])
    assert {"Programming Language :: Python :: 3.13", "Typing :: Typed"} <= set(found.get_all("Classifier"))
    assert found["Requires-Python"] == ">=3.11"
    assert found.get_payload().startswith("# raysp")
