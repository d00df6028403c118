import dataclasses
import errno

import numpy as np
import polars
import pytest

from raysp.config.experiment import Experiment, ModelChoice, Training
from raysp.data.splits import store
from raysp.driver.plan import make_plan
from raysp.errors import BadInput, Interrupted
from raysp.io import files
from raysp.io.words import counted
from raysp.kinds.population import gain, predict, rates_file
from raysp.kinds.population.latents_file import read_latents
from raysp.runs.folder import RunFolder
from raysp.runs.provenance import commit
from raysp.runs.trial_log import Setting
from raysp.training.validation import validation_mask
from raysp.trials import run_trial as one_trial
from raysp.trials.run_trial import run_trial
from tests.data.nlb_files import prepared

VAL = "standin-mc_maze_small-20ms-val"
TRAINING = Training(epochs=4, batch_size=8, measure_every=2)
EXPERIMENT = Experiment(name="x", models=(ModelChoice("sae", {"hidden": 8}),), splits=("*",), training=TRAINING)


@pytest.fixture(scope="module")
def root(standin_root):
    prepared(standin_root, "mc_maze_small-20ms-*")
    return standin_root


@pytest.fixture
def setting(tmp_path, root):
    return Setting(run=str(tmp_path / "run"), root=root)


def plan(root, splits=(VAL,), **changes):
    return make_plan(dataclasses.replace(EXPERIMENT, **changes), list(splits), root).trials


def test_a_trial_leaves_every_file_and_done_says_where_it_came_from(setting, root):
    (trial,) = plan(root)
    notes = []
    result = run_trial(trial, setting, notes.append)
    folder = RunFolder(setting.run).trial(trial.id)
    assert folder.state() == "done"
    names = {"config.yaml", "curve.parquet", "checkpoint.pt", "predictions.parquet", "latents.h5", "metrics.json"}
    assert names | {"log.txt", "done.json"} <= set(files.listing(folder.path))
    assert files.read_json(folder.done) == result
    assert (result["standin"], result["data"], result["epochs"]) == (True, trial.data, 4)
    assert result["selected_on"] == "validation trials of the training part"
    assert result["commit"] == commit()["commit"]
    assert "co-bps" in files.read_json(folder.metrics)["validation"]
    assert polars.read_parquet(folder.curve)["epoch"].to_list() == [1, 2, 3, 4]
    assert [note["epoch"] for note in notes if "epoch" in note] == [1, 2, 3, 4]


def test_a_finished_trial_is_left_as_it_is_and_a_seed_gives_the_same_numbers_anywhere(setting, root, tmp_path):
    (trial,) = plan(root)
    first = run_trial(trial, setting)
    assert run_trial(trial, setting) == first
    other = dataclasses.replace(setting, run=str(tmp_path / "other"))
    run_trial(trial, other)
    mine, theirs = (
        rates_file.read_rates(RunFolder(s.run).trial(trial.id).predictions, "eval")[0] for s in (setting, other)
    )
    np.testing.assert_array_equal(mine, theirs)


def test_a_stopped_trial_goes_on_where_it_was(setting, root):
    (trial,) = plan(root)
    with pytest.raises(Interrupted):
        run_trial(trial, setting, keep_going=lambda: False)
    folder = RunFolder(setting.run).trial(trial.id)
    assert folder.state() == "started"
    notes = []
    run_trial(trial, setting, notes.append)
    assert [note["epoch"] for note in notes if "epoch" in note] == [2, 3, 4]


def test_a_full_disk_is_not_the_trials_failure_and_the_next_try_finishes_it(setting, root, monkeypatch):
    (trial,) = plan(root)

    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(predict, "write_predictions", full)
        with pytest.raises(OSError, match="No space"):
            run_trial(trial, setting)
    folder = RunFolder(setting.run).trial(trial.id)
    assert folder.state() == "started"
    assert not files.exists(folder.error)
    run_trial(trial, setting)
    assert folder.state() == "done"


def test_data_that_changed_since_the_plan_are_refused(setting, root):
    (trial,) = plan(root)
    with pytest.raises(BadInput, match="is no longer what"):
        run_trial(dataclasses.replace(trial, data="0" * 64), setting)


def test_a_follower_trains_on_all_trials_for_the_epochs_that_val_selected(setting, root):
    val, test = plan(root, [VAL, VAL.replace("val", "test")])
    with pytest.raises(Exception, match="is not finished"):
        run_trial(test, setting)
    before = run_trial(val, setting)
    after = run_trial(test, setting)
    assert after["epochs"] == after["best_epoch"] == before["best_epoch"]
    assert after["learning_rates"] == before["learning_rates"]
    assert after["selected_on"] == "the validation-phase trial it follows"


def test_a_cell_subset_predicts_its_cells_alone(setting, root):
    units = (0, 2, 3, 15)
    (trial,) = plan(root, units=units)
    run_trial(trial, setting)
    rates, _ = rates_file.read_rates(RunFolder(setting.run).trial(trial.id).predictions, "eval")
    assert rates.shape[2] == len(units)


def test_selecting_on_eval_opens_the_answers_and_says_so(setting, root, monkeypatch):
    opened = []
    monkeypatch.setattr(store, "load_answers", lambda *args, load=store.load_answers: opened.append(1) or load(*args))
    (trial,) = plan(root)
    run_trial(trial, setting)
    assert not opened
    (trial,) = plan(root, training=dataclasses.replace(TRAINING, validate_on="eval"))
    assert run_trial(trial, setting)["selected_on"] == "evaluation trials"
    assert opened


def test_the_log_keeps_earlier_attempts(setting, root):
    (trial,) = plan(root)
    with pytest.raises(Interrupted):
        run_trial(trial, setting, keep_going=lambda: False)
    run_trial(trial, setting)
    text = files.read_text(RunFolder(setting.run).trial(trial.id).log)
    assert "stopped; the checkpoint holds the state" in text
    assert text.count("24 training, 6 validation and 12 evaluation trials") == 2
    assert one_trial.Setting(setting.run, setting.root).device == "auto"


def test_a_refit_keeps_what_was_selected_and_predicts_from_all_training_trials(setting, root):
    (plain,) = plan(root)
    (trial,) = plan(root, training=dataclasses.replace(TRAINING, refit=True))
    selected, result = run_trial(plain, setting), run_trial(trial, setting)
    assert result["best_epoch"] == selected["best_epoch"]
    assert result["validation_loss"] == selected["validation_loss"]
    assert result["selected_on"].endswith("then trained on all of it")
    run = RunFolder(setting.run)
    one, other = (read_latents(run.trial(t.id).latents) for t in (plain, trial))
    assert not np.array_equal(one, other)


def test_the_log_says_what_validates_and_where_epochs_come_from(setting, root):
    val, test = plan(root, [VAL, VAL.replace("val", "test")])
    for trial in (val, test):
        run_trial(trial, setting)
    split = store.load(root, VAL)
    aside = int(validation_mask(split.train, val.training).sum())
    logs = [files.read_text(RunFolder(setting.run).trial(trial.id).log) for trial in (val, test)]
    assert f"{len(split.train) - aside} training, {aside} validation and {len(split.eval)} evaluation trials" in logs[0]
    best = files.read_json(RunFolder(setting.run).trial(val.id).done)["best_epoch"]
    assert f"{counted(best, 'epoch')} on all training trials, as many as were best in {val.id}" in logs[1]
    assert [word for word in (" none", "validation and", "inf") if word in logs[1]] == []


def test_a_network_that_is_fitted_anew_keeps_the_rates_that_it_would_have_had_otherwise(setting, root, monkeypatch):
    # So short a training is not believed: each would be the mean rate.
    monkeypatch.setattr(gain, "chosen_weights", lambda *_: {})
    training = dataclasses.replace(TRAINING, refit=True, measure_every=0)
    (trial,) = plan(root, training=training)
    run_trial(trial, setting)
    (other,) = plan(root, training=dataclasses.replace(training, refit=False))
    run_trial(other, setting)
    folder, alone = (RunFolder(setting.run).trial(one.id) for one in (trial, other))
    aside = validation_mask(store.load(root, VAL).train, training)
    before, _ = rates_file.read_rates(folder.judged, rates_file.VALIDATION)
    np.testing.assert_allclose(before, rates_file.read_rates(alone.predictions, "train")[0][aside], rtol=1e-4)
    assert not np.allclose(before, rates_file.read_rates(folder.predictions, "train")[0][aside])
    assert not files.exists(alone.judged)


def test_what_fits_itself_keeps_rates_that_know_nothing_of_the_validation_trials_answers(setting, root, tmp_path):
    (trial,) = plan(root, models=(ModelChoice("smoothing"),))
    run_trial(trial, setting)
    split = store.load(root, VAL)
    aside = validation_mask(split.train, Training())
    split.train.heldout[aside] = split.train.heldout[aside].max() - split.train.heldout[aside]
    other = Setting(run=str(tmp_path / "other"), root=str(tmp_path / "data"))
    store.save(split, None, other.root, {"made": "up"})
    changed = dataclasses.replace(trial, data=store.header(other.root, VAL).fingerprint)
    run_trial(changed, other)
    folders = RunFolder(setting.run).trial(trial.id), RunFolder(other.run).trial(changed.id)
    before, after = (rates_file.read_rates(one.judged, rates_file.VALIDATION)[0] for one in folders)
    np.testing.assert_array_equal(after, before)
    assert len(before) == aside.sum()
    mine, theirs = (rates_file.read_rates(one.predictions, "train")[0] for one in folders)
    assert not np.allclose(mine, theirs)
