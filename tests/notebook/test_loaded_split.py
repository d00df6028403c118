"""Data at hand: of arrays, of files, of what is prepared."""

import numpy as np
import pytest

import raysp
from raysp.data.splits import store
from raysp.errors import BadInput, NotReady
from tests.data.nlb_files import prepared

VAL = "standin-mc_maze_small-20ms-val"


@pytest.fixture(scope="module")
def root(standin_root):
    prepared(standin_root, "mc_maze_small-20ms-*")
    return standin_root


@pytest.fixture(scope="module")
def arrays():
    rng = np.random.default_rng(0)
    return {
        "counts": rng.poisson(0.4, (24, 20, 8)),
        "rates": rng.gamma(1.0, 20.0, (24, 20, 8)),
        "behavior": rng.standard_normal((24, 20, 2)),
        "conditions": np.arange(24) % 3,
    }


SETTINGS = {"bin_ms": 10, "rate_scale": 0.01, "forward_ms": 50, "seed": 3}


def test_arrays_in_memory_are_cut_as_those_of_a_file(arrays, tmp_path):
    path = tmp_path / "session 7.npz"
    np.savez(path, **arrays)
    names = {name: name for name in ("counts", "rates", "behavior")} | {"conditions": ("conditions",)}
    others = {name: array for name, array in arrays.items() if name != "counts"}
    memory, file = raysp.load_split(arrays["counts"], **others, **SETTINGS), raysp.load_split(path, **names, **SETTINGS)
    assert (memory.name, file.name) == ("counts", "session_7")
    assert memory.sizes.forward == 5
    for one, other in ((memory.split, file.split), (memory.answers, file.answers)):
        assert one.arrays().keys() == other.arrays().keys()
        for name, array in one.arrays().items():
            np.testing.assert_array_equal(array, other.arrays()[name])


def test_arrays_are_whatever_numpy_takes_for_one(arrays):
    listed = raysp.load_split(arrays["counts"].tolist(), bin_ms=10)
    np.testing.assert_array_equal(listed.train.heldin, raysp.load_split(arrays["counts"], bin_ms=10).train.heldin)
    two = raysp.load_split(
        arrays["counts"], bin_ms=10, conditions=np.column_stack([arrays["conditions"], np.arange(24) // 12])
    )
    assert set(two.train.condition.tolist()) <= set(range(6))


def test_lists_masks_and_numpys_numbers_are_taken_for_what_they_say(arrays):
    split = raysp.load_split(
        np.ma.masked_array(arrays["counts"], mask=np.ones((24, 1, 8)) * (np.arange(20) > 16)[:, None]),
        bin_ms=np.float32(10),
        conditions=["left", "", "right"] * 8,
        train_index=range(16),
        seed=np.int64(3),
    )
    assert (len(split.train), split.sizes.bin_ms) == (16, 10.0)
    np.testing.assert_array_equal(np.isnan(split.train.heldin).all(axis=(0, 2)), np.arange(20) > 16)
    assert split.train.condition.tolist()[:3] == [0, -1, 1]
    other = raysp.load_split(arrays["counts"], eval_counts=arrays["counts"][:3], bin_ms=10)
    assert (len(other.train), len(other.eval)) == (24, 3)


def test_an_nwb_file_is_read_by_its_ending_and_a_stand_in_says_so(root):
    path = f"{root}/000140/sub-Jenkins/sub-Jenkins_ses-small_desc-train_behavior+ecephys.nwb"
    split = raysp.load_split(path, align="move_onset_time", window_ms=(-250, 450), bin_ms=10, name="mine")
    assert (split.name, split.sizes.bins, split.kind) == ("standin-mine", 70, "population")
    assert split.train.heldin.shape[1:] == (70, split.sizes.heldin)
    assert split.answers.trials.heldout.shape == (len(split.eval), 70, split.sizes.heldout)


def test_a_prepared_split_is_read_by_its_name(root):
    split = raysp.load_split("mc_maze_small-20ms-val", root=root)
    assert split.name == VAL
    assert split.split.fingerprint() == store.header(root, VAL).fingerprint
    assert split.answers.trials.heldout is not None
    assert repr(split).startswith(f"{VAL} (population; train ")
    assert {"train", "eval", "answers", "sizes", "notes"} <= set(dir(split))


def test_a_test_phase_comes_without_its_answers(root):
    assert store.has_its_answers(root, "standin-mc_maze_small-20ms-test")
    assert raysp.load_split("mc_maze_small-20ms-test", root=root).answers is None


def test_a_source_that_generates_needs_no_file():
    split = raysp.load_split(source="lorenz_ndt", conditions=3, trials_per_condition=5, ms=200, units=6)
    assert (split.kind, split.sizes.bins) == ("population", 10)


@pytest.mark.parametrize(
    ("data", "settings", "says"),
    [
        ([[1, 2], [3]], {"bin_ms": 10}, "counts expected an array of numbers"),
        (np.ones((4, 5)), {"bin_ms": 10}, r"expected counts of shape \(trials, bins, units\), got \(4, 5\)"),
        (np.ones((8, 5, 4)), {}, "needs the setting 'bin_ms'"),
        (np.ones((8, 5, 4)), {"bin_ms": 10, "conditions": ["side"]}, r"one condition per trial, \(8,\), got \(1,\)"),
        (np.ones((8, 5, 4)), {"bin_ms": 10, "train_index": "first"}, "train_index expected a list of trials"),
        (np.ones((8, 5, 4)), {"bin_ms": 10, "velocity": np.ones(8)}, "unknown array of counts 'velocity'"),
        (np.ones((8, 5, 4)), {"bin_ms": 10, "heldout_fractoin": 0.5}, "did you mean 'heldout_fraction'"),
        ("session.xyz", {"bin_ms": 10}, "unknown split 'session.xyz'"),
        ("lab/session.xyz", {}, r"expected a file that ends in .*\.nwb.*; name the source that reads it"),
        ("lab/session.nwb", {"bin_ms": 10, "align": "go", "window_ms": (0, 100)}, "recording session: lab/session.nwb"),
        ("mc_maze_small-20ms-vel", {}, "did you mean 'mc_maze_small-20ms-val'"),
        ("x.npz", {"source": "chaotic_rnn"}, "source chaotic_rnn reads no file"),
    ],
)
def test_what_cannot_be_loaded_is_refused_in_one_sentence(root, data, settings, says):
    if isinstance(data, str) and "bin_ms" in settings and data == "session.xyz":
        settings = {}
    with pytest.raises(BadInput, match=says):
        raysp.load_split(data, root=root, **settings)


def test_a_split_that_is_not_prepared_or_given_settings_says_what_to_do(root):
    with pytest.raises(NotReady, match=r"is not prepared .* raysp data prepare standin-mc_rtt-20ms-val"):
        raysp.load_split("mc_rtt-20ms-val", root=root)
    with pytest.raises(BadInput, match="is cut already: expected no settings, got bin_ms"):
        raysp.load_split("mc_maze_small-20ms-val", root=root, bin_ms=5)


@pytest.mark.parametrize(
    ("name", "settings", "source"),
    [
        ("x.mat", {"spikes": "spk", "per_second": 1000}, "matlab_spikes"),
        ("x.npz", {"time": "t", "unit": "u"}, "spike_tables"),
    ],
)
def test_settings_of_another_source_name_it(name, settings, source):
    with pytest.raises(BadInput, match=rf"source population, .*; give the one that has it: source=.*'{source}'"):
        raysp.load_split(name, **settings, window_ms=(0, 500), bin_ms=10)
