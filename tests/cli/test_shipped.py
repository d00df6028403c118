"""Experiments and search spaces that ship with raysp are found by their names."""

import pathlib
import shutil

import pytest
from click.testing import CliRunner

import raysp
from raysp import cli
from raysp.cli import shipped
from raysp.config import shipped as files_that_ship
from raysp.errors import BadInput

TOP = pathlib.Path(raysp.__file__).parents[1]


def test_what_ships_is_what_lies_at_the_top_level(capsys):
    assert shipped.experiment("gfr_cells") == str(TOP / "experiments" / "gfr_cells.py")
    assert shipped.space("sae") == str(TOP / "search_spaces" / "sae.yaml")
    assert capsys.readouterr().out.splitlines() == [
        f"experiment {TOP / 'experiments' / 'gfr_cells.py'}",
        f"search space {TOP / 'search_spaces' / 'sae.yaml'}",
    ]


def test_of_an_installation_it_lies_in_the_package(tmp_path, monkeypatch):
    for folder in ("experiments", "search_spaces"):
        shutil.copytree(TOP / folder, tmp_path / "raysp" / "shipped" / folder)
    monkeypatch.setattr(files_that_ship, "PACKAGE", tmp_path / "raysp")
    assert shipped.experiment("nlb_demo") == str(tmp_path / "raysp" / "shipped" / "experiments" / "nlb_demo.py")


def test_a_file_of_ones_own_comes_first_and_is_not_said(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    pathlib.Path("nlb_demo").write_text("")
    assert shipped.experiment("nlb_demo") == "nlb_demo"
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("find", "given", "says"),
    [
        ("experiment", "gfr_cels", "unknown experiment 'gfr_cels': did you mean 'gfr_cells'"),
        ("experiment", "experimnt", "unknown experiment 'experimnt': did you mean 'experiment.py'"),
        ("experiment", "experiments/nlb_all.py", "expected a file of the experiment at .*: give that name alone"),
        ("experiment", "lab/mine.py", "expected a file of the experiment at lab/mine.py, found none; check the path"),
        ("space", "masked_gur", "unknown search space 'masked_gur': did you mean 'masked_gru'"),
    ],
)
def test_a_name_that_nothing_has_is_answered_with_the_nearest(tmp_path, monkeypatch, find, given, says):
    monkeypatch.chdir(tmp_path)
    pathlib.Path("experiment.py").write_text("")
    with pytest.raises(BadInput, match=says):
        getattr(shipped, find)(given)


def test_the_verbs_take_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = []
    monkeypatch.setattr("raysp.driver.launch.launch", lambda one, request, say: asked.append((one, request)) or 0)
    monkeypatch.setattr("raysp.driver.sweep.sweep", lambda one, search, *rest: asked.append((one, search)) or 0)
    assert CliRunner().invoke(cli.main, ["run", "nlb_demo"]).exit_code == 0
    assert CliRunner().invoke(cli.main, ["sweep", "nlb_sweep", "--space", "sae"]).exit_code == 0
    (ran, request), (swept, search) = asked
    assert (ran.name, request.file) == ("nlb_demo", str(TOP / "experiments" / "nlb_demo.py"))
    assert (swept.name, search.space) == ("nlb_sweep", (str(TOP / "search_spaces" / "sae.yaml"),))
    wrong = CliRunner().invoke(cli.main, ["run", "nlb_dmo"])
    assert (wrong.exit_code, "did you mean 'nlb_demo'" in wrong.output) == (2, True)
