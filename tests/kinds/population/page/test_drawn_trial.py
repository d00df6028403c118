"""The trial whose figures are drawn is the best model's middle seed."""

import polars

from raysp.driver.report import open_run
from raysp.io import files, tables
from raysp.kinds.population.page.scores import drawn_trial


def pick(made):
    data = open_run(made.run, made.root)
    return drawn_trial(data, data.tasks[0])


def test_median_seed_of_the_best_model(make):
    made = make(
        models=("mean_rate", "smoothing", "sae", "true_rates"), seeds=(0, 1, 2), splits=("mc_maze_small-20ms-val",)
    )
    scores = {0: 0.9, 1: 0.7, 2: 0.8}
    table = polars.read_parquet(made.run.metrics)
    rows = [
        {**row, "value": scores[row["seed"]]} if (row["model"], row["metric"]) == ("smoothing", "co-bps") else row
        for row in table.to_dicts()
    ]
    tables.write_table(made.run.metrics, polars.DataFrame(rows, schema=table.schema))
    assert (pick(made).model, pick(made).seed) == ("smoothing", 2)


def test_ceiling_is_never_the_best_model(shared_run):
    assert pick(shared_run).model == "sae"


def test_without_scores_a_trained_model_comes_first(make):
    made = make(models=("smoothing", "sae"), seeds=(0,), splits=("mc_maze_small-20ms-val",))
    files.remove(made.run.metrics)
    assert pick(made).model == "sae"


def test_only_the_floor_is_better_than_nothing(make):
    made = make(models=("mean_rate",), seeds=(0,), splits=("mc_maze_small-20ms-val",))
    assert pick(made).model == "mean_rate"


def test_nothing_finished(made_up):
    for trial in made_up.trials:
        files.remove(made_up.run.trial(trial.id).done)
    assert pick(made_up) is None
