"""The run's table of metrics, written again and again."""

import polars

from raysp.config import Trial
from raysp.evaluation.run import SCHEMA, write_metrics
from raysp.runs import RunFolder, trial_to
from raysp.yaml_files import dump_yaml

TRIALS = [Trial("mean_rate", {}, None, split, "0" * 64) for split in ("a", "b")]


def rows(trial, value):
    common = dict.fromkeys(SCHEMA) | {"trial_id": trial.id, "metric": "co-bps", "value": value}
    return [common]


def test_rows_of_a_trial_take_the_place_of_its_earlier_ones_and_others_stay(tmp_path):
    run = RunFolder(str(tmp_path))
    (tmp_path / "experiment.yaml").write_text(dump_yaml({"trials": [trial_to(trial) for trial in TRIALS]}))
    write_metrics(run, rows(TRIALS[0], 0.1) + rows(TRIALS[1], 0.2))
    # A table of an earlier version lacks a column.
    polars.read_parquet(run.metrics).drop("decoding").write_parquet(run.metrics)
    write_metrics(run, rows(TRIALS[1], 0.3))
    found = polars.read_parquet(run.metrics)
    assert found.columns == list(SCHEMA)
    assert dict(zip(found["trial_id"], found["value"], strict=True)) == {TRIALS[0].id: 0.1, TRIALS[1].id: 0.3}
