"""clusters/setup.sh on a machine that has nothing yet: what `ray up` runs there first."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import pytest

REPOSITORY = pathlib.Path(__file__).parent.parent.parent
# How a network's own mirror, its certificates and its proxy are told to pip and uv.
MIRROR = re.compile(r"(PIP|UV|SSL_CERT)_\w+|(https?|no|all)_proxy", re.IGNORECASE)
TOOLS = ("bash", "mkdir", "flock", "ln")
pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(shutil.which("flock") is None, reason="needs flock (Debian: util-linux)"),
]


class Machine:
    """A home folder with what `ray up` copies there, and nothing else."""

    def __init__(self, home, path):
        self.home, self.path = home, path
        (home / "project").mkdir(parents=True)
        for name in ("clusters", "requirements.lock", "raysp"):
            (home / "project" / name).symlink_to(REPOSITORY / name)

    def types(self, *words, **settings):
        kept = {name: value for name, value in os.environ.items() if MIRROR.fullmatch(name)}
        settings = {**kept, "HOME": str(self.home), "PATH": self.path, **settings}
        return subprocess.run(words, env=settings, cwd=self.home, capture_output=True, text=True, check=False)

    def sets_up(self, **settings):
        return self.types("bash", str(self.home / "project" / "clusters" / "setup.sh"), **settings)


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    made = Machine(tmp_path_factory.mktemp("machine") / "home", f"{sys.base_prefix}/bin:/usr/bin:/bin")
    reached = made.types("python3", "-m", "pip", "download", "--quiet", "--no-deps", "--dest", "probe", "wheel")
    if reached.returncode:
        pytest.skip(f"needs a way to PyPI, where wheels come from: {reached.stderr.strip()[-300:]}")
    yield made
    # Some gigabytes.
    shutil.rmtree(made.home)


@pytest.fixture(scope="module")
def done(machine):
    return machine.sets_up()


def versions(machine):
    ask = "from importlib.metadata import distributions as d; [print(x.name, x.version) for x in d()]"
    lines = machine.types(str(machine.home / "venv" / "bin" / "python"), "-c", ask).stdout.splitlines()
    return {normal(name): version for name, version in map(str.split, lines)}


def normal(name):
    return re.sub("[-_.]+", "-", name).lower()


def test_a_bare_home_gets_the_locked_versions_and_the_judge(machine, done):
    assert done.returncode == 0, done.stderr
    locked = re.findall(r"^([\w.-]+)==([^\s;]+)", (REPOSITORY / "requirements.lock").read_text(), re.MULTILINE)
    assert len(locked) > 100
    there = versions(machine)
    # What follows a plus says for which devices torch was built.
    wrong = [name for name, version in locked if there.get(normal(name), "").split("+")[0] != version]
    assert not wrong
    assert there["nlb-tools"] == "0.0.4"


def test_a_shell_there_runs_raysp_and_finds_uv(machine, done):
    shown = machine.types("bash", "-c", ". ~/project/clusters/environment.sh; raysp models && command -v uv")
    assert shown.returncode == 0, shown.stderr
    assert "mean_rate" in shown.stdout
    assert shown.stdout.splitlines()[-1] == str(machine.home / ".local" / "bin" / "uv")


def test_again_it_changes_nothing_and_needs_no_network(machine, done):
    before = versions(machine)
    again = machine.sets_up(UV_OFFLINE="1")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert versions(machine) == before


def test_two_at_once_in_one_home_take_turns(machine, done):
    lock = str(machine.home / ".local" / "raysp-setup.lock")
    held = subprocess.Popen(["flock", lock, "sleep", "3"])
    began = time.monotonic()
    assert machine.sets_up(UV_OFFLINE="1").returncode == 0
    assert held.wait(10) == 0
    assert time.monotonic() - began > 2


def old_machine(home, machine):
    """A machine whose only Python says that it is 3.9, and that has uv."""
    tools = home / "tools"
    other = Machine(home / "home", str(tools))
    tools.mkdir()
    for name in TOOLS:
        (tools / name).symlink_to(shutil.which(name))
    (tools / "uv").symlink_to(machine.home / ".local" / "bin" / "uv")
    old_python(tools / "python3")
    return other


def old_python(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('#!/bin/bash\n[ "$1" = --version ] && echo Python 3.9.18 && exit 0\nexit 1\n')
    path.chmod(0o755)


def test_a_machine_with_too_old_a_python_is_told_so(machine, done, tmp_path):
    old = old_machine(tmp_path, machine)
    refused = old.sets_up(UV_PYTHON_DOWNLOADS="never")
    assert refused.returncode == 1
    assert "needs Python 3.11 to 3.14, found Python 3.9.18, and uv could fetch none; install one" in refused.stderr
    assert not (old.home / "venv").exists()


def test_an_environment_of_an_older_python_is_not_touched(machine, done, tmp_path):
    old = old_machine(tmp_path, machine)
    old_python(old.home / "venv" / "bin" / "python")
    refused = old.sets_up()
    assert refused.returncode == 1
    assert f"{old.home}/venv must have Python 3.11 to 3.14, has Python 3.9.18; move it away" in refused.stderr
    assert [path.name for path in (old.home / "venv").iterdir()] == ["bin"]
