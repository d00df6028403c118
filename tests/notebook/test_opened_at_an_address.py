"""A run in a store of objects, opened: as one on a disk, and no more of it is read than was asked for."""

import numpy as np
import polars
import pytest
from polars import col

import raysp
from raysp.config.experiment import Experiment, ModelChoice, Training
from raysp.data.splits import store
from raysp.driver.plan import make_plan
from raysp.driver.record import write_record
from raysp.errors import NotReady, StoreError
from raysp.io import files, lazy_tables, tables
from raysp.kinds.population import rates_file
from raysp.runs.folder import RunFolder
from raysp.runs.trial_log import Setting
from raysp.training.process_limits import limited
from raysp.trials.run_trial import run_trial
from tests.data.nlb_files import prepared

VAL, TEST = "standin-mc_maze_small-20ms-val", "standin-mc_maze_small-20ms-test"
EXPERIMENT = Experiment(
    "x",
    (ModelChoice("mean_rate"), ModelChoice("sae", {"hidden": 8, "encoder_hidden": 8})),
    (VAL, TEST),
    training=Training(epochs=2, measure_every=0),
)


@pytest.fixture
def there(bucket, standin_root):
    """A run of both phases, its data and itself at an address."""
    prepared(standin_root, "mc_maze_small-20ms-*")
    root, run = f"{bucket}/data", RunFolder(f"{bucket}/runs/standin-x")
    for split in EXPERIMENT.splits:
        for path in (store.split_path(standin_root, split), store.answers_path(standin_root, split)):
            if files.exists(path):
                files.copy(path, files.join(root, path[len(standin_root) + 1 :]))
    plan = make_plan(EXPERIMENT, list(EXPERIMENT.splits), root)
    write_record(run, EXPERIMENT, plan, root)
    with limited(1):
        for trial in plan.trials:
            run_trial(trial, Setting(run.path, root))
    return run


def read(door, run):
    """Predictions files that were read in parts since the last call, by how many requests."""
    found = {path: n for (method, path), n in door.seen.items() if method == "GET" and path.endswith("ions.parquet")}
    door.seen.clear()
    return found


def test_predictions_curve_network_split_and_scores_are_there(there, door):
    run = raysp.open_run(there.path)
    assert run.trials.select("model", "split", "state").rows() == [
        (model, split, "done") for split in EXPERIMENT.splits for model in ("mean_rate", "sae")
    ]
    read(door, there)
    predictions = run.predictions
    assert isinstance(predictions, polars.LazyFrame)
    assert len(read(door, there)) == 1, "nothing but the form of the first file"
    sae = run.trials.filter(model="sae", split=VAL)["run_trial"].item()
    found = predictions.filter(col("run_trial") == sae, part="eval").collect()
    rates, _ = rates_file.read_rates(there.trial(sae).predictions, "eval")
    split = run.split(sae)
    assert found.height == len(split.eval) * split.sizes.units
    heads = found.sort("trial_index", "unit_index")["rates"].to_list()
    np.testing.assert_array_equal(
        np.array(heads, np.float32).reshape(rates.transpose(0, 2, 1).shape).transpose(0, 2, 1), rates
    )
    fitted = run.fitted(sae)
    np.testing.assert_array_equal(fitted.predict(split.eval).rates, rates)
    assert run.curve(sae)["epoch"].to_list() == [1, 2]
    assert fitted.scores(split).equals(run.scores.filter(run_trial=sae).collect())


def test_of_a_test_phase_all_is_there_but_its_answers(there):
    run = raysp.open_run(there.path)
    trial = run.trials.filter(model="sae", split=TEST)["run_trial"].item()
    split = run.split(trial)
    assert split.answers is None
    fitted = run.fitted(trial)
    rates, _ = rates_file.read_rates(there.trial(trial).predictions, "eval")
    np.testing.assert_array_equal(fitted.predict(split.eval).rates, rates)
    first = run.fitted(run.trials.filter(model="sae", split=VAL)["run_trial"].item())
    again = raysp.fit(first, split, progress=False)
    assert again.trial.id == trial
    np.testing.assert_array_equal(again.predict(split.eval).rates, rates)
    assert run.scores.collect()["split"].unique().to_list() == [VAL]
    with pytest.raises(NotReady, match=r"as `raysp evaluate RUN --phase test` does, and counts it"):
        fitted.scores(split)
    assert run.predictions.filter(split=TEST, model="sae").select(polars.len()).collect().item() > 0


def test_a_lazy_table_reads_groups_of_rows_that_match_and_columns_that_are_asked_for(bucket, tmp_path, door):
    table = polars.DataFrame({"name": ["a"] * 3 + ["b"] * 3, "number": range(6), "rates": [[1.0] * 4] * 6})
    paths = [f"{bucket}/{name}.parquet" for name in ("one", "two")]
    for path in paths:
        tables.write_table(path, table)
    lazy = lazy_tables.scan(paths)
    both = polars.concat([table, table])
    assert lazy.collect().equals(both)
    assert lazy.filter(col("number") > 3).collect().equals(both.filter(col("number") > 3))
    assert lazy.select("number").head(4).collect()["number"].to_list() == [0, 1, 2, 3]
    assert lazy.select(col("rates").list.sum().sum()).collect().item() == 48
    assert lazy.filter(name="c").collect().equals(both.clear())
    door.refused.add(bucket.removeprefix("s3://"))
    with pytest.raises(StoreError, match=r"one\.parquet is refused"):
        lazy.collect()
    on_disk = [str(tmp_path / name) for name in ("one.parquet", "two.parquet")]
    for path in on_disk:
        tables.write_table(path, table)
    assert lazy_tables.scan(on_disk).collect().equals(both)
