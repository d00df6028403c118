"""Means over seeds, and how far each model is from the floor, seed by seed, as tables that programs read."""

import numpy as np
import pytest
from scipy import stats

from raysp.driver.compare import compare
from raysp.io import files
from raysp.runs.comparison_table import path_of, read_comparison
from raysp.runs.metrics_table import read_metrics


def values(made, model, metric):
    rows = read_metrics(made.run).filter(model=model, metric=metric, split=made.trials[0].split)
    return rows.filter(rows["unit_index"].is_null()).sort("seed")["value"].to_numpy()


def test_means_and_differences_to_the_floor_are_over_seeds(make):
    made = make(seeds=(0, 1, 2), models=("mean_rate", "sae", "true_rates"), splits=("mc_maze_small-20ms-val",))
    compare(made.run)
    found = read_comparison(made.run).filter(metric="co-bps", model="sae")
    mine, floor = values(made, "sae", "co-bps"), values(made, "mean_rate", "co-bps")
    alone, against = found.filter(comparison="mean"), found.filter(comparison="difference")
    assert alone["mean"].item() == mine.mean()
    assert (alone["count"].item(), alone["role"].item(), alone["against"].item()) == (3, "model", None)
    assert against["mean"].item() == pytest.approx((mine - floor).mean())
    assert against["p"].item() == pytest.approx(stats.ttest_rel(mine, floor).pvalue)
    assert (against["against"].item(), against["won"].item()) == ("mean_rate", int(np.sum(mine > floor)))
    roles = read_comparison(made.run).filter(metric="co-bps", comparison="mean")
    assert dict(roles.select("model", "role").iter_rows()) == {
        "mean_rate": "floor",
        "sae": "model",
        "true_rates": "ceiling",
    }


def test_a_single_seed_has_no_interval(make):
    made = make(seeds=(0,), models=("mean_rate", "sae"), splits=("mc_maze_small-20ms-val",))
    compare(made.run)
    row = read_comparison(made.run).filter(metric="co-bps", model="sae", comparison="difference")
    assert row.select("low", "high", "p").row(0) == (None, None, None)


def test_subsets_of_units_are_told_apart(make):
    made = make(seeds=(0,), models=("mean_rate",), splits=("mc_maze_small-20ms-val",), units=(0, 1, 2, 5, 19, 20))
    compare(made.run)
    assert set(read_comparison(made.run)["units"]) == {"0-2,5,19-20"}


def test_what_is_up_to_date_is_not_written_again(made_up):
    compare(made_up.run)
    stamp = files.stamp(path_of(made_up.run))
    compare(made_up.run)
    assert files.stamp(path_of(made_up.run)) == stamp
