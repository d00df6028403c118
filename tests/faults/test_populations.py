"""The campaign of populations, small; `make faults-pbt` gives 50 kills on one worker and on two."""

import dataclasses

import pytest

from raysp.io import files
from raysp.runs.folder import RunFolder
from raysp.search.generations import first_generation
from raysp.search.population_folder import PopulationFolder
from tests.faults.campaign import Campaign
from tests.faults.compare import genealogies
from tests.faults.populations import run
from tests.search.populations import population


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("model", "workers"), [("lfads", 2), ("sae", 1)])
def test_kills_change_neither_genealogy_nor_numbers(tmp_path, model, workers):
    campaign = run(Campaign(str(tmp_path), kills=5), model, workers, generations=6)
    assert campaign.killed >= 5
    assert not campaign.problems, "\n".join(campaign.problems)


def written(folder, change):
    one = population()
    rows = [dataclasses.replace(row, state="trained", score=0.5, weights="a") for row in first_generation(one)]
    PopulationFolder(RunFolder(str(folder)), one).write([*rows[:-1], change(rows[-1])], {})
    return RunFolder(str(folder))


@pytest.mark.parametrize("change", [{"weights": "b"}, {"score": 0.5000000000000001}, {"parent": 2}])
def test_a_member_that_came_out_otherwise_is_found(tmp_path, change):
    quiet = written(tmp_path / "quiet", lambda row: row)
    assert genealogies(quiet, written(tmp_path / "same", lambda row: row)) == []
    (line,) = genealogies(quiet, written(tmp_path / "other", lambda row: dataclasses.replace(row, **change)))
    assert str(next(iter(change.values()))) in line
    files.remove(str(tmp_path / "other" / "populations"))
    (line,) = genealogies(quiet, RunFolder(str(tmp_path / "other")))
    assert line.endswith("is in one of both only")
