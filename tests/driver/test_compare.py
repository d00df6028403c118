"""comparison.parquet: made of the scores, anew only when they, the trials or floor and ceiling changed."""

import pytest

from raysp.driver.compare import compare
from raysp.errors import NotReady
from raysp.io import files
from raysp.io.yaml_files import dump_yaml
from raysp.runs.comparison_table import COLUMNS, path_of, read_comparison
from tests.kinds.stimulus.made_up import UNITS, make_run


@pytest.fixture
def made(tmp_path):
    made = make_run(tmp_path, models=("no_spikes", "distance_unet", "poisson_20"), seeds=(0, 1))
    compare(made.run)
    return made


def test_it_holds_means_and_differences_of_all_that_is_done(made):
    table = read_comparison(made.run)
    assert table.columns == list(COLUMNS)
    assert set(table["comparison"]) == {"mean", "published", "over widths"}
    assert set(table["split"]) == {"standin-eye"}
    assert set(table["seeds"]) == {"2"}
    assert set(table["count"]) == {len(UNITS)}


def test_it_is_made_anew_only_when_something_changed(made):
    before = files.stamp(path_of(made.run))
    compare(made.run)
    assert files.stamp(path_of(made.run)) == before
    files.remove(made.run.trial(made.of("distance_unet", UNITS[0], seed=1).id).done)
    compare(made.run)
    assert set(read_comparison(made.run)["seeds"]) == {"2", "1–2"}
    record = made.run.record()
    record["experiment"]["floor"] = "poisson_20"
    files.write_text(made.run.experiment, dump_yaml(record))
    compare(made.run)
    assert read_comparison(made.run)["model"][0] == "poisson_20"


def test_a_damaged_one_is_made_anew(made):
    files.write_text(path_of(made.run), "no parquet")
    compare(made.run)
    assert len(read_comparison(made.run))


@pytest.mark.parametrize("scores", ["", "no parquet"])
def test_without_scores_that_can_be_read_there_is_none(made, scores):
    files.remove(made.run.metrics)
    if scores:
        files.write_text(made.run.metrics, scores)
    compare(made.run)
    with pytest.raises(NotReady):
        read_comparison(made.run)
