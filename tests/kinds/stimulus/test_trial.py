"""A trial of a stand-in retina from its data to its done.json."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars
import pytest

from raysp.config.experiment import Experiment, ModelChoice, Recording, Training, Trial
from raysp.data.sources import prepare
from raysp.data.splits import store
from raysp.data.standin.retina import write_retina
from raysp.driver.plan import make_plan
from raysp.errors import BadInput, Interrupted
from raysp.io import files
from raysp.kinds.stimulus import predict as stimulus_predict
from raysp.kinds.stimulus.spike_trains_file import read_spike_trains
from raysp.runs.folder import RunFolder
from raysp.runs.trial_log import Setting
from raysp.trials.run_trial import run_trial

SMALL = {"input_bins": 96, "channels": 8, "halvings": 3, "middle": 1, "train_stride": 150, "validation_stride": 100}
DISTANCE = {**SMALL, "output_bins": 96, "past": 16, "lookahead": 60, "clamp": 60, "output_channels": 4}
TRAINING = Training(
    epochs=2, batch_size=32, learning_rate=2e-3, weight_decay=0.3, schedule="one_cycle", measure_every=0
)
EXPERIMENT = Experiment(
    name="tiny",
    recordings=(Recording("retina", "retina", {"path": "{root}/retina"}),),
    models=(
        ModelChoice("no_spikes", {"input_bins": 96}),
        ModelChoice("distance_unet", DISTANCE),
        ModelChoice("poisson_counts", {**SMALL, "interval": 40}, label="poisson_40"),
        ModelChoice("perfect_counts", {"interval": 40, "input_bins": 96}, label="perfect_40"),
        ModelChoice("perfect_distance", DISTANCE),
    ),
    training=TRAINING,
    floor="no_spikes",
    ceiling="perfect_distance",
)
DECODINGS = {
    "no_spikes": ["none"],
    "distance_unet": ["nearest", "log-nearest", "matched", "careful"],
    "poisson_40": ["round", "floor", "sample", "matched", "careful"],
    "perfect_40": ["true count"],
    "perfect_distance": ["nearest"],
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> tuple[str, str]:
    """A data root, and the name of the recording in it."""
    root = str(tmp_path_factory.mktemp("data"))
    write_retina(f"{root}/retina", seconds=20, units=2)
    return root, *prepare.prepare(EXPERIMENT.recordings, root)


@pytest.fixture
def setting(prepared, tmp_path) -> Setting:
    return Setting(run=str(tmp_path / "run"), root=prepared[0], device="cpu")


def planned(prepared, label: str, **changes) -> Trial:
    root, name = prepared
    found = make_plan(dataclasses.replace(EXPERIMENT, **changes), [name], root).trials
    (trial,) = [trial for trial in found if trial.shown == label]
    return trial


def trains_of(setting, trial):
    return read_spike_trains(RunFolder(setting.run).trial(trial.id).predictions)


@pytest.mark.parametrize("label", list(DECODINGS))
def test_a_trial_leaves_every_file_and_predicts_the_test_part_of_every_unit(setting, prepared, label):
    trial, notes = planned(prepared, label), []
    result = run_trial(trial, setting, notes.append)
    folder, split = RunFolder(setting.run).trial(trial.id), store.load(*prepared)
    assert folder.state() == "done"
    expected = {"config.yaml", "curve.parquet", "predictions.parquet", "metrics.json", "log.txt", "done.json"}
    learned = trial.training is not None
    assert set(files.listing(folder.path)) == expected | ({"checkpoint.pt", "kernels.parquet"} if learned else set())
    assert files.read_json(folder.done) == result
    if result["validation_loss"] is not None:
        assert result["validation_loss"] == result["validation"]["validation_loss"]
        assert result["units_best_validation_loss"] <= result["validation_loss"]
    assert (result["standin"], result["data"], result["epochs"]) == (True, trial.data, 2 if learned else 0)
    assert result["selected_on"] == ("validation part, each unit by itself" if learned else "nothing")
    assert [note["phase"] for note in notes if "phase" in note] == ["calibrating", "predicting"]
    assert polars.read_parquet(folder.curve)["epoch"].to_list() == ([1, 2] if learned else [])
    measured = files.read_json(folder.metrics)
    assert list(measured["units"]) == (["10", "13"] if learned else [])
    assert sorted(measured["boosts"]) == (["careful", "matched"] if learned else [])
    assert all(list(boosts) == ["10", "13"] for boosts in measured["boosts"].values())
    trains = trains_of(setting, trial)
    assert [(t.unit, t.decoding) for t in trains] == [(c, name) for c in (10, 13) for name in DECODINGS[label]]
    ((start, end),) = split.parts["test"]
    for train in trains:
        assert (train.first_bin, train.first_bin + len(train.predicted)) == (start + 96, end)
        recorded = split.spikes[start + 96 : end, split.units.tolist().index(train.unit)]
        np.testing.assert_array_equal(train.recorded, recorded)
        assert train.bin_ms == split.sizes.bin_ms
        # The decodings of one model are told once.
        assert (train.output is None) == (train.decoding != DECODINGS[label][0])


def test_outputs_are_distances_in_bins_and_expected_counts(setting, prepared):
    for label, width, low in (("perfect_distance", 96, 0.25), ("poisson_40", 1, 0.0), ("perfect_40", 1, 0.0)):
        trial = planned(prepared, label)
        run_trial(trial, setting)
        train = trains_of(setting, trial)[0]
        assert train.output.shape == (-(-len(train.predicted) // train.step), width)
        assert train.output.min() >= low - 1e-6
    assert train.output.sum() >= train.recorded.sum() > 0


def test_the_same_trial_twice_gives_the_same_predictions(setting, prepared, tmp_path):
    trial = planned(prepared, "poisson_40")
    first = run_trial(trial, setting)
    assert run_trial(trial, setting) == first
    other = dataclasses.replace(setting, run=str(tmp_path / "other"))
    run_trial(trial, other)
    for one, two in zip(trains_of(setting, trial), trains_of(other, trial), strict=True):
        np.testing.assert_array_equal(one.predicted, two.predicted)
        if one.output is not None:
            np.testing.assert_array_equal(one.output, two.output)


def test_a_trial_of_some_units_predicts_these_alone(setting, prepared):
    trial = planned(prepared, "distance_unet", units="13")
    run_trial(trial, setting)
    assert {train.unit for train in trains_of(setting, trial)} == {13}


def test_stopped_while_training_it_goes_on_where_it_was(setting, prepared):
    trial, notes = planned(prepared, "distance_unet"), []
    with pytest.raises(Interrupted, match="stopped after epoch 1"):
        run_trial(trial, setting, keep_going=lambda: False)
    assert RunFolder(setting.run).trial(trial.id).state() == "started"
    run_trial(trial, setting, notes.append)
    assert [note["epoch"] for note in notes if "epoch" in note] == [2]


@pytest.mark.parametrize("label", ["distance_unet", "perfect_40"])
def test_stopped_while_predicting_it_is_predicted_anew_without_training_again(
    setting, prepared, tmp_path, monkeypatch, label
):
    trial, asked = planned(prepared, label), []
    with monkeypatch.context() as patch:
        patch.setattr(stimulus_predict._Clock.__init__, "__defaults__", (0.0,))
        predicting = []
        with pytest.raises(Interrupted, match="stopped while predicting"):
            run_trial(
                trial,
                setting,
                lambda note: predicting.append(note.get("phase") == "predicting"),
                keep_going=lambda: not any(predicting) or asked.append(1) or len(asked) < 3,
            )
    assert len(asked) == 3
    folder = RunFolder(setting.run).trial(trial.id)
    assert folder.state() == "started"
    assert not files.exists(folder.predictions)
    notes = []
    run_trial(trial, setting, notes.append)
    assert not [note for note in notes if "epoch" in note]
    unbroken = dataclasses.replace(setting, run=str(tmp_path / "unbroken"))
    run_trial(trial, unbroken)
    for one, two in zip(trains_of(setting, trial), trains_of(unbroken, trial), strict=True):
        np.testing.assert_array_equal(one.predicted, two.predicted)
        np.testing.assert_array_equal(one.output, two.output)


@pytest.mark.parametrize(
    ("settings", "training", "message"),
    [
        ({"interval": 4000}, {}, "a window needs 4096 bins.*take shorter windows or a longer recording"),
        ({}, {"validate_on": "eval"}, "expected training.validate_on 'train', got 'eval'"),
        ({}, {"schedule": "plateau"}, "got 'plateau'"),
    ],
)
def test_what_the_recording_cannot_be_trained_with_is_refused_when_planned(prepared, settings, training, message):
    choice = ModelChoice("poisson_counts", {**SMALL, **settings}, training)
    with pytest.raises(BadInput, match=message):
        planned(prepared, "poisson_counts", models=(choice,))
