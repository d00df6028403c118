"""Units of fitted models that are silenced or driven: in memory, and by the verb."""

import numpy as np
import polars
import pytest
from click.testing import CliRunner

from raysp import cli
from raysp.errors import BadInput
from raysp.io import files
from raysp.kinds import catalog as kinds
from raysp.kinds.perturbation import Perturbation
from raysp.runs.trial_log import Setting
from raysp.trials.fitted_again import fitted_again


@pytest.fixture(scope="module")
def glm(teacher):
    return fitted_again(teacher.of("coupled_glm"), Setting(teacher.run.path, teacher.root))


def perturbed(fitted, **how):
    return kinds.of("movie").perturb(*fitted, Perturbation(**how))


def test_what_a_unit_says_is_missed_by_those_that_hear_it(glm):
    _, fitted, split = glm
    couplings = fitted.model.couplings.sum(dim=2).numpy()
    np.fill_diagonal(couplings, 0.0)
    loudest = int(np.abs(couplings).sum(axis=0).argmax())
    table = perturbed(glm, silence=(loudest,), trials=200)
    assert table.filter(unit=loudest)["rate"].item() == 0
    others = [unit for unit in range(split.sizes.units) if unit != loudest]
    found = table.filter(polars.col("unit") != loudest)["change"].to_numpy()
    assert np.corrcoef(found, -couplings[others, loudest])[0, 1] > 0.8
    np.testing.assert_allclose(table["change"], table["rate"] - table["usual_rate"], atol=1e-12)


def test_a_driven_unit_fires_more_in_its_bins_of_which_rates_are_means(glm):
    during = perturbed(glm, drive={1: 1.5}, bins=(50, 80), trials=50).filter(unit=1)
    assert during["change"].item() > 5 * during["change_error"].item() > 0
    assert during["push"].item() == 1.5
    last = perturbed(glm, drive={1: 1.5}, bins=(149, 1000), trials=50)
    assert set((last["rate"] * 50).round(9) % 1) == {0.0}


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({}, "expected units to silence or to drive"),
        ({"silence": (1, 1)}, "1 more than once"),
        ({"silence": (1,), "drive": {1: 2.0}}, "1 more than once"),
        ({"drive": {1: np.nan}}, "drive of unit 1 expected a finite number"),
        ({"silence": (99,)}, "unknown unit 99"),
        ({"silence": (1,), "bins": (5, 5)}, "a first one and a later end"),
        (
            {"silence": (1,), "bins": (900, 950)},
            "bins expected some of the scored ones, 9 to 149 of movie 0, got 900:950",
        ),
        ({"silence": (1,), "trials": 1}, "trials expected two or more"),
    ],
)
def test_what_cannot_be_done_is_refused(glm, how, says):
    with pytest.raises(BadInput, match=says):
        perturbed(glm, **how)


def test_the_verb_writes_a_table_and_shows_what_changes_most(teacher):
    asked = ("perturb", teacher.run.path, "--silence", "0-1", "--drive", "3=-0.5", "--trials", "10", "--device", "cpu")
    result = CliRunner().invoke(cli.main, asked)
    assert result.exit_code == 0, result.output
    path = files.join(teacher.run.path, "perturbations", "silence-0-1_drive-3=-0.5.parquet")
    table = polars.read_parquet(path)
    assert table["model"].unique().sort().to_list() == ["coupled_glm", "movie_mean_rate", "movie_psth"]
    assert table.filter(polars.col("unit") < 2)["rate"].to_list() == [0.0] * 6
    assert result.output.splitlines()[-1] == path
    assert "coupled_glm on standin-clips: spikes a bin without -> with" in result.output
    one = CliRunner().invoke(cli.main, [*asked, "--only", "movie_psth"])
    assert "coupled_glm" not in one.output
    wrong = CliRunner().invoke(cli.main, ["perturb", teacher.run.path, "--drive", "three"])
    assert wrong.exit_code == 2
    assert "--drive expected UNIT=X" in wrong.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--silence", "5-2,1"), "--silence expected units such as 3,7 or 0-4, got '5-2,1'"),
        (("--silence", "3-"), "--silence expected units such as 3,7 or 0-4, got '3-'"),
        (("--drive", "3=1", "--drive", "3=2"), "3 more than once"),
        (("--drive", "3=nan"), "drive of unit 3 expected a finite number"),
    ],
)
def test_units_that_are_typed_so_that_some_would_be_lost_are_refused(words, message):
    found = CliRunner().invoke(cli.main, ["perturb", "run", *words])
    assert (found.exit_code, message in found.output) == (2, True), found.output
