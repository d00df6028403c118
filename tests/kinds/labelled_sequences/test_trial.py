"""Trials of labelled sequences, from planning to scores, without Ray."""

import dataclasses

import numpy as np
import polars
import pytest
from polars.testing import assert_frame_equal

from raysp.config import code_hash
from raysp.config.experiment import Experiment, ModelChoice, Training
from raysp.data.splits import store
from raysp.driver.plan import make_plan
from raysp.driver.score_table import lines, remarks_of
from raysp.errors import BadInput, Interrupted
from raysp.io import files
from raysp.io.terminal import Terminal
from raysp.kinds import catalog as kinds
from raysp.kinds.labelled_sequences.logits_file import read_logits, write_logits
from raysp.kinds.labelled_sequences.made_up import made_up
from raysp.runs.comparison_table import read_comparison
from raysp.runs.folder import RunFolder
from raysp.runs.trial_log import Setting
from raysp.trials.fitted_again import fitted_again
from raysp.trials.run_trial import run_trial
from tests.data.sequence_answers import answers_of
from tests.kinds.labelled_sequences.made_up import MODELS, NAME, TRAINING, make_run


def value(made, model, metric, parameter=None, seed=0):
    table = polars.read_parquet(made.run.metrics)
    found = table.filter(model=model, metric=metric, seed=seed).filter(polars.col("parameter").eq_missing(parameter))
    (one,) = found["value"].to_list()
    return one


def test_predictions_have_a_row_for_each_test_sample_and_no_label(waves):
    table = polars.read_parquet(waves.run.trial(waves.of("rnn_classifier").id).predictions)
    assert table.columns == [
        "run_trial", "model", "split", "seed", "part", "sample", "answer", "vote", "logits",
    ]  # fmt: skip
    logits = np.array(table["logits"].to_list(), np.float32)
    assert logits.shape == (30, 3, 3)
    np.testing.assert_array_equal(table["answer"], logits[:, 0].argmax(axis=-1))


def test_scores_are_those_of_the_logits_against_labels_that_no_trial_saw(waves):
    labels = answers_of(waves.split).labels
    logits = read_logits(waves.run.trial(waves.of("rnn_classifier").id).predictions)
    for step, parameter in ((0, None), (1, "step 2"), (2, "step 3")):
        right = (logits[:, step].argmax(axis=-1) == labels).mean()
        assert value(waves, "rnn_classifier", "accuracy", parameter) == pytest.approx(right)
    assert value(waves, "rnn_classifier", "accuracy") > 0.8
    assert value(waves, "majority_class", "accuracy") == pytest.approx(1 / 3)
    assert value(waves, "majority_class", "cross-entropy") == pytest.approx(np.log(3), rel=1e-5)
    assert value(waves, "majority_class", "entropy of wrong answers") == pytest.approx(np.log(3), rel=1e-5)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_logits_that_are_no_numbers_are_no_answers(waves, tmp_path, monkeypatch, value):
    trial = waves.of("rnn_classifier")
    logits = read_logits(waves.run.trial(trial.id).predictions).copy()
    logits[3, 0, 1] = value
    with pytest.raises(BadInput, match="expected finite logits"):
        write_logits(str(tmp_path / "predictions.parquet"), trial, logits, logits[:, 0].argmax(axis=-1))
    assert not list(tmp_path.iterdir())
    # As earlier versions wrote them.
    monkeypatch.setattr("raysp.kinds.labelled_sequences.score.read_logits", lambda path: logits)
    with pytest.raises(BadInput, match="expected finite logits"):
        kinds.of(waves.split.kind).score(trial, waves.split, answers_of(waves.split), waves.run.trial(trial.id))


def test_accuracy_of_the_validation_part_is_measured_over_epochs(waves):
    trial = waves.of("rnn_classifier")
    curve = polars.read_parquet(waves.run.trial(trial.id).curve)
    assert curve["validation accuracy"].is_between(0, 1).all()
    assert curve["unseen_loss"].to_list() == pytest.approx(curve["validation_loss"].to_list(), rel=1e-4)
    floor = polars.read_parquet(waves.run.trial(waves.of("majority_class").id).curve)
    assert floor["unseen_loss"].to_list() == pytest.approx([np.log(3)], rel=1e-5)


def test_what_is_trained_anew_takes_the_validation_part_too(waves):
    done = waves.run.trial(waves.of("gfr_network").id).read_done()
    assert done["selected_on"] == "validation part, then trained on it too"
    assert files.exists(waves.run.trial(waves.of("gfr_network").id).checkpoint_of("refit"))


def test_the_terminal_and_the_comparison_have_means_over_seeds(waves):
    shown = lines(waves.run, "val", waves.root, Terminal(500))
    said = [line.split()[0] for line in shown if line[:2] == "  " and line[2] != " "]
    assert said == ["majority_class", "rnn_classifier", "gfr_network"]
    rows = read_comparison(waves.run, polars.col("metric") == "accuracy", polars.col("parameter").is_null())
    means = rows.filter(comparison="mean")
    assert means["count"].to_list() == [2, 2, 2]
    assert means["role"].to_list() == ["floor", "model", "model"]
    difference = rows.filter(comparison="difference", model="rnn_classifier")
    assert difference["against"].to_list() == ["majority_class"]
    assert difference["mean"][0] > 0
    assert all("below" not in one for one in remarks_of(waves.run, "val", waves.root))


def test_test_samples_change_no_weight_and_no_selection(tmp_path, waves):
    again = make_run(tmp_path, seeds=(0,))
    root = str(tmp_path / "other")
    split = dataclasses.replace(again.split, test=again.split.test[::-1] + 1)
    store.save(split, dataclasses.replace(answers_of(split), labels=answers_of(split).labels[::-1].copy()), root, {})
    trials = make_plan(Experiment("other", MODELS[1:2], splits=(NAME,), training=TRAINING), [NAME], root).trials
    run_trial(trials[0], Setting(str(tmp_path / "runs" / "other"), root))
    curves = [
        polars.read_parquet(run.trial(trial.id).curve).drop("seconds")
        for run, trial in (
            (again.run, again.of("rnn_classifier")), (RunFolder(str(tmp_path / "runs" / "other")), trials[0]),
        )
    ]  # fmt: skip
    assert_frame_equal(*curves, check_exact=True)


@pytest.mark.parametrize("choice", MODELS[1:], ids=lambda one: one.name)
def test_a_trial_that_is_stopped_goes_on_to_the_same_numbers(tmp_path, waves, choice):
    whole = waves.of(choice.shown)
    setting, stops = Setting(str(tmp_path / "run"), waves.root), iter([True, True, False])
    with pytest.raises(Interrupted):
        run_trial(whole, setting, keep_going=lambda: next(stops))
    run_trial(whole, setting)
    one, other = (run.trial(whole.id) for run in (waves.run, RunFolder(setting.run)))
    np.testing.assert_array_equal(read_logits(one.predictions), read_logits(other.predictions))


def test_a_fitted_model_comes_back_and_says_the_same_in_a_notebook(waves):
    trial = waves.of("gfr_network")
    job, fitted, split = fitted_again(trial, Setting(waves.run.path, waves.root))
    found = kinds.of("labelled_sequences").predicted(job, fitted, split)
    np.testing.assert_array_equal(found, read_logits(waves.run.trial(trial.id).predictions))
    few = kinds.of("labelled_sequences").predicted(job, fitted, split.test[:3])
    np.testing.assert_allclose(few, found[:3], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("experiment", "says"),
    [
        (
            {"training": Training(validate_on="eval"), "models": MODELS[:2]},
            "test labels select nothing: expected training.validate_on 'train'",
        ),
        ({"units": "first 2"}, "labelled sequences have no units; expected 'all', got 'first 2'"),
        ({"models": (ModelChoice("rnn_classifier", {"trained_readouts": 6}),)}, "trained_readouts expected at most"),
    ],
)
def test_what_means_nothing_here_is_refused_at_planning(waves, experiment, says):
    whole = {"models": MODELS, "splits": (NAME,), **experiment}
    with pytest.raises(BadInput, match=says):
        make_plan(Experiment("one", **whole), [NAME], waves.root)


def test_predictions_of_other_samples_are_refused(tmp_path, waves):
    trial = waves.of("rnn_classifier")
    other = made_up(samples=27, name=NAME)
    with pytest.raises(BadInput, match=r"expected \(27, 3\) samples and classes, got \(30, 3, 3\)"):
        kinds.of("labelled_sequences").score(trial, other, answers_of(other), waves.run.trial(trial.id))


def test_a_trials_code_is_all_that_fits_and_predicts_and_no_format():
    there = set(code_hash.of_model("gfr_network"))
    room = "raysp/kinds/labelled_sequences"
    assert {f"{room}/learner.py", f"{room}/predict.py", "raysp/models/gfr_network/fused.py"} <= there
    assert not {f"{room}/logits_file.py", f"{room}/score.py", "raysp/models/snn_leaky.py"} & there
