"""The examples of the notebook's face run as they stand; those of runs start Ray."""

import doctest
import importlib
import pathlib
import shutil

import pytest

import raysp
from raysp.runs.folder import RunFolder
from tests.data.nlb_files import prepared

pytestmark = pytest.mark.ray(shared=True)
FILES = ("loaded_split", "fit", "fitted_model", "few_shot")


def examples(name):
    module = importlib.import_module(f"raysp.notebook.{name}")
    found = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.attempted
    assert not found.failed


@pytest.mark.parametrize("name", FILES)
def test_examples_run(name):
    examples(name)


def test_examples_of_runs_run_and_a_run_has_the_numbers_of_a_fit(standin_root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(pathlib.Path(standin_root, "000140"), tmp_path / "data" / "000140")
    prepared(str(tmp_path / "data"), "mc_maze_small-20ms-val")
    examples("run")
    examples("open_run")
    run, split = raysp.open_run("runs/standin-first_look"), raysp.load_split("mc_maze_small-20ms-val")
    fitted = raysp.fit("sae", split, epochs=3, hidden=48, progress=False)
    assert fitted.scores(split).equals(run.scores.filter(model="sae").collect())
    assert RunFolder(run.path).record()["submissions"][0]["command"] == "raysp.run(first_look)"
