"""A run knows where its data lie: verbs on it need no --root, and say what to type where the data are gone."""

from __future__ import annotations

import os
import shutil

import pytest
from click.testing import CliRunner

from raysp.cli.__main__ import main
from raysp.cli.data_root import data_root
from raysp.data.splits import store
from raysp.errors import BadInput
from raysp.io import files
from raysp.io.yaml_files import read_yaml
from tests.kinds.population.made_up import make_run

SPLITS = ("mc_maze_small-20ms-val", "mine")


@pytest.fixture
def made(tmp_path):
    found = make_run(tmp_path, splits=SPLITS, models=("mean_rate",), seeds=(0,))
    record = read_yaml(found.run.experiment)
    files.write_text(found.run.experiment, files.read_text(found.run.experiment) + f"root: {found.root}\n")
    assert "root" not in record
    return found


def typed(*words):
    return CliRunner().invoke(main, list(words))


def test_the_recorded_root_is_taken_wherever_the_command_is_typed(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.makedirs("data/prepared", exist_ok=True)
    trials = made.run.trials()
    assert data_root(made.run, None, trials) == (made.root, [])
    os.makedirs("elsewhere")
    monkeypatch.chdir("elsewhere")
    assert data_root(made.run, None, trials) == (made.root, [])
    result = typed("report", made.run.path)
    assert result.exit_code == 0, result.output
    assert "no figures" not in files.read_text(result.output.split()[-1])


def test_a_root_that_is_typed_wins(made, tmp_path):
    shutil.copytree(made.root, tmp_path / "copy")
    assert data_root(made.run, str(tmp_path / "copy"), made.run.trials())[0] == str(tmp_path / "copy")


@pytest.mark.parametrize("verb", ["report", "evaluate"])
def test_data_that_are_gone_are_said_with_what_to_type(made, verb):
    shutil.rmtree(made.root)
    result = typed(verb, made.run.path)
    assert result.exit_code == 2
    assert "--root FOLDER" in result.output
    assert made.root in result.output
    assert not files.exists(files.join(made.run.report, "report.html"))


def test_a_root_of_other_data_is_refused(made, tmp_path):
    other = make_run(tmp_path / "other", splits=SPLITS, models=("mean_rate",), seeds=(0,), bins=21)
    with pytest.raises(BadInput, match=r"no longer what the run was trained on .* 1 more splits likewise.*--root"):
        data_root(made.run, other.root, made.run.trials())


def test_a_report_that_lacks_the_figures_of_one_split_does_not_end_well(made):
    files.remove(store.split_path(made.root, SPLITS[1]))
    result = typed("report", made.run.path)
    assert result.exit_code == 2
    assert "without the figures of 1 split " in result.output
    assert SPLITS[1] in result.output
    assert files.exists(files.join(made.run.report, "report.html"))


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("status", ""), "FOLDER"),
        (("run", "e.py", "--models", ""), "--models"),
        (("run", "e.py", "--runs", ""), "--runs"),
        (("run", "e.py", "--splits", "a", "--splits="), "--splits"),
        (("evaluate", "r", "--root", ""), "--root"),
        (("ensemble", "r", ""), "RUN..."),
        (("data", "prepare", "a", "--root", ""), "--root"),
    ],
)
def test_a_variable_of_the_shell_that_is_not_set_stands_for_nothing(words, what):
    found = typed(*words)
    assert (found.exit_code, found.output.strip()) == (
        2,
        f"raysp: {what} expected a value, got nothing; is a variable of the shell empty?",
    )
