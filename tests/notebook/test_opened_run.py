"""A run opened: finished, and while it is being written."""

import pkgutil
import shutil
from pathlib import Path

import numpy as np
import polars
import pytest
import torch
from polars import col

import raysp
from raysp.config import plugins
from raysp.config.experiment import Experiment, ModelChoice, Training
from raysp.config.own_code import adopted
from raysp.driver.finish import evaluate
from raysp.driver.plan import make_plan
from raysp.driver.record import copy_plugins, write_record
from raysp.errors import BadInput, NotReady
from raysp.io import files
from raysp.kinds.population import rates_file
from raysp.models import sae
from raysp.runs.folder import RunFolder
from raysp.runs.trial_log import Setting
from raysp.training.process_limits import limited
from raysp.trials.run_trial import run_trial
from tests.data.nlb_files import prepared

VAL = "standin-mc_maze_small-20ms-val"
EXPERIMENT = Experiment(
    "x",
    (
        ModelChoice("mean_rate"),
        ModelChoice("sae", {"hidden": 8, "encoder_hidden": 8}),
        ModelChoice("masked_gru", {"hidden": 8}, {"refit": True}),
    ),
    (VAL,),
    training=Training(epochs=3, measure_every=0),
)


@pytest.fixture(scope="module")
def root(standin_root):
    prepared(standin_root, "mc_maze_small-20ms-*")
    return standin_root


@pytest.fixture(scope="module")
def half(root, tmp_path_factory):
    """A run with two of three trials finished, and nothing collected: its driver is at work."""
    run = RunFolder(str(tmp_path_factory.mktemp("runs") / "standin-x"))
    plan = make_plan(EXPERIMENT, [VAL], root)
    write_record(run, EXPERIMENT, plan, root)
    with limited(1):
        for trial in plan.trials[:2]:
            run_trial(trial, Setting(run.path, root))
    return run


@pytest.fixture
def own(half, tmp_path):
    return RunFolder(shutil.copytree(half.path, str(tmp_path / "standin-x")))


def test_of_a_run_that_is_going_on_what_is_finished_is_there(half, root, monkeypatch):
    run = raysp.open_run(half.path)
    assert run.trials.select("model", "state").rows() == [
        ("mean_rate", "done"),
        ("sae", "done"),
        ("masked_gru", "missing"),
    ]
    assert run.trials.filter(model="sae").select("epochs", "best_epoch").row(0)[0] == 3
    scores = run.scores
    assert isinstance(scores, polars.LazyFrame)
    found = scores.filter(col("unit").is_null(), metric="co-bps").collect()
    assert found["model"].to_list() == ["mean_rate", "sae"]
    assert not files.exists(half.metrics)
    predictions = run.predictions.filter(col("model") == "sae", part="eval").collect()
    split = run.split("sae")
    assert predictions.height == len(split.eval) * split.sizes.units
    assert run.curve("sae")["epoch"].to_list() == [1, 2, 3]
    with pytest.raises(NotReady, match="no training curve"):
        run.curve("masked_gru")
    with pytest.raises(NotReady, match=r"masked_gru_.* is not finished"):
        run.model("masked_gru")

    def twice(*given):
        raise AssertionError("scored a second time")

    monkeypatch.setattr("raysp.notebook.opened_run.evaluate_trial", twice)
    assert run.scores.collect().equals(scores.collect())


def test_the_trained_network_is_the_one_that_predicted(own, root, capsys):
    plan = make_plan(EXPERIMENT, [VAL], root)
    with limited(1):
        run_trial(plan.trials[2], Setting(own.path, root))
    before = {path: files.stamp(files.join(own.path, path)) for path in files.sizes(own.path)}
    run, split = raysp.open_run(own.path), raysp.load_split(VAL, root=root)
    for trial in plan.trials:
        rates = rates_file.read_rates(own.trial(trial.id).predictions, "eval")[0]
        fitted = run.fitted(trial.id)
        np.testing.assert_array_equal(fitted.predict(split.eval).rates, rates)
        assert fitted.scores(run.split(trial.id)).equals(run.scores.filter(run_trial=trial.id).collect())
    assert f"running the code of model sae for {plan.trials[1].id}" in capsys.readouterr().err
    model = run.model("sae")
    assert isinstance(model, torch.nn.Module)
    assert not model.training
    assert {path: files.stamp(files.join(own.path, path)) for path in files.sizes(own.path)} == before


def test_a_network_whose_checkpoint_is_gone_or_damaged_is_not_trained_anew(own):
    run = raysp.open_run(own.path)
    checkpoint = own.trial(run.trials.filter(model="sae")["run_trial"].item()).checkpoint
    files.write_text(checkpoint, "nothing")
    with pytest.raises(NotReady, match=r"the checkpoint of sae_.* is gone or damaged"):
        run.model("sae")
    files.remove(checkpoint)
    with pytest.raises(NotReady, match=r"the checkpoint of sae_.* is gone or damaged"):
        run.model("sae")


def test_failures_are_told_of(own):
    trial = raysp.open_run(own.path).trials.filter(model="masked_gru")["run_trial"].item()
    files.write_text(own.trial(trial).error, "Traceback (most recent call last):\n  File x\nValueError: too few\n")
    row = raysp.open_run(own.path).trials.filter(model="masked_gru").row(0, named=True)
    assert (row["state"], row["error"]) == ("failed", "ValueError: too few")


def test_scores_that_are_there_are_not_made_again(own, root, monkeypatch):
    def here(name, calls):
        return [pkgutil.resolve_name(name)(*given) for given, _ in calls]

    monkeypatch.setattr("raysp.cluster.jobs.jobs", here)
    fresh = raysp.open_run(own.path).scores.collect()
    evaluate(own, root, "val")
    monkeypatch.setattr("raysp.notebook.opened_run.evaluate_trial", None)
    assert raysp.open_run(own.path).scores.collect().equals(fresh)


def test_a_split_that_is_not_prepared_says_what_to_type(half, tmp_path):
    run = raysp.open_run(half.path, root=tmp_path)
    with pytest.raises(NotReady, match=f"split '{VAL}' is not prepared below"):
        run.split("sae")
    with pytest.raises(NotReady, match=f"split '{VAL}' is not prepared below"):
        run.model("sae")
    assert run.curve("sae").height == 3


def test_trials_are_found_by_id_and_by_a_model_that_has_one(half):
    run = raysp.open_run(half.path)
    trial = run.trials["run_trial"][1]
    assert run.curve(trial).equals(run.curve("sae"))
    with pytest.raises(BadInput, match=f"unknown trial of .*: did you mean '{trial}'"):
        run.curve(trial[:-1])


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(NotReady, match="is not a run folder"):
        raysp.open_run(tmp_path / "nothing")


def test_a_run_of_which_nothing_is_finished_says_so(tmp_path, root):
    run = RunFolder(str(tmp_path / "standin-x"))
    write_record(run, EXPERIMENT, make_plan(EXPERIMENT, [VAL], root), root)
    opened = raysp.open_run(run.path)
    assert opened.trials["state"].to_list() == ["missing"] * 3
    with pytest.raises(NotReady, match="no finished trial"):
        opened.scores
    with pytest.raises(NotReady, match="no finished trial yet"):
        opened.predictions


def test_a_network_of_ones_own_code_is_loaded_from_the_run(root, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    source = Path(sae.__file__).read_text()
    Path("mine.py").write_text(source)
    experiment = adopted(Experiment("x", (ModelChoice("mine.py", {"hidden": 8}),), (VAL,), training=Training(epochs=1)))
    run = RunFolder(str(tmp_path / "standin-x"))
    plan = make_plan(experiment, [VAL], root)
    copy_plugins(run)
    write_record(run, experiment, plan, root)
    with limited(1):
        run_trial(plan.trials[0], Setting(run.path, root))
    Path("mine.py").write_text("raise SystemExit")
    plugins.plug({})
    split = raysp.load_split(VAL, root=root)
    found = raysp.open_run(run.path).fitted("mine").predict(split.eval).rates
    np.testing.assert_array_equal(found, rates_file.read_rates(run.trial(plan.trials[0].id).predictions, "eval")[0])
    assert f"running the code of model mine from {run.code}" in capsys.readouterr().err
    plugins.plug({})
