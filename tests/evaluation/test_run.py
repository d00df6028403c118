"""The run's table of metrics, written again and again."""

import polars

from raysp.config import Trial
from raysp.evaluation.run import SCHEMA, forget, scored, write_metrics
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


def test_scores_of_trials_that_are_about_to_be_run_are_forgotten_and_no_others(tmp_path):
    run = RunFolder(str(tmp_path))
    forget(run, [TRIALS[0].id])
    (tmp_path / "experiment.yaml").write_text(dump_yaml({"trials": [trial_to(trial) for trial in TRIALS]}))
    write_metrics(run, rows(TRIALS[0], 0.1) + rows(TRIALS[1], 0.2))
    forget(run, [TRIALS[0].id, "never run"])
    assert scored(run) == {TRIALS[1].id}
    before = (tmp_path / "metrics.parquet").stat().st_mtime_ns
    forget(run, ["never run"])
    assert (tmp_path / "metrics.parquet").stat().st_mtime_ns == before


def test_a_damaged_table_is_left_for_scoring_to_tell_of(tmp_path):
    run = RunFolder(str(tmp_path))
    (tmp_path / "metrics.parquet").write_bytes(b"PAR1 not quite")
    forget(run, [TRIALS[0].id])
    assert (tmp_path / "metrics.parquet").read_bytes() == b"PAR1 not quite"
