"""Trials of cells from a split to tables, and a fit that is killed."""

import dataclasses
import os
import signal
import subprocess
import sys

import numpy as np
import polars
import pytest
from polars.testing import assert_frame_equal

from raysp.config import code_hash
from raysp.config.experiment import Experiment, ModelChoice
from raysp.data.splits import store
from raysp.driver.plan import make_plan
from raysp.driver.score_table import lines, remarks_of
from raysp.errors import BadInput, NotReady
from raysp.io import files, tables
from raysp.io.terminal import Terminal
from raysp.kinds import catalog as kinds
from raysp.kinds.current_clamp.parameters_file import COLUMNS, read_parameters
from raysp.kinds.current_clamp.rates_file import read_rates
from raysp.runs.comparison_table import read_comparison
from raysp.runs.folder import RunFolder
from raysp.runs.trial_log import Setting
from raysp.trials.run_trial import run_trial
from tests.data.clamp_splits import made_up
from tests.kinds.current_clamp.made_up import CLEAN, MODELS, NAME, PAPER, make_run


def test_predictions_hold_each_test_current_once_with_all_its_repeats(made):
    trial = made.of("gfr")
    found, sees_counts = read_rates(made.run.trial(trial.id).predictions)
    assert not sees_counts
    assert {one.unit for one in found} == set(trial.units)
    split = made.split.select(trial.units)
    assert sum(one.counts.size for one in found) == split.bins_of("test")
    assert all(np.isfinite(one.rates).all() for one in found)
    assert read_rates(made.run.trial(made.of("clamp_psth").id).predictions)[1]
    only, _ = read_rates(made.run.trial(trial.id).predictions, [trial.units[1]])
    assert {one.unit for one in only} == {trial.units[1]}


def test_a_damaged_or_foreign_table_is_refused(made, tmp_path):
    path = str(tmp_path / "other.parquet")
    tables.write_table(path, polars.DataFrame({"a": [1]}), {"kind": "something"})
    with pytest.raises(BadInput, match="expected a table of rates"):
        read_rates(path)
    with pytest.raises(BadInput, match="expected parameters of cells"):
        read_parameters(path)
    with pytest.raises(NotReady, match="run the experiment first"):
        read_rates(str(tmp_path / "none.parquet"))


def test_parameters_have_a_row_for_each_cell_and_candidate_and_one_chosen(made):
    # Beside the one that was asked for, "clean" has two simpler ones.
    for model, candidates in (("gfr_paper", 2), ("gfr", 3)):
        table = read_parameters(files.join(made.run.trial(made.of(model).id).path, "parameters.parquet"))
        assert table.columns == list(COLUMNS)
        fitted, failed = (table.filter(polars.col("status") == one) for one in ("fitted", "failed"))
        assert fitted["unit"].value_counts()["count"].to_list() == [candidates] * fitted["unit"].n_unique()
        assert sorted([*table.filter("chosen")["unit"], *failed["unit"]]) == list(made.of(model).units)
        assert set(table["species"]) == {"species 0", "species 1"}


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_a_cell_whose_rates_are_none_on_one_current_has_no_score_by_the_others(made, monkeypatch, value):
    trial = made.of("gfr")
    folder, kind = made.run.trial(trial.id), kinds.of(made.split.kind)
    found, sees_counts = read_rates(folder.predictions)
    usual = {(row.get("unit"), row["metric"]): row for row in kind.score(trial, made.split, None, folder)}
    unit = found[0].unit
    assert sum(one.unit == unit for one in found) > 1
    assert np.isfinite(usual[unit, "EVR"]["value"])
    found[0] = dataclasses.replace(found[0], rates=found[0].rates.copy())
    found[0].rates[2] = value
    monkeypatch.setattr("raysp.kinds.current_clamp.score.read_rates", lambda path: (found, sees_counts))
    odd = {(row.get("unit"), row["metric"]): row for row in kind.score(trial, made.split, None, folder)}
    for metric in ("EVR", "EVR leave-one-out", "loss per bin"):
        assert odd[unit, metric]["value"] is None
        assert "NaN, infinite or negative on some current" in odd[unit, metric]["note"]
    others = [key for key in usual if key[0] not in (None, unit)]
    assert all(odd[key] == usual[key] for key in others)


def test_metrics_have_every_cell_and_the_median_over_a_trials(made):
    table = polars.read_parquet(made.run.metrics).filter(polars.col("model") == "gfr")
    each = table.filter(polars.col("unit").is_not_null())
    assert set(each["unit"]) == set(made.split.unit_ids.tolist())
    assert set(each["metric"]) == {
        "EVR", "EVR leave-one-out", "EVR quantised", "EVR at 100 ms", "EVR ceiling", "EVR ceiling at least",
        "loss per bin", "dead",
    }  # fmt: skip
    whole = table.filter(polars.col("unit").is_null() & (polars.col("metric") == "EVR"))
    one = each.filter((polars.col("run_trial") == made.of("gfr").id) & (polars.col("metric") == "EVR"))
    assert whole["value"][0] == pytest.approx(np.median(one["value"]))


def test_the_terminal_and_the_comparison_have_medians_over_all_trials(made):
    said = list(lines(made.run, "val", made.root, Terminal(400)))
    assert any(line.startswith("standin-cells, medians") for line in said)
    order = [line.split()[0] for line in said if line[:2] == "  " and line[2] != " "]
    assert order == ["clamp_mean_rate", "gfr_paper", "gfr", "clamp_psth"]
    rows = read_comparison(made.run, polars.col("metric") == "EVR")
    median = rows.filter((polars.col("comparison") == "median") & (polars.col("model") == "gfr"))
    assert median["count"].to_list() == [4]
    pairs = rows.filter(polars.col("comparison") == "difference").select("model", "against").rows()
    assert pairs == [("gfr_paper", "clamp_mean_rate"), ("gfr", "clamp_mean_rate"), ("gfr", "gfr_paper")]
    assert isinstance(remarks_of(made.run, "val", made.root), list)


def test_a_cell_without_a_fit_is_a_row_with_its_reason_and_stops_no_other(tmp_path):
    import dataclasses

    split = made_up(4, seed=7, timed=True, name=NAME, longest=60)
    split = dataclasses.replace(split, gamma=np.array([np.nan, *split.gamma[1:]]))
    made = make_run(tmp_path, models=(MODELS[0], PAPER), split=split, together=4)
    first, *others = split.unit_ids.tolist()
    table = read_parameters(files.join(made.run.trial(made.of("gfr_paper").id).path, "parameters.parquet"))
    failed = table.filter(polars.col("status") == "failed")
    assert failed["unit"].to_list() == [first]
    assert sorted(table.filter("chosen")["unit"]) == others
    metrics = polars.read_parquet(made.run.metrics).filter(polars.col("model") == "gfr_paper")
    evr = metrics.filter((polars.col("metric") == "EVR") & polars.col("unit").is_not_null()).sort("unit")
    assert np.isnan(evr["value"][0])
    assert failed["reason"][0] in evr["note"][0]
    assert evr["value"][1:].is_finite().all()
    dead = metrics.filter((polars.col("metric") == "dead") & (polars.col("unit") == first))
    assert dead["value"].to_list() == [1]
    assert any(f"{first}" in one for one in remarks_of(made.run, "val", made.root))


def test_clean_is_never_shown_the_test_part_and_chunks_change_no_bit(tmp_path, made):
    import dataclasses

    other = dataclasses.replace(
        made.split, counts=np.where(np.arange(len(made.split.counts)) < 0, 0, made.split.counts).astype(np.uint16)
    )
    first, last = other.edges("test")
    for sweep, (begin, end) in enumerate(zip(first, last, strict=True)):
        other.counts[other.sweep_ptr[sweep] + begin : other.sweep_ptr[sweep] + end] += 3
    again = make_run(tmp_path, models=(MODELS[0], CLEAN), together=4, split=other)
    ours, theirs = (
        polars.read_parquet(files.join(one.run.path, "parameters.parquet")).filter(polars.col("model") == "gfr")
        for one in (made, again)
    )
    same = ["unit", "alpha", "beta", "poly_coeff", "threshold", "gamma", "validation_evr", "train_loss", "evaluations"]
    assert_frame_equal(ours.select(same).sort("unit"), theirs.select(same).sort("unit"), check_exact=True)


def test_an_activation_bin_that_does_not_divide_is_refused_at_planning(tmp_path):
    store.save(made_up(2, timed=True, name=NAME), None, str(tmp_path), {})
    choice = ModelChoice("gfr", {"protocol": "paper", "activation_bin_ms": 50})
    with pytest.raises(BadInput, match="standin-cells: model gfr, activation_bin_ms expected a multiple"):
        make_plan(Experiment("one", (choice,), splits=(NAME,)), [NAME], str(tmp_path))


KILLED = """
import os, sys
from raysp.runs.folder import RunFolder
from raysp.runs.trial_log import Setting
from raysp.training import checkpoint
from raysp.trials.run_trial import run_trial

checkpoint.SAVE_EVERY_S = 0.0
run, root = sys.argv[1:]
(trial,) = RunFolder(run).trials()
saved = checkpoint.save
def save(*what):
    saved(*what)
    print("saved", flush=True)
    sys.stdin.readline()
checkpoint.save = save
run_trial(trial, Setting(run, root))
"""


def test_a_fit_that_is_killed_goes_on_and_comes_to_the_same_numbers(tmp_path):
    whole = make_run(tmp_path / "whole", models=(PAPER,), together=0)
    killed = make_run(tmp_path / "killed", models=(PAPER,), together=0)
    folder = RunFolder(killed.run.path).trial(killed.trials[0].id)
    files.remove(folder.path)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, killed.run.path, killed.root], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert process.stdout.readline() == "saved\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert folder.state() == "started"
    assert files.exists(folder.checkpoint)
    run_trial(killed.trials[0], Setting(killed.run.path, killed.root))
    for name in ("predictions.parquet", "parameters.parquet"):
        one, other = (
            tables.read_table(files.join(made.run.trial(made.trials[0].id).path, name)) for made in (whole, killed)
        )
        assert_frame_equal(one, other, check_exact=True)


def test_a_trials_code_is_all_that_fits_and_predicts_and_no_format():
    there = set(code_hash.of_model("gfr"))
    assert {
        "raysp/models/gfr/model.py",
        "raysp/kinds/current_clamp/learner.py",
        "raysp/kinds/current_clamp/predict.py",
        "raysp/kinds/current_clamp/repeats.py",
    } <= there
    assert not {"raysp/kinds/current_clamp/rates_file.py", "raysp/kinds/current_clamp/score.py"} & there
    assert "raysp/models/gfr/model.py" not in code_hash.of_model("sae")
