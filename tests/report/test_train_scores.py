"""The table of spike trains: means over cells with their intervals, order of rows, what is best and what is missing."""

import math

import pytest
from scipy import stats

from raysp.driver.report import open_run
from raysp.io import files
from raysp.kinds.stimulus.page.numbers import HEADLINE, PREDICTED, SCHREIBER, VAN_ROSSUM, read_numbers
from raysp.kinds.stimulus.page.scores import COLUMNS, score, score_table
from tests.report.trains import CELLS, made_value, make_trains


def read(made):
    material = open_run(made.run, made.root)
    return material, material.tasks[0], read_numbers(material, material.tasks[0])


def table(made):
    return score_table(*read(made))


def row(found, model, decoding=None):
    return next(r for r in found.rows if r.line.model == model and decoding in (None, r.line.decoding))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_trains(tmp_path_factory.mktemp("trains"))


def test_a_recording_is_one_task_whatever_cells_its_trials_have(made):
    material, task, _ = read(made)
    assert len(material.tasks) == 1
    assert (task.name, task.neurons, task.kind) == ("standin-eye", None, "stimulus")
    assert len(task.trials) == 12


def test_rows_go_from_the_floor_over_networks_and_counts_to_the_ceiling(made):
    assert [(r.line.model, r.line.decoding, r.line.role) for r in table(made).rows] == [
        ("no_spikes", "none", "floor"),
        ("distance_unet", "nearest", "network"),
        *[(f"poisson_{k}", how, "poisson") for k in (20, 80) for how in ("round", "floor", "sample")],
        ("perfect_counts_20", "true count", "ceiling"),
        ("perfect_distance", "nearest", "ceiling"),
    ]


def test_a_number_is_the_mean_over_cells_with_students_interval(tmp_path):
    values = dict(zip(CELLS, (0.1, 0.2, 0.3, 0.4), strict=True))
    found = row(
        table(make_trains(tmp_path, models=("distance_unet",), value=lambda *key: values[key[4]])), "distance_unet"
    )
    one = found.scores[COLUMNS.index((SCHREIBER, 50))]
    half = stats.t.ppf(0.975, 3) * math.sqrt(0.05 / 3) / 2
    assert one.mean == pytest.approx(0.25)
    assert (one.low, one.high) == pytest.approx((0.25 - half, 0.25 + half))
    assert found.cells == 4


def test_seeds_are_averaged_within_a_cell_before_cells_are(tmp_path):
    def value(model, decoding, metric, sigma, cell, seed):
        return {3: (0.2, 0.4), 5: (0.5, 0.7), 8: (0.1, 0.1), 13: (0.0, 0.8)}[cell][seed]

    made = make_trains(tmp_path, models=("distance_unet",), seeds=(0, 1), value=value)
    files.remove(made.run.trial(made.of("distance_unet", 13, seed=1).id).done)
    _, _, numbers = read(made)
    found = row(table(made), "distance_unet")
    # The trial of cells 8 and 13 and seed 1 is not done: those cells have seed 0 alone.
    assert dict(numbers.of(found.line, *HEADLINE)) == pytest.approx({3: 0.3, 5: 0.6, 8: 0.1, 13: 0.0})
    assert found.scores[0].mean == pytest.approx((0.3 + 0.6 + 0.1 + 0.0) / 4)
    assert found.seeds == "1–2"


def test_best_is_neither_floor_nor_ceiling_and_low_for_van_rossum(made):
    found = table(made)
    for place in range(len(COLUMNS)):
        assert [r.line.model for r in found.rows if r.scores[place].best] == ["distance_unet"]
    assert found.leader.startswith("distance_unet, Schreiber at 50 ms 0.5")


def test_a_low_van_rossum_distance_of_counts_can_be_best(tmp_path):
    def value(model, decoding, metric, sigma, cell, seed):
        return 1.0 if (model, decoding, metric) == ("poisson_80", "floor", VAN_ROSSUM) else 5.0

    found = table(make_trains(tmp_path, models=("no_spikes", "distance_unet", "poisson_80"), value=value))
    best = {r.line.label for r in found.rows for place, one in enumerate(r.scores) if one.best and place >= 5}
    assert best == {"poisson_80, floor"}


def test_a_model_that_lacks_cells_is_not_best_and_says_so(tmp_path):
    made = make_trains(tmp_path)
    files.remove(made.run.trial(made.of("distance_unet", 3).id).done)
    found = table(made)
    mine = row(found, "distance_unet")
    assert (mine.cells, found.cells, found.whole) == (2, 4, False)
    assert not any(one.best for one in mine.scores)
    assert any(one.best for one in row(found, "poisson_20", "round").scores)


def test_a_single_cell_has_no_interval(tmp_path):
    made = make_trains(tmp_path, models=("distance_unet",), together=1)
    for cell in CELLS[1:]:
        files.remove(made.run.trial(made.of("distance_unet", cell).id).done)
    one = row(table(made), "distance_unet").scores[0]
    assert one.mean == pytest.approx(made_value("distance_unet", "nearest", SCHREIBER, 5, 3, 0))
    assert (one.low, one.high) == (None, None)


def test_spikes_are_counted_per_cell(made):
    found = row(table(made), "distance_unet")
    assert found.predicted.mean == pytest.approx(40 + sum(CELLS) / 4)
    assert found.recorded.mean == found.predicted.mean


def test_without_metrics_the_table_is_empty(tmp_path):
    made = make_trains(tmp_path, models=("distance_unet",))
    files.remove(made.run.metrics)
    assert table(made).rows == ()


def test_damaged_metrics_are_a_problem_and_no_numbers(tmp_path):
    made = make_trains(tmp_path, models=("distance_unet",))
    files.write_text(made.run.metrics, "no parquet")
    material, _, numbers = read(made)
    assert numbers.lines == ()
    assert "is damaged" in material.problems[0]


def test_curves_of_single_cells_are_not_read_with_the_run(made):
    material, _, _ = read(made)
    assert material.scores == []
    assert material.unit_scores == []


def test_undefined_values_are_left_out(tmp_path):
    def value(model, decoding, metric, sigma, cell, seed):
        return math.nan if cell == 3 else 0.5

    found = row(table(make_trains(tmp_path, models=("distance_unet",), value=value)), "distance_unet")
    assert found.cells == 3
    assert found.scores[0].mean == 0.5


def test_no_values_no_score():
    assert score([]).mean is None


def test_predicted_spikes_have_no_width(made):
    _, _, numbers = read(made)
    assert set(numbers.of(numbers.lines[0], PREDICTED)) == set(CELLS)
    assert numbers.of(numbers.lines[0], PREDICTED, 50) == {}
