"""The tables of spike trains: which lines they have, what is best, who is compared with whom, and what is missing."""

import math

import pytest

from raysp.io import files
from raysp.kinds.stimulus.lines import HEADLINE, PREDICTED, RECORDED, SCHREIBER, SIGN, VAN_ROSSUM, Line, Mean
from raysp.kinds.stimulus.page.numbers import Difference, Numbers
from raysp.kinds.stimulus.page.tables import COLUMNS, at_each_width, leader, over_widths, planned_units, scores
from raysp.runs.comparison_table import read_comparison
from tests.kinds.stimulus.made_up import MODELS, UNITS, made_value, make_run, read

NETWORK, FLOOR = Line("net", "nearest", "network", only=False), Line("no_spikes", "none", "floor")
MATCHED = Line("net", "matched", "network", only=False, published=False)
ROUND, FURTHER = (Line("counts", how, "poisson", 5, False, how == "round") for how in ("round", "matched"))


def numbers_of(made):
    return read(made)[2]


def best(made):
    """Return the line that is best in each column of the table of scores."""
    data, task, _ = read(made)
    rows = [row for row, _ in scores(data, task)]
    marked = ((f"{row.model}, {row.decoding}" for row in rows if row.cells[i].best) for i in range(len(COLUMNS)))
    return [next(one, "") for one in marked]


def line(numbers, model, decoding=None):
    return next(one for one in numbers.lines if one.model == model and decoding in (None, one.decoding))


def test_a_recording_is_one_task_whatever_units_its_trials_have(made):
    data, task, _ = read(made)
    assert len(data.tasks) == 1
    assert (task.name, task.units, task.kind) == ("standin-eye", None, "stimulus")
    assert len(task.trials) == 12
    assert planned_units(task) == list(UNITS)


def test_lines_go_from_the_floor_over_networks_and_counts_to_the_ceiling(made):
    assert [(one.model, one.decoding, one.role) for one in numbers_of(made).lines] == [
        ("no_spikes", "none", "floor"),
        ("distance_unet", "nearest", "network"),
        *[(f"poisson_{k}", how, "poisson") for k in (20, 80) for how in ("round", "floor", "sample")],
        ("perfect_counts_20", "true count", "ceiling"),
        ("perfect_distance", "nearest", "ceiling"),
    ]
    assert [one.label for one in numbers_of(made).lines[1:3]] == ["distance_unet", "poisson_20, round"]


def test_parts_are_played_by_models_whatever_they_are_called(made):
    roles = {one.model: one.role for one in numbers_of(made).lines}
    assert [roles[model] for model in MODELS] == ["floor", "network", "poisson", "poisson", "ceiling", "ceiling"]


def test_a_number_is_the_mean_over_units_with_its_interval(tmp_path):
    values = dict(zip(UNITS, (0.1, 0.2, 0.3, 0.4), strict=True))
    numbers = numbers_of(make_run(tmp_path, models=("distance_unet",), value=lambda *key: values[key[4]]))
    (one,) = numbers.lines
    assert numbers.of(one, SCHREIBER, 50) == pytest.approx(Mean.of(values.values()))
    assert numbers.by_unit[one] == values
    assert numbers.of(one, *HEADLINE).count == 4


def test_seeds_are_averaged_within_a_unit_before_units_are(tmp_path):
    def value(model, decoding, metric, sigma, cell, seed):
        return {3: (0.2, 0.4), 5: (0.5, 0.7), 8: (0.1, 0.1), 13: (0.0, 0.8)}[cell][seed]

    made = make_run(tmp_path, models=("distance_unet",), seeds=(0, 1), value=value)
    files.remove(made.run.trial(made.of("distance_unet", 13, seed=1).id).done)
    numbers = numbers_of(made)
    (one,) = numbers.lines
    # The trial of units 8 and 13 and seed 1 is not done: those units have seed 0 alone.
    assert dict(numbers.by_unit[one]) == pytest.approx({3: 0.3, 5: 0.6, 8: 0.1, 13: 0.0})
    assert numbers.of(one, *HEADLINE).mean == pytest.approx((0.3 + 0.6 + 0.1 + 0.0) / 4)
    assert [row.seeds for row, _ in scores(*read(made)[:2])] == ["1–2"]


def test_best_is_neither_floor_nor_ceiling_and_low_for_van_rossum(made):
    numbers = numbers_of(made)
    assert best(made) == ["distance_unet, nearest"] * len(COLUMNS)
    assert leader(numbers).startswith("distance_unet, Schreiber at 50 ms 0.5")


def test_a_low_van_rossum_distance_of_counts_can_be_best(tmp_path):
    def value(model, decoding, metric, sigma, cell, seed):
        return 1.0 if (model, decoding, metric) == ("poisson_80", "floor", VAN_ROSSUM) else 5.0

    made = make_run(tmp_path, models=("no_spikes", "distance_unet", "poisson_80"), value=value)
    assert set(best(made)[5:]) == {"poisson_80, floor"}


def test_a_model_that_lacks_units_is_not_best_and_says_so(tmp_path):
    made = make_run(tmp_path)
    files.remove(made.run.trial(made.of("distance_unet", 3).id).done)
    assert {row.model: units for row, units in scores(*read(made)[:2])}["distance_unet"] == 2
    assert "distance_unet, nearest" not in best(made)
    assert "poisson_20, round" in best(made)


def test_a_single_unit_has_no_interval(tmp_path):
    made = make_run(tmp_path, models=("distance_unet",), together=1)
    for cell in UNITS[1:]:
        files.remove(made.run.trial(made.of("distance_unet", cell).id).done)
    numbers = numbers_of(made)
    expected = made_value("distance_unet", "nearest", SCHREIBER, 5, 3, 0)
    assert numbers.of(numbers.lines[0], SCHREIBER, 5) == (1, pytest.approx(expected), None, None)


def test_spikes_are_counted_per_unit_and_have_no_width(made):
    numbers = numbers_of(made)
    one = line(numbers, "distance_unet")
    assert numbers.of(one, PREDICTED).mean == pytest.approx(40 + sum(UNITS) / 4)
    assert numbers.of(one, RECORDED).mean == numbers.of(one, PREDICTED).mean
    assert numbers.of(one, PREDICTED, 50) is None


def test_without_metrics_there_are_no_lines(tmp_path):
    made = make_run(tmp_path, models=("distance_unet",))
    files.remove(made.run.metrics)
    assert numbers_of(made).lines == ()
    assert leader(numbers_of(made)) == ""


def test_damaged_metrics_are_a_problem_and_no_numbers(tmp_path):
    made = make_run(tmp_path, models=("distance_unet",))
    files.write_text(made.run.metrics, "no parquet")
    data, _, numbers = read(made)
    assert numbers.lines == ()
    assert "is damaged" in data.problems[0]


def test_curves_of_single_units_are_not_read_with_the_run(made):
    assert read(made)[0].scores.is_empty()


def test_undefined_values_are_left_out(tmp_path):
    def value(model, decoding, metric, sigma, cell, seed):
        return math.nan if cell == 3 else 0.5

    numbers = numbers_of(make_run(tmp_path, models=("distance_unet",), value=value))
    assert numbers.of(numbers.lines[0], *HEADLINE).count == 3
    assert numbers.of(numbers.lines[0], SCHREIBER, 5).mean == 0.5


def test_differences_are_those_of_the_table(made):
    numbers = numbers_of(made)
    table = read_comparison(made.run).drop_nulls("against")
    assert len(numbers.differences) == len(table)
    assert [one.mean for one in numbers.differences] == table["mean"].to_list()
    assert {one.line.model for one in numbers.differences} == {"distance_unet"}
    assert {one.other.role for one in numbers.differences} == {"floor", "poisson"}


@pytest.mark.parametrize(
    ("low", "high", "verdict"), [(0.1, 0.2, 1), (-0.2, -0.1, -1), (-0.1, 0.1, 0), (0.0, 0.1, 0), (None, None, 0)]
)
def test_a_clear_gain_is_told_from_an_open_one_and_of_a_distance_less_is_better(low, high, verdict):
    for metric, sign in SIGN.items():
        assert Difference("published", NETWORK, FLOOR, metric, 5, 3, 0.0, low, high).verdict == sign * verdict


def compared(terms, mine, other, sigma):
    return Difference(terms, mine, other, SCHREIBER, sigma, 3, 0.1, 0.05, 0.15, 0.01, 3)


def test_differences_stand_by_terms_and_opponent():
    found = {(one, SCHREIBER, 5): Mean(3, mean, None, None) for one, mean in ((ROUND, 0.3), (FURTHER, 0.4))}
    rows = (
        compared("published", NETWORK, ROUND, 5),
        compared("published", NETWORK, FLOOR, 5),
        compared("every decoding", MATCHED, FURTHER, 5),
        compared("over widths", NETWORK, ROUND, None),
        compared("over widths", MATCHED, FURTHER, None),
    )
    numbers = Numbers((FLOOR, NETWORK, MATCHED, ROUND, FURTHER), found, differences=rows)
    published, every = at_each_width(numbers)
    assert (published.published, every.published) == (True, False)
    assert list(published.rows) == ["net, nearest − best Poisson", "net, nearest − no_spikes"]
    assert list(every.rows) == ["net, best decoding − best Poisson"]
    assert (published.best, every.best) == ({5: ROUND}, {5: FURTHER})
    assert published.rows["net, nearest − no_spikes"] == {5: rows[1]}
    assert over_widths(numbers) == {
        "net, nearest − counts, round": {SCHREIBER: rows[3]},
        "net, matched − counts, matched": {SCHREIBER: rows[4]},
    }
