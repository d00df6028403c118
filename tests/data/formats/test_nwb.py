import os

import h5py
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from raysp.data.formats import hdf5, nwb, nwb_series
from raysp.errors import BadInput

REAL = os.path.join(
    os.path.dirname(__file__),
    "../../../../shared/data/000140/sub-Jenkins/sub-Jenkins_ses-small_desc-test_ecephys.nwb",
)


@pytest.fixture
def path(tmp_path):
    """A file with two units, two trials and two series, as NWB lays them out."""
    found = str(tmp_path / "one.nwb")
    with h5py.File(found, "w") as file:
        file["identifier"] = "one"
        file["units/id"] = [7, 8]
        file["units/spike_times"] = [0.1, 0.2, 0.05]
        file["units/spike_times_index"] = np.array([2, 3], np.uint8)
        file["units/heldout"] = [False, True]
        file["units/obs_intervals"] = [[0.0, 1.0], [0.0, 1.0]]
        file["units/obs_intervals_index"] = [1, 2]
        file["intervals/trials/id"] = [0, 1]
        file["intervals/trials/start_time"] = [0.0, 0.5]
        file["intervals/trials/split"] = ["train", "val"]
        file["intervals/trials/many"] = [1.0, 2.0, 3.0]
        file["intervals/trials/many_index"] = [1, 3]
        file["processing/behavior/hand_vel/data"] = np.arange(6.0).reshape(3, 2)
        file["processing/behavior/hand_vel/timestamps"] = [0.0, 0.001, 0.003]
        file["processing/behavior/hand_vel"].attrs["comments"] = "columns=[x,y]"
        file["processing/behavior/eye/gaze/data"] = np.arange(3.0)
        file["processing/behavior/eye/gaze/starting_time"] = 2.0
        file["processing/behavior/eye/gaze/starting_time"].attrs["rate"] = 100.0
    return found


def changed(path, name, value):
    with h5py.File(path, "a") as file:
        del file[name]
        if value is not None:
            file[name] = value
    return path


def test_units_know_their_spikes_and_stretches(path):
    with hdf5.opened(path) as file:
        units = nwb.units(file)
        assert nwb.identifier(file) == "one"
    assert len(units) == 2
    assert_array_equal(units.spikes(0), [0.1, 0.2])
    assert_array_equal(units.spikes(1), [0.05])
    assert_array_equal(units.observed(1), [[0.0, 1.0]])
    assert_array_equal(units.heldout, [False, True])


def test_trials_are_decoded_and_ragged_columns_left_out(path):
    with hdf5.opened(path) as file:
        trials = nwb.trials(file, ["split"])
    assert set(trials) == {"id", "start_time", "split"}
    assert trials["split"].tolist() == ["train", "val"]


def test_of_several_tables_that_with_the_columns_asked_for_holds_the_trials(path):
    with h5py.File(path, "r+") as file:
        file.move("intervals/trials", "intervals/reaches")
        file.copy("intervals/reaches", "intervals/blocks")
        del file["intervals/blocks/split"]
    with hdf5.opened(path) as file:
        assert nwb.trials(file, ["split"])["split"].tolist() == ["train", "val"]
        with pytest.raises(BadInput, match=r"in none 'spilt'; .* mean 'split'\?; say .*: trials=interva"):
            nwb.trials(file, ["spilt"])


def test_series_have_times_and_channel_names(path):
    with hdf5.opened(path) as file:
        hand, gaze = nwb_series.series(file, "hand_vel"), nwb_series.series(file, "eye_gaze")
    assert hand.channels == ("x", "y")
    assert_array_equal(hand.times, [0.0, 0.001, 0.003])
    assert gaze.channels == ("0000",)
    assert_array_equal(gaze.times, [2.0, 2.01, 2.02])
    assert gaze.values.shape == (3, 1)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(BadInput, match="is not there; check the path"), hdf5.opened(str(tmp_path / "none.nwb")):
        pass


def test_a_cut_off_file_is_refused(path):
    with open(path, "r+b") as file:
        file.truncate(os.path.getsize(path) // 2)
    with pytest.raises(BadInput, match=r"is cut off: \d+ of \d+ bytes are there; fetch it again"), hdf5.opened(path):
        pass


def test_a_file_that_is_not_hdf5_is_refused(tmp_path):
    (tmp_path / "text.nwb").write_text("id,spike")
    with pytest.raises(BadInput, match="is plain text that begins 'id,spike'"), hdf5.opened(str(tmp_path / "text.nwb")):
        pass


def test_a_missing_column_is_answered_with_the_nearest(path):
    with hdf5.opened(path) as file, pytest.raises(BadInput, match=r"'start_tim'.*did you mean 'start_time'"):
        nwb.trials(file, ["start_tim"])


def test_a_missing_series_is_answered_with_the_nearest(path):
    with hdf5.opened(path) as file, pytest.raises(BadInput, match="did you mean 'hand_vel'"):
        nwb_series.series(file, "hand_val")


@pytest.mark.parametrize(
    ("values", "problem"),
    [([0.2, 0.1, 0.05], r"unit 7 expected ascending seconds, got 0.2 before 0.1"), ([0.1, np.nan, 0.05], "got NaN")],
)
def test_spike_times_that_are_no_spike_train_are_refused(path, values, problem):
    with hdf5.opened(changed(path, "units/spike_times", values)) as file, pytest.raises(BadInput, match=problem):
        nwb.units(file)


@pytest.mark.parametrize(
    ("times", "problem"),
    [
        ([0.0, 0.002, 0.001], "expected ascending seconds"),
        ([0.0, 0.0, 0.001], "expected ascending seconds"),
        ([0.0, 0.001], "one time per sample, got 2 for 3"),
    ],
)
def test_samples_out_of_order_are_refused(path, times, problem):
    changed(path, "processing/behavior/hand_vel/timestamps", times)
    with hdf5.opened(path) as file, pytest.raises(BadInput, match=problem):
        nwb_series.series(file, "hand_vel")


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("units", None, "a table 'units'"),
        ("units/spike_times", None, "units with spike times, found none"),
        ("units/spike_times_index", [2, 9], "spike_times_index points to value 9 of spike_times, past its 3 values"),
    ],
)
def test_damaged_units_are_refused(path, name, value, problem):
    with hdf5.opened(changed(path, name, value)) as file, pytest.raises(BadInput, match=problem):
        nwb.units(file)


def test_an_empty_table_of_trials_is_refused(path):
    changed(path, "intervals/trials/id", np.zeros(0, int))
    with hdf5.opened(path) as file, pytest.raises(BadInput, match="found an empty table"):
        nwb.trials(file)


@pytest.mark.real
@pytest.mark.skipif(not os.path.exists(REAL), reason="the real mc_maze_small test file is not in ../shared/data")
def test_the_real_test_file_is_read():
    with hdf5.opened(REAL) as file:
        units, trials = nwb.units(file), nwb.trials(file, ["move_onset_time", "split"])
    assert (len(units), len(units.times), len(trials["id"])) == (107, 32897, 100)
    assert not units.heldout.any()
    assert set(trials["split"]) == {"test"}
