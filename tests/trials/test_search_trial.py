import dataclasses

import numpy as np
import pytest

from raysp.config.experiment import Training, Trial
from raysp.errors import BadInput, Interrupted
from raysp.io import files
from raysp.models import sae
from raysp.runs.curve import read_curve
from raysp.runs.folder import RunFolder
from raysp.runs.trial_log import Setting
from raysp.search.outcome import outcome
from raysp.trials.limits import Limits
from raysp.trials.search_trial import Rungs, search_trial
from tests.training.made_up import made_up_split


@pytest.fixture
def part():
    return made_up_split().training()


@pytest.fixture
def trial():
    settings = {"hidden": 8, "encoder_hidden": 8}
    return Trial("sae", settings, Training(epochs=12, batch_size=4, measure_every=0), "made_up", "0" * 64)


def run(folder, trial, part, rungs=None, limits=None):
    made_by = {"commit": "c", "code": "d"}
    return search_trial(trial, part, Setting(str(folder), ""), rungs=rungs, made_by=made_by, limits=limits)


def test_a_trial_of_a_sweep_predicts_nothing_and_keeps_no_weights(tmp_path, trial, part):
    done = run(tmp_path, trial, part)
    folder = RunFolder(str(tmp_path)).trial(trial.id)
    assert sorted(files.listing(folder.path)) == [
        "config.yaml",
        "curve.parquet",
        "done.json",
        "log.txt",
        "metrics.json",
    ]
    found = outcome(folder)
    assert (found.state, done["stopped_at"], done["commit"], done["code"]) == ("done", None, "c", "d")
    assert found.values["validation_loss"] == min(row["validation_loss"] for row in read_curve(folder.curve))
    assert "co-bps" in found.values
    assert run(tmp_path, trial, part) == done


def test_rungs_are_written_before_they_are_told_and_end_the_trial_where_the_driver_says(tmp_path, trial, part):
    folder, seen = RunFolder(str(tmp_path)).trial(trial.id), []

    def reached(epoch, value):
        seen.append((epoch, value, files.read_json(folder.rungs)[str(epoch)]))
        if epoch == 6:
            files.write_json(folder.stop, {"epoch": 6})

    done = run(tmp_path, trial, part, Rungs((2, 6, 10), "validation_loss", reached))
    assert [epoch for epoch, _, _ in seen] == [2, 6]
    assert all(message == written for _, message, written in seen)
    assert (done["stopped_at"], done["epochs"]) == (6, 6)
    assert outcome(folder).state == "stopped"
    losses = [row["validation_loss"] for row in read_curve(folder.curve)]
    assert seen[1][1] == min(losses)


def test_a_stopped_trial_equals_the_same_trial_trained_so_far(tmp_path, trial, part):
    whole = run(tmp_path / "whole", trial, part)
    files.write_json(RunFolder(str(tmp_path / "cut")).trial(trial.id).stop, {"epoch": 5})
    cut = run(tmp_path / "cut", trial, part)
    assert cut["epochs"] == 5
    curves = [read_curve(RunFolder(str(tmp_path / name)).trial(trial.id).curve) for name in ("whole", "cut")]
    assert [row["train_loss"] for row in curves[0][:5]] == [row["train_loss"] for row in curves[1]]
    assert whole["epochs"] == 12


def test_another_objective_is_measured_at_the_rungs(tmp_path, trial, part):
    seen = []
    run(tmp_path, trial, part, Rungs((3, 9), "co-bps", lambda epoch, value: seen.append((epoch, value))))
    curve = {row["epoch"]: row for row in read_curve(RunFolder(str(tmp_path)).trial(trial.id).curve)}
    assert seen == [(epoch, curve[epoch]["co-bps"]) for epoch in (3, 9)]


def test_a_cell_subset_is_taken_from_the_shared_part(tmp_path, trial, part):
    done = run(tmp_path, dataclasses.replace(trial, units=(0, 1)), part)
    assert done["validation"]["validation_loss"] > 0
    assert "co-bps" not in done["validation"]


def test_arrays_that_cannot_be_written_to_are_enough(tmp_path, trial, part):
    for array in part.train.arrays().values():
        array.setflags(write=False)
    before = part.train.heldin.copy()
    run(tmp_path, trial, part)
    np.testing.assert_array_equal(part.train.heldin, before)


def test_an_error_is_on_record(tmp_path, trial, part):
    wrong = dataclasses.replace(trial, hyperparameters={"hidden": 0})
    with pytest.raises(BadInput, match="hidden expected at least 1"):
        run(tmp_path, wrong, part)
    found = outcome(RunFolder(str(tmp_path)).trial(wrong.id))
    assert (found.state, "hidden expected at least 1" in found.error) == ("failed", True)


def test_a_trial_out_of_time_ends_with_what_it_has_and_one_that_the_moment_stops_goes_on(tmp_path, trial, part):
    whole = run(tmp_path / "whole", trial, part)
    cut = run(tmp_path / "cut", trial, part, limits=Limits(seconds=0.0))
    assert (cut["epochs"], cut["out_of_time"]) == (1, True)
    assert outcome(RunFolder(str(tmp_path / "cut")).trial(trial.id)).state == "done"
    with pytest.raises(Interrupted):
        run(tmp_path / "later", trial, part, limits=Limits(until=0.0))
    assert outcome(RunFolder(str(tmp_path / "later")).trial(trial.id)).state == "waiting"
    later = run(tmp_path / "later", trial, part)
    assert later["validation"] == whole["validation"]
    assert "out_of_time" not in later


def test_a_model_that_fits_itself_fails_when_its_time_is_over(tmp_path, part):
    alone = Trial("reduced_rank", {}, None, "made_up", "0" * 64)
    with pytest.raises(BadInput, match="more than the 0 s"):
        run(tmp_path, alone, part, limits=Limits(seconds=0.0))
    assert outcome(RunFolder(str(tmp_path)).trial(alone.id)).state == "failed"


def test_a_model_that_leaves_out_forward_bins_is_not_compared_by_a_loss_of_them(tmp_path, trial, part, monkeypatch):
    whole = sae.Model.predict
    left_out = lambda model, batch: dataclasses.replace(whole(model, batch), rates_forward=None)  # noqa: E731
    monkeypatch.setattr(sae.Model, "predict", left_out)
    with pytest.raises(BadInput, match="predicts no forward bins of made_up, which unseen_loss is of, too"):
        run(tmp_path / "unseen", trial, part, Rungs(objective="unseen_loss"))
    assert "co-bps" in run(tmp_path / "own", trial, part, Rungs(objective="co-bps"))["validation"]
    monkeypatch.setattr(sae.Model, "predict", whole)
    assert "unseen_loss" in run(tmp_path / "all", trial, part, Rungs(objective="unseen_loss"))["validation"]


def test_a_validation_trial_of_which_nothing_hidden_is_known_has_no_loss_of_its_own(tmp_path, part):
    train = part.train
    hidden = {
        name: getattr(train, name).astype(np.float32) for name in ("heldout", "heldin_forward", "heldout_forward")
    }
    for counts in hidden.values():
        counts[0] = np.nan
    validation = np.arange(len(train)) % 4 == 0
    part = dataclasses.replace(part, train=dataclasses.replace(train, validation=validation, **hidden))
    trial = Trial("mean_rate", {}, None, "made_up", "0" * 64)
    run(tmp_path, trial, part)
    (loss, entries), *others = RunFolder(str(tmp_path)).trial(trial.id).read_metrics()["each_unseen"]
    assert (loss, entries) == (None, 0)
    assert all(np.isfinite(one) and known > 0 for one, known in others)
