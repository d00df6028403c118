import os
import shutil

import h5py
import numpy as np
import pytest

from raysp.data.nlb import recording as nlb_recording
from raysp.data.nlb.recording import read_recording, read_session
from raysp.data.nlb.sets import SETS
from raysp.errors import BadInput, NotReady
from tests.data.nlb_files import HELDIN, HELDOUT, write_recording


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    root = str(tmp_path_factory.mktemp("written"))
    for name in ("mc_maze_small", "dmfc_rsg"):
        write_recording(SETS[name], root)
    return root


@pytest.fixture
def root(written, tmp_path):
    """A copy of the written recordings that a test may change."""
    return shutil.copytree(written, str(tmp_path / "root"))


def change(path, name, value):
    with h5py.File(path, "a") as file:
        kept = dict(file[name].attrs) if name in file else {}
        if name in file:
            del file[name]
        if value is not None:
            file[name] = value
            file[name].attrs.update(kept)


def test_a_recording_has_both_sessions_and_knows_it_was_generated(root):
    recording = read_recording(SETS["mc_maze_small"], root)
    assert recording.standin
    assert (len(recording.train.heldin), len(recording.train.heldout)) == (HELDIN, HELDOUT)
    assert recording.test.heldout is None
    assert recording.test.name.endswith("desc-test_ecephys.nwb")


def test_units_are_in_the_order_of_their_identifiers(root):
    session = read_recording(SETS["mc_maze_small"], root).train
    assert (np.diff(session.units[:HELDIN]) > 0).all()
    assert (np.diff(session.units[HELDIN:]) > 0).all()


def test_a_missing_recording_says_what_to_type(tmp_path):
    with pytest.raises(NotReady, match=r"raysp data fetch mc_rtt --root .* raysp data standin --root"):
        read_recording(SETS["mc_rtt"], str(tmp_path))


def test_a_recording_without_its_test_file_can_be_read(root):
    os.remove(SETS["mc_maze_small"].test_path(root))
    assert read_recording(SETS["mc_maze_small"], root).test is None


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("units/heldout", None, "expected units with a column heldout"),
        ("units/heldout", np.ones(HELDIN + HELDOUT, bool), "all held out"),
        ("units/heldout", np.zeros(HELDIN + HELDOUT, bool), "expected held-out units in a training file"),
        ("units/obs_intervals", None, "expected units with a column obs_intervals"),
        ("intervals/trials/trial_version", None, "'trial_version': did you mean 'trial_type'"),
        ("processing/behavior/hand_vel", None, "unknown time series 'hand_vel'"),
        (
            "identifier",
            "a real recording",
            "expected 107 held-in and 35 held-out units for mc_maze_small, got 4 and 3",
        ),
    ],
)
def test_a_damaged_training_file_is_refused(root, name, value, problem):
    path = SETS["mc_maze_small"].train_path(root)
    if name == "units/obs_intervals":
        change(path, "units/obs_intervals_index", None)
    change(path, name, value)
    with pytest.raises(BadInput, match=problem):
        read_session(SETS["mc_maze_small"], path)


@pytest.mark.parametrize(("found", "test"), [((45, 15), False), ((45, 0), True)])
def test_the_old_dmfc_release_is_named(found, test):
    with pytest.raises(BadInput, match="old DMFC release"):
        nlb_recording._check_units(SETS["dmfc_rsg"], "a.nwb", found, test=test, standin=False)


def test_the_current_dmfc_release_is_taken():
    nlb_recording._check_units(SETS["dmfc_rsg"], "a.nwb", (40, 14), test=False, standin=False)


def test_a_test_file_of_other_units_is_refused(root):
    change(SETS["mc_maze_small"].test_path(root), "units/id", np.arange(HELDIN))
    with pytest.raises(BadInput, match=r"expected the 4 held-in units .* got 4: 0, 1, 2, 3"):
        read_recording(SETS["mc_maze_small"], root)


def test_a_real_file_beside_a_generated_one_is_refused():
    sessions = [nlb_recording.Session("x.nwb", {}, np.zeros(0), None, None, {}, standin) for standin in (True, False)]
    with pytest.raises(BadInput, match="one is a stand-in and one is not"):
        nlb_recording._check_pair(*sessions)


def test_spikes_in_unobserved_stretches_are_left_out(root):
    session = read_recording(SETS["mc_maze_small"], root).train
    observed = session.heldin.observed
    assert 0 < observed.sum() < len(observed)
    assert observed[session.heldin.ms].all()


def test_a_sample_off_the_clock_is_refused(root):
    path = SETS["mc_maze_small"].train_path(root)
    with h5py.File(path, "a") as file:
        file["processing/behavior/hand_vel/timestamps"][1] = 0.00131
    with pytest.raises(BadInput, match=r"\.nwb: hand_vel: expected samples on the 1-ms clock, got one at 0.00131 s"):
        read_session(SETS["mc_maze_small"], path)
