"""Tables of scores: order of rows, means and spreads, what is best."""

import math

import numpy as np
import polars
import pytest

from raysp.driver.report import open_run, write_report
from raysp.io import files
from raysp.io import tables as tables_file
from raysp.kinds.population.page.scores import headline, tables
from raysp.report.score_table import cell


def rescore(made, change):
    table = polars.read_parquet(made.run.metrics).to_dicts()
    rows = [row for row in map(change, table) if row is not None]
    table = polars.DataFrame(rows, schema=polars.read_parquet_schema(made.run.metrics))
    tables_file.write_table(made.run.metrics, table)
    return open_run(made.run, made.root)


def test_floor_first_ceiling_last(shared_run):
    for table in tables(open_run(shared_run.run, shared_run.root)):
        assert [(row.model, row.role) for row, _ in table.rows] == [
            ("mean_rate", "floor"),
            ("sae", "model"),
            ("true_rates", "ceiling"),
        ]
        assert table.columns[:4] == ("co-bps", "fp-bps", "vel R2", "psth R2")
        assert table.columns[-1] == "reconstruction bits/spike"


def test_mean_and_spread_are_over_seeds(shared_run):
    data = open_run(shared_run.run, shared_run.root)
    task = data.tasks[0]
    values = list(data.values[task.slug, "sae", "co-bps"].values())
    found = cell(data, task, "sae", None, "co-bps")
    assert len(values) == 2
    assert found.mean == pytest.approx(np.mean(values))
    assert found.sd == pytest.approx(np.std(values, ddof=1))
    (detail,) = [model.details[0] for row, model in tables(data)[0].rows if row.model == "sae"]
    assert detail.startswith("seed 0: ")


@pytest.mark.parametrize(("floor", "best"), [(0.3, ["ndt", "sae"]), (0.5, []), (0.9, [])])
def test_all_that_have_the_best_score_are_best_unless_the_floor_is_as_good(make, floor, best):
    made = make(splits=("mc_maze_small-20ms-val",), models=("mean_rate", "ndt", "sae", "smoothing"), seeds=(0,))
    values = {"mean_rate": floor, "ndt": 0.5, "sae": 0.5, "smoothing": 0.4}
    data = rescore(made, lambda row: row | ({"value": values[row["model"]]} if row["metric"] == "co-bps" else {}))
    assert [row.model for row, _ in tables(data)[0].rows if row.cells[0].best] == best


def test_best_is_neither_floor_nor_ceiling(shared_run):
    table = tables(open_run(shared_run.run, shared_run.root))[0]
    best = {row.model for row, _ in table.rows for found in row.cells if found.best}
    assert best == {"sae"}


def test_lower_tp_correlation_is_better(make):
    made = make(models=("mean_rate", "sae", "smoothing"), seeds=(0,), splits=("mc_maze_small-20ms-val",))
    value = {"sae": -0.9, "smoothing": 0.2, "mean_rate": 0.0}

    def rename(row):
        return {**row, "metric": "tp corr", "value": value[row["model"]]} if row["metric"] == "vel R2" else row

    table = tables(rescore(made, rename))[0]
    i = table.columns.index("tp corr")
    assert [row.model for row, _ in table.rows if row.cells[i].best] == ["sae"]


def test_undefined_values_are_counted_not_averaged(made_up):
    def spoil(row):
        return {**row, "value": math.nan} if (row["metric"], row["seed"]) == ("co-bps", 1) else row

    data = rescore(made_up, spoil)
    found = cell(data, data.tasks[0], "sae", None, "co-bps")
    assert found.undefined == 1
    assert found.sd is None
    assert math.isfinite(found.mean)


def test_scores_of_trials_that_are_not_done_do_not_count(made_up):
    files.remove(made_up.run.trial(made_up.trial("sae", seed=1).id).done)
    data = open_run(made_up.run, made_up.root)
    assert list(data.values[data.tasks[0].slug, "sae", "co-bps"]) == [0]


def test_headline_without_heldout_units_is_not_cosmoothing(made_up):
    data = rescore(made_up, lambda row: None if row["metric"] in ("co-bps", "true-rate R2") else row)
    assert headline(data, data.tasks[0]) == "reconstruction bits/spike"


def test_a_model_selected_on_the_evaluation_trials_is_marked(made_up):
    path = made_up.run.trial(made_up.trial("sae").id).done
    files.write_json(path, {**files.read_json(path), "selected_on": "evaluation trials"})
    rows = tables(open_run(made_up.run, made_up.root))[0].rows
    assert [row.model for row, model in rows if model.on_eval] == ["sae"]


def test_what_must_be_known_of_the_scores_stands_below_their_table(made_up):
    why = "computed by raysp's own exact form, not by nlb_tools: not installed"

    def change(row):
        if row["metric"] == "psth R2":
            return {**row, "note": why}
        return {**row, "value": None, "note": "too few rows"} if row["metric"] == "vel R2" else row

    table, other = tables(rescore(made_up, change))
    name = "mc_maze_small-20ms-val"
    assert f"WARNING {name}: psth R2 {why}" in table.remarks
    assert f"{name}: vel R2 undefined for mean_rate, sae, true_rates: too few rows" in table.remarks
    assert not set(table.remarks) & set(other.remarks)
    page = files.read_text(write_report(made_up.run, made_up.root))
    assert f'<p class="problem">WARNING {name}: psth R2 computed by raysp&#39;s own exact form' in page
