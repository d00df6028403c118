import dataclasses
import os

import h5py
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import gaussian_filter1d
from sklearn.linear_model import PoissonRegressor

from raysp.data.fetch.verified import is_standin
from raysp.data.formats import hdf5, nwb, nwb_series
from raysp.data.nlb import reference as nlb_reference
from raysp.data.nlb import tensors as nlb_tensors
from raysp.data.nlb import truth as nlb_truth
from raysp.data.nlb.recording import read_recording
from raysp.data.nlb.sets import SETS, STANDIN_MARK, parse
from raysp.data.standin import nlb as nlb_standin
from raysp.data.standin.files import train_contents
from raysp.data.standin.nlb import write_standin
from raysp.data.standin.nwb import write_nwb
from raysp.data.standin.population import PEAK_HZ
from raysp.data.standin.session import size_of
from raysp.errors import BadInput
from raysp.evaluation.bits_per_spike import bits_per_spike
from raysp.io import files
from tests.data import nlb_files

ALL = tuple(SETS)
TINY = "mc_maze_small"


@pytest.fixture(scope="module")
def built(standin_root):
    """Each recording's 20-ms splits and their answers, (val, test)."""
    return {name: list(nlb_files.built(standin_root, f"{name}-20ms-val", f"{name}-20ms-test")) for name in ALL}


def written(root):
    return sorted(os.path.join(folder, name) for folder, _, names in os.walk(root) for name in names)


def recordings(root, name):
    return SETS[name].train_path(root), SETS[name].test_path(root)


def test_all_seven_fit_a_small_disk(standin_root):
    kept = [path for path in written(standin_root) if not os.path.basename(path).startswith(".")]
    assert sum(os.path.getsize(path) for path in kept if "prepared" not in path) < 100e6
    assert all(os.path.exists(path) for name in ALL for path in recordings(standin_root, name))


def test_every_file_says_that_it_was_generated(standin_root):
    for name in ALL:
        for path in recordings(standin_root, name):
            with hdf5.opened(path) as file:
                assert nwb.identifier(file).startswith(STANDIN_MARK)
                assert "Generated" in str(file.array("session_description").text())
    for path in (f"{standin_root}/eval_data_test.h5", *(nlb_truth.truth_path(standin_root, name) for name in ALL)):
        with h5py.File(path) as file:
            assert file.attrs["standin"]
        assert is_standin(path)


def test_no_unit_fires_more_than_neurons_do(standin_root):
    for name in ALL:
        with h5py.File(nlb_truth.truth_path(standin_root, name)) as file:
            log_rates = file["latents_train"][:] @ file["readout"][:] + file["bias"][:]
        assert 1000 * np.exp(log_rates.max()) < PEAK_HZ * 1.01


def test_the_standard_reader_finds_nothing_wrong(standin_root):
    pynwb = pytest.importorskip("pynwb")
    for path in recordings(standin_root, TINY):
        assert pynwb.validate(path=path) == []


def test_same_seed_same_bytes_another_seed_others(standin_root, tmp_path):
    for seed in (0, 1):
        write_standin(str(tmp_path / str(seed)), seed=seed, datasets=[TINY])
    for path in (*recordings("", TINY), nlb_truth.truth_path("", TINY)):
        same = files.sha256(f"{standin_root}/{path}")
        assert files.sha256(f"{tmp_path}/0/{path}") == same
        assert files.sha256(f"{tmp_path}/1/{path}") != same


def test_a_recording_written_later_leaves_the_others_answers(tmp_path):
    root = str(tmp_path)
    write_standin(root, datasets=["mc_maze_medium"])
    with h5py.File(f"{root}/eval_data_test.h5") as file:
        before = file["mc_maze_medium/psth"][()]
    said = []
    write_standin(root, datasets=[TINY], report=said.append)
    assert len(said) == 1
    assert TINY in said[0]
    with h5py.File(f"{root}/eval_data_test.h5") as file:
        assert set(file) == {f"{name}{suffix}" for name in ("mc_maze_medium", TINY) for suffix in ("", "_20")}
        assert_array_equal(file["mc_maze_medium/psth"][()], before)


@pytest.mark.parametrize("which", ["train", "test", "answers", "truth"])
def test_files_that_are_no_standins_are_left_alone(tmp_path, which):
    root = str(tmp_path)
    train, test = recordings(root, TINY)
    other = {"train": train, "test": test, "answers": f"{root}/eval_data_test.h5"}
    path = other.get(which, nlb_truth.truth_path(root, TINY))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with h5py.File(path, "w") as file:
        file["identifier"] = "measured"
    before = files.sha256(path)
    with pytest.raises(BadInput, match="is not a stand-in and will not be overwritten"):
        write_standin(root, datasets=[TINY])
    assert written(root) == [path]
    assert files.sha256(path) == before


def test_a_failure_half_way_leaves_what_was_there(tmp_path, monkeypatch):
    root = str(tmp_path)
    write_standin(root, datasets=[TINY])
    before = {path: files.sha256(path) for path in written(root)}

    def full(path, made):
        raise OSError("no space left")

    monkeypatch.setattr("raysp.data.standin.files._write_truth", full)
    with pytest.raises(OSError, match="no space"):
        write_standin(root, seed=1, datasets=[TINY])
    assert {path: files.sha256(path) for path in written(root)} == before


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"size": "smal"}, "unknown size 'smal': did you mean 'small'"),
        ({"datasets": ["mc_mase"]}, "did you mean 'mc_maze'"),
        ({"seed": -1}, "a seed of 0 or more, got -1"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_written(tmp_path, wrong, problem):
    with pytest.raises(BadInput, match=problem):
        write_standin(str(tmp_path), **wrong)
    assert written(tmp_path) == []


def test_maze_test_files_are_laid_out_as_the_real_one(standin_root):
    with hdf5.opened(SETS["mc_maze"].test_path(standin_root)) as file:
        trials, units = nwb.trials(file), nwb.units(file)
    assert_allclose(trials["start_time"], 0.8 * np.arange(len(trials["id"])))
    assert_allclose(trials["stop_time"] - trials["start_time"], 0.7)
    assert_allclose(trials["move_onset_time"] - trials["start_time"], 0.25)
    assert set(trials) == {"id", "start_time", "stop_time", "move_onset_time", "split"}
    assert not units.heldout.any()
    assert_allclose(units.observed(0), np.column_stack([trials["start_time"], trials["stop_time"]]))


@pytest.mark.parametrize("name", ALL)
def test_training_files_hide_the_test_trials(standin_root, name):
    recording = read_recording(SETS[name], standin_root)
    assert "test" not in recording.train.trials["split"]
    hidden = ~recording.train.heldin.observed
    assert hidden.any()
    assert not hidden[recording.train.heldin.ms].any()


@pytest.mark.parametrize("name", ALL)
def test_windows_of_the_test_file_are_those_of_the_answers(built, name):
    """Rates known from the truth explain the hidden spikes of both phases; rates 100 ms off explain them worse."""
    for split, targets in built[name]:
        bins, heldin = split.sizes.bins, split.sizes.heldin
        rates, counts = split.eval.rates[:, :bins], targets.trials
        off = np.roll(rates, 5, axis=1)
        assert bits_per_spike(rates[..., heldin:], counts.heldout) > bits_per_spike(off[..., heldin:], counts.heldout)
        expected = split.eval.rates[:, :, heldin:].sum()
        got = np.nansum(counts.heldout) + counts.heldout_forward.sum()
        if np.isnan(counts.heldout).any():
            expected -= rates[..., heldin:][np.isnan(counts.heldout)].sum()
        assert abs(got - expected) < 5 * np.sqrt(expected)


@pytest.mark.parametrize("name", ALL)
def test_forward_bins_are_explained_by_the_truth(built, name):
    for split, targets in built[name]:
        bins, counts = split.sizes.bins, targets.trials
        forward = np.concatenate([counts.heldin_forward, counts.heldout_forward], axis=2)
        other = np.roll(split.eval.rates[:, bins:], 1, axis=0)
        assert bits_per_spike(split.eval.rates[:, bins:], forward) > bits_per_spike(other, forward)


@pytest.mark.parametrize("name", ALL)
def test_answers_know_the_trials_of_the_training_file(built, standin_root, name):
    (val, _), (test, targets) = built[name]
    given = nlb_tensors.train_input(read_recording(SETS[name], standin_root).train, SETS[name], 20, ("train", "val"))
    with h5py.File(f"{standin_root}/eval_data_test.h5") as file:
        answers = {key: array[()] for key, array in file[f"{name}_20"].items()}
    assert_array_equal(answers["train_behavior"], given["train_behavior"].astype(np.float32))
    assert answers["train_behavior"].dtype == np.float32
    if SETS[name].conditions:
        rows = np.sort(np.concatenate(list(answers["train_cond_idx"])))
        assert len(rows) == len(np.unique(rows)) <= len(test.train)
        assert len(val.train) < len(test.train)
        # Trials much shorter than their condition's mean belong to none.
        assert np.isin(targets.trials.condition, range(-1, len(targets.psth))).all()
        assert (targets.trials.condition == -1).mean() < 0.1
    if SETS[name].jitter_ms:
        assert not answers["eval_jitter"].any()
        assert answers["train_jitter"].any()


@pytest.mark.parametrize("name", [TINY, "area2_bump"])
def test_answers_are_those_of_nlb_tools_for_the_whole_session(standin_root, tmp_path, name):
    """With nothing hidden, and the test trials called val, the benchmark's tools find the answers themselves."""
    made = nlb_standin.generate(SETS[name], size_of(SETS[name], "small"), "whole", 0)
    labels = made.content.trials["split"]
    shown = np.select([labels == "test", labels == "val"], ["val", "train"], labels)
    content = dataclasses.replace(made.content, trials={**made.content.trials, "split": shown})
    path = SETS[name].train_path(str(tmp_path))
    os.makedirs(os.path.dirname(path))
    write_nwb(path, "whole", train_contents(dataclasses.replace(made, content=content)))
    _, _, expected = nlb_reference.reference_tensors(SETS[name], str(tmp_path), 20, "val")
    with h5py.File(f"{standin_root}/eval_data_test.h5") as file:
        found = {key: array[()] for key, array in file[f"{name}_20"].items()}
    assert found.keys() == expected.keys()
    for key, array in expected.items():
        if key.endswith("cond_idx"):
            assert [list(one) for one in found[key]] == [list(one) for one in array]
        elif key != "train_behavior":  # as the training file shows it, with gaps
            assert_allclose(found[key], array, rtol=1e-5, atol=1e-5, err_msg=key)


@pytest.mark.parametrize("name", ALL)
def test_held_out_units_can_be_predicted_from_held_in_ones(built, name):
    (split, targets), _ = built[name]
    width = 60 / split.sizes.bin_ms

    def inputs(counts):
        smoothed = np.log(gaussian_filter1d(np.nan_to_num(counts), width, axis=1, mode="nearest") + 0.01)
        return smoothed.reshape(-1, split.sizes.heldin)

    train, chosen = inputs(split.train.heldin), inputs(split.eval.heldin)
    truth = targets.trials.heldout
    counts = split.train.heldout.reshape(-1, split.sizes.heldout)
    predicted = [
        PoissonRegressor(alpha=0.03, max_iter=1000).fit(train, counts[:, unit]).predict(chosen)
        for unit in range(split.sizes.heldout)
    ]
    rates = np.column_stack(predicted).reshape(truth.shape)
    ceiling = bits_per_spike(split.eval.rates[:, : split.sizes.bins, split.sizes.heldin :], truth)
    assert 0.02 < bits_per_spike(rates, truth) < ceiling < 1.5


def test_faster_latents_answer_sooner(built):
    (split, targets), _ = built["dmfc_rsg"]
    behavior = targets.trials.behavior
    known = ~np.isnan(behavior).any(axis=1)
    scored = ~np.isnan(targets.trials.heldout[:, :, 0])
    assert_allclose(scored.sum(axis=1)[known] * 20, np.minimum(behavior[known, -1], 1500), atol=320)
    for column in range(4):
        assert set(behavior[known, column]) == set(split.train.behavior[~np.isnan(split.train.behavior[:, 0]), column])


@pytest.mark.parametrize("name", ["mc_maze", "mc_rtt", "area2_bump"])
def test_velocity_is_a_readout_of_the_latents_at_the_lag(standin_root, name):
    lag = parse(f"{name}-20ms-val")[0].lag_ms
    with h5py.File(nlb_truth.truth_path(standin_root, name)) as file:
        latents = file["latents_train"][()]
    with hdf5.opened(SETS[name].train_path(standin_root)) as file:
        series = nwb_series.series(file, SETS[name].series)
    ms = np.rint(series.times * 1000).astype(int)
    inside = (ms - lag >= 0) & (ms - lag < len(latents))

    def residual(shift):
        states = latents[np.clip(ms[inside] - lag + shift, 0, len(latents) - 1)]
        found, *_ = np.linalg.lstsq(states, series.values[inside], rcond=None)
        return ((series.values[inside] - states @ found) ** 2).sum() / (series.values[inside] ** 2).sum()

    assert residual(0) < 1e-3
    assert residual(0) < residual(-20) / 10
    assert residual(0) < residual(20) / 10
