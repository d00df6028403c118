import os

import h5py
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from raysp.data.nlb import tensors as nlb_tensors
from raysp.data.nlb.answers import answers_dict, answers_path
from raysp.data.nlb.recording import read_recording
from raysp.data.nlb.sets import SETS, SPLITS, group_name, split_name
from raysp.data.sources import nlb
from raysp.errors import BadInput, NotReady
from tests.data.nlb_files import HELDIN, HELDOUT, built, write_recording
from tests.data.nlb_parity import assert_same

NAMES = ("mc_maze", "mc_rtt", "area2_bump", "dmfc_rsg")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    found = str(tmp_path_factory.mktemp("nlb"))
    for name in NAMES:
        write_recording(SETS[name], found, seed=3)
    return found


def write_answers(root, name, bin_ms, *, standin=True, change=lambda tensors: None):
    """Write made-up answers of the test phase with the right shapes, as nlb_tools stores them."""
    set_, recording = SETS[name], read_recording(SETS[name], root)
    tensors = nlb_tensors.eval_target(recording.train, set_, bin_ms, ("train", "val"), ("train",))
    count = len(recording.test.rows(("test",)))
    ragged = nlb_tensors.ragged([rows[rows < count] for rows in tensors.pop("eval_cond_idx")])
    tensors = {key: array[:count] if key.startswith("eval") else array for key, array in tensors.items()}
    tensors["eval_cond_idx"] = ragged
    change(tensors)
    with h5py.File(answers_path(root), "a") as file:
        file.attrs["standin"] = standin
        group = file.require_group(group_name(name, bin_ms))
        for key, array in tensors.items():
            if key in group:
                del group[key]
            if array.dtype == object:
                group.create_dataset(key, data=array, dtype=h5py.vlen_dtype(np.int32))
            else:
                group[key] = array.astype({"f": "f4", "i": "i4"}.get(array.dtype.kind, array.dtype))


def test_there_are_28_names():
    assert tuple(nlb.RECORDINGS) == SPLITS


def test_a_config_refuses_what_is_no_split():
    with pytest.raises(BadInput, match="unknown NLB split 'mc_rtt-10ms-val'"):
        nlb.Config("data", "mc_rtt", 10)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bin_ms", [5, 20])
def test_answers_become_targets_and_the_benchmarks_dictionary_again(root, name, bin_ms):
    split, targets = next(built(root, split_name(name, bin_ms, "val")))
    session = read_recording(SETS[name], root).train
    expected = {group_name(name, bin_ms): nlb_tensors.eval_target(session, SETS[name], bin_ms)}
    assert_same(answers_dict(targets, split.train), expected)


@pytest.mark.parametrize("name", NAMES)
def test_a_split_holds_the_tensors_and_hides_the_answers(root, name):
    split, targets = next(built(root, split_name(name, 5, "val")))
    sizes = split.sizes
    assert split.name == f"standin-{name}-05ms-val"
    assert (sizes.dataset, sizes.bins, sizes.forward) == (f"standin-{name}", SETS[name].bins(5), 40)
    assert (sizes.heldin, sizes.heldout) == (HELDIN, HELDOUT)
    assert split.provenance.standin
    assert split.provenance.start_ms == SETS[name].window_ms[0]
    assert [len(sha) for _, sha in split.provenance.recordings] == [64, 64]
    assert set(split.eval.arrays()) == {"heldin", "ids"}
    assert split.train.heldin.dtype == np.float32
    assert len(targets.trials) == len(split.eval)
    session = read_recording(SETS[name], root).train
    assert_array_equal(split.eval.ids, session.trials["id"][session.rows(("val",))])
    assert_array_equal(split.units, session.units)
    given = nlb_tensors.train_input(session, SETS[name], 5)
    assert_array_equal(split.train.heldout_forward, given["train_spikes_heldout_forward"])
    assert_array_equal(split.train.behavior, given["train_behavior"])


def test_conditions_are_those_of_the_psth(root):
    split, targets = next(built(root, split_name("mc_maze", 5, "val")))
    assert set(split.train.condition) <= set(range(-1, len(targets.psth)))
    session = read_recording(SETS["mc_maze"], root).train
    rows = session.rows(("train",))
    kinds = np.column_stack([session.trials["trial_type"][rows], session.trials["trial_version"][rows]])
    for condition in range(len(targets.psth)):
        assert len(np.unique(kinds[split.train.condition == condition], axis=0)) == 1


def test_several_splits_come_from_one_reading(root, monkeypatch):
    reads = []
    read = nlb.read_recording
    monkeypatch.setattr(nlb, "read_recording", lambda *given: reads.append(given) or read(*given))
    names = [name for name in SPLITS if name.startswith("mc_maze-")]
    assert [split.name for split, _ in built(root, *names)] == [f"standin-{name}" for name in names]
    assert len(reads) == 1


def test_the_reference_gives_the_same_split(root):
    fast, slow = (next(built(root, "area2_bump-20ms-val", reference=one)) for one in (False, True))
    assert slow[0].provenance.builder == "nlb_tools-0.0.4"
    for one, other in ((fast[0].train, slow[0].train), (fast[0].eval, slow[0].eval), (fast[1].trials, slow[1].trials)):
        assert one.arrays().keys() == other.arrays().keys()
        for name, array in one.arrays().items():
            np.testing.assert_allclose(array, other.arrays()[name], atol=1e-12, err_msg=name)


class TestTestPhase:
    @pytest.fixture
    def own(self, tmp_path):
        write_recording(SETS["area2_bump"], str(tmp_path))
        return str(tmp_path)

    def test_without_answers_there_are_no_targets(self, own):
        split, targets = next(built(own, split_name("area2_bump", 5, "test")))
        assert targets is None
        assert (len(split.train), len(split.eval)) == (20, 6)
        assert split.train.condition.max() >= 0

    @pytest.mark.parametrize("bin_ms", [5, 20])
    def test_answers_are_read(self, own, bin_ms):
        write_answers(own, "area2_bump", bin_ms)
        split, targets = next(built(own, split_name("area2_bump", bin_ms, "test")))
        assert targets.trials.heldout.shape == (6, 600 // bin_ms, HELDOUT)
        assert targets.trials.decode_mask.shape == (6, 2)
        (found,) = answers_dict(targets, split.train).values()
        with h5py.File(answers_path(own)) as file:
            stored = file[group_name("area2_bump", bin_ms)]
            assert found.keys() == set(stored)
            assert_array_equal(found["eval_spikes_heldout"], stored["eval_spikes_heldout"])
            assert_array_equal(found["train_cond_idx"][1], stored["train_cond_idx"][1])
            assert_array_equal(found["psth"], stored["psth"])

    def test_answers_of_another_recording_are_refused(self, own):
        write_answers(own, "area2_bump", 5, change=lambda found: found.update(eval_behavior=found["psth"]))
        with pytest.raises(BadInput, match=r"area2_bump/eval_behavior expected shape \(6, 120, 2\)"):
            next(built(own, split_name("area2_bump", 5, "test")))

    def test_conditions_of_another_recording_are_refused(self, own):
        write_answers(own, "area2_bump", 5, change=lambda found: found.update(eval_cond_idx=found["train_cond_idx"]))
        with pytest.raises(BadInput, match=r"conditions expected trials 0 to 5, got \d+; the answers are of another"):
            next(built(own, split_name("area2_bump", 5, "test")))

    @pytest.mark.parametrize("standin", [False, [False, False], ""])
    def test_real_answers_of_a_generated_recording_are_refused(self, own, standin):
        write_answers(own, "area2_bump", 5, standin=standin)
        with pytest.raises(BadInput, match="the recording is generated, these answers are real"):
            next(built(own, split_name("area2_bump", 5, "test")))

    def test_answers_without_the_group_are_refused(self, own):
        write_answers(own, "area2_bump", 5)
        with pytest.raises(BadInput, match="expected a group 'area2_bump_20', found area2_bump"):
            next(built(own, split_name("area2_bump", 20, "test")))

    def test_a_missing_test_file_says_what_to_type(self, own):
        os.remove(SETS["area2_bump"].test_path(own))
        with pytest.raises(NotReady, match=r"no test file at .*; run: raysp data fetch area2_bump"):
            next(built(own, split_name("area2_bump", 5, "test")))

    def test_one_split_that_is_refused_does_not_stop_the_others(self, own):
        os.remove(SETS["area2_bump"].test_path(own))
        found = built(own, "area2_bump-05ms-test", "area2_bump-20ms-val", "area2_bump-20ms-test")
        assert next(found)[0].name == "standin-area2_bump-20ms-val"
        with pytest.raises(BadInput, match=r"2 were refused:\n  area2_bump-05ms-test: no test file"):
            next(found)


@pytest.mark.parametrize(
    ("name", "array", "problem"),
    [
        ("eval_cond_idx", np.float64(1), "expected a list of trials for each condition"),
        ("eval_cond_idx", np.array([b"a"]), "expected a list of trials for each condition, got text"),
        ("train_cond_idx", np.array([[0, -1]]), "conditions expected trials 0 to 19, got -1"),
        ("eval_behavior", "abc", "expected numbers, got text"),
        ("eval_spikes_heldout", np.ones(3, complex), "expected numbers, got complex numbers"),
    ],
)
def test_answers_of_another_kind_are_refused(tmp_path, name, array, problem):
    root = str(tmp_path)
    write_recording(SETS["area2_bump"], root, seed=3)
    write_answers(root, "area2_bump", 20)
    with h5py.File(answers_path(root), "a") as file:
        del file[f"area2_bump_20/{name}"]
        file[f"area2_bump_20/{name}"] = array
    with pytest.raises(BadInput, match=problem):
        list(built(root, "area2_bump-20ms-test"))


@pytest.mark.parametrize(
    ("column", "values", "problem"),
    [
        ("split", np.arange(24.0), "trial column 'split' expected text, got float64"),
        ("move_onset_time", [b"0.5"] * 24, "trial column 'move_onset_time' expected numbers, got text"),
        ("start_time", np.full(24, np.inf), "trial column 'start_time' expected finite numbers, or NaN, got inf"),
        ("stop_time", np.full(24, 1e17), r"trial column 'stop_time' expected finite numbers, or NaN, got 1e\+17"),
    ],
)
def test_trial_columns_of_another_kind_are_refused(tmp_path, column, values, problem):
    root = str(tmp_path)
    write_recording(SETS["mc_maze"], root, seed=3)
    with h5py.File(SETS["mc_maze"].train_path(root), "a") as file:
        del file[f"intervals/trials/{column}"]
        file[f"intervals/trials/{column}"] = values
    with pytest.raises(BadInput, match=problem):
        read_recording(SETS["mc_maze"], root)


@pytest.mark.parametrize("factor", [30000, 1e6])
def test_spikes_in_another_unit_of_time_are_refused(tmp_path, factor):
    root = str(tmp_path)
    write_recording(SETS["mc_rtt"], root, seed=3)
    with h5py.File(SETS["mc_rtt"].train_path(root), "a") as file:
        file["units/spike_times"][...] = file["units/spike_times"][()] * factor + 50 * factor
    with pytest.raises(BadInput, match=r"none of \d+ spikes lies in obs_intervals; spikes lie from"):
        read_recording(SETS["mc_rtt"], root)


def test_what_is_doubtful_about_a_file_is_noted(tmp_path):
    root = str(tmp_path)
    write_recording(SETS["mc_rtt"], root, seed=3)
    ((split, _),) = built(root, "mc_rtt-20ms-val")
    assert split.provenance.notes == ()
    with h5py.File(SETS["mc_rtt"].train_path(root), "a") as file:
        ends = file["units/spike_times_index"][()]
        file["units/spike_times_index"][-1] = ends[-1] - 3
    ((split, _),) = built(root, "mc_rtt-20ms-val")
    assert "3 of" in split.provenance.notes[0]
    assert "spike times belong to no unit" in split.provenance.notes[0]
