"""The run's table of metrics, written again and again."""

import dataclasses

import polars
import pytest

from raysp.config.experiment import Trial
from raysp.errors import BadInput
from raysp.io import files
from raysp.io.yaml_files import dump_yaml, write_yaml
from raysp.runs.folder import RunFolder, trial_to
from raysp.runs.metrics_table import SCHEMA, forget, read_metrics, scored, write_metrics

TRIALS = [Trial("mean_rate", {}, None, split, "0" * 64) for split in ("a", "b")]


def rows(trial, value):
    common = dict.fromkeys(SCHEMA) | {"run_trial": trial.id, "metric": "co-bps", "value": value}
    return [common]


def finish(run):
    for trial in TRIALS:
        files.write_json(run.trial(trial.id).done, {})
        files.write_text(run.trial(trial.id).predictions, "rates")


def test_rows_of_a_trial_take_the_place_of_its_earlier_ones_and_others_stay(tmp_path):
    run = RunFolder(str(tmp_path))
    (tmp_path / "experiment.yaml").write_text(dump_yaml({"trials": [trial_to(trial) for trial in TRIALS]}))
    finish(run)
    write_metrics(run, rows(TRIALS[0], 0.1) + rows(TRIALS[1], 0.2))
    # A table of an earlier version lacks a column.
    old = polars.read_parquet(run.metrics).drop("decoding", "unit_index", "note").rename({"run_trial": "trial_id"})
    old.write_parquet(run.metrics)
    write_metrics(run, rows(TRIALS[1], 0.3))
    found = polars.read_parquet(run.metrics)
    assert found.columns == list(SCHEMA)
    assert dict(zip(found["run_trial"], found["value"], strict=True)) == {TRIALS[0].id: 0.1, TRIALS[1].id: 0.3}
    # Whose folder is gone has no score any more.
    files.remove(run.trial(TRIALS[0].id).path)
    write_metrics(run, rows(TRIALS[1], 0.3))
    assert scored(run) == {TRIALS[1].id}


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


def test_scores_of_an_earlier_form_of_the_experiment_are_no_scores_of_the_run(tmp_path):
    run, anew = RunFolder(str(tmp_path)), dataclasses.replace(TRIALS[0], hyperparameters={"hidden": 3})
    (tmp_path / "experiment.yaml").write_text(dump_yaml({"trials": [trial_to(trial) for trial in TRIALS]}))
    write_metrics(run, rows(TRIALS[0], 0.1) + rows(TRIALS[1], 0.2))
    # Planned anew, and stopped or failed before anything was scored.
    record = {"trials": [trial_to(anew), trial_to(TRIALS[1])], "earlier": [trial_to(TRIALS[0])]}
    write_yaml(run.experiment, record)
    assert read_metrics(run, columns=["value"])["value"].to_list() == [0.2]
    assert scored(run) == {TRIALS[1].id}
    # Earlier versions kept both among the trials.
    write_yaml(run.experiment, {"trials": [trial_to(trial) for trial in (*TRIALS, anew)]})
    assert scored(run) == {TRIALS[1].id}


def test_a_damaged_table_is_left_for_scoring_to_tell_of(tmp_path):
    run = RunFolder(str(tmp_path))
    finish(run)
    (tmp_path / "metrics.parquet").write_bytes(b"PAR1 not quite")
    forget(run, [TRIALS[0].id])
    assert (tmp_path / "metrics.parquet").read_bytes() == b"PAR1 not quite"


def test_a_table_of_an_earlier_version_is_read_in_todays_words(tmp_path):
    run = RunFolder(str(tmp_path))
    old = [
        ("a", None, None, "true-rate r2 pooled", 0.5),
        ("a", None, None, "vel R2", 0.25),
        ("mc_maze-20ms-val", None, None, "vel R2", 0.75),
        ("a", None, 7, "co-bps", 0.1),
        ("a", "nearest", 700, "Schreiber", 0.9),
    ]
    names = ("split", "decoding", "unit", "metric", "value")
    rows = [{"trial_id": "x", "model": "sae", **dict(zip(names, row, strict=True))} for row in old]
    polars.DataFrame(rows, schema_overrides={"decoding": polars.String}, infer_schema_length=None).write_parquet(
        run.metrics
    )
    found = read_metrics(run)
    assert found.columns == list(SCHEMA)
    assert found["run_trial"].to_list() == ["x"] * 5
    assert found["metric"].to_list() == [
        "true-rate Pearson r squared, pooled",
        "behavior R2, mean over variables",
        "vel R2",
        "co-bps",
        "Schreiber",
    ]
    assert found["unit_index"].to_list() == [None, None, None, 7, None]
    assert found["unit"].to_list() == [None, None, None, None, 700]
    assert scored(run) == {"x"}


@pytest.mark.parametrize("content", [b"PAR1 not quite", b"", None])
def test_a_table_that_is_none_is_refused_in_one_sentence(tmp_path, content):
    run = RunFolder(str(tmp_path))
    if content is None:
        polars.DataFrame({"something": [1]}).write_parquet(run.metrics)
    else:
        (tmp_path / "metrics.parquet").write_bytes(content)
    with pytest.raises(BadInput, match=r"is damaged .*raysp evaluate"):
        read_metrics(run)


def test_scoring_all_trials_anew_replaces_a_damaged_table(tmp_path):
    run = RunFolder(str(tmp_path))
    (tmp_path / "experiment.yaml").write_text(dump_yaml({"trials": [trial_to(trial) for trial in TRIALS]}))
    finish(run)
    (tmp_path / "metrics.parquet").write_bytes(b"PAR1 not quite")
    with pytest.raises(BadInput, match="is damaged"):
        write_metrics(run, rows(TRIALS[0], 0.1))
    write_metrics(run, rows(TRIALS[0], 0.1) + rows(TRIALS[1], 0.2))
    assert scored(run) == {trial.id for trial in TRIALS}
