import dataclasses
import functools
import os

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from raysp.data.nlb import recording as nlb_recording
from raysp.data.nlb import reference as nlb_reference
from raysp.data.nlb import tensors as nlb_tensors
from raysp.data.nlb.sets import BIN_WIDTHS_MS, PHASES, SETS, SPLITS, parse
from raysp.errors import BadInput
from tests.data.nlb_files import write_recording
from tests.data.nlb_parity import assert_same, ours

REAL = os.path.join(os.path.dirname(__file__), "../../../../shared/data")
AWKWARD = ("mc_maze", "mc_maze_small", "mc_rtt", "area2_bump", "dmfc_rsg")


@functools.cache
def read(name, root):
    return nlb_recording.read_recording(SETS[name], root)


@pytest.fixture(autouse=True, scope="module")
def one_process():
    """Let nlb_tools smooth without a pool of processes: starting one costs more than these recordings take."""
    nlb_reference.repaired_tools()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nlb_tools.nwb_interface._poolmap", lambda function, columns: list(map(function, columns)))
        yield


@pytest.fixture(scope="module")
def awkward(tmp_path_factory):
    """A root with small recordings full of gaps, times off the clock and shuffled identifiers."""
    root = str(tmp_path_factory.mktemp("awkward"))
    for seed, name in enumerate(AWKWARD):
        write_recording(SETS[name], root, seed=seed)
    return root


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("bin_ms", BIN_WIDTHS_MS)
@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_recordings_give_the_tensors_of_nlb_tools(awkward, name, bin_ms, phase):
    expected = nlb_reference.reference_tensors(SETS[name], awkward, bin_ms, phase)
    for mine, theirs in zip(ours(read(name, awkward), bin_ms, phase), expected, strict=True):
        assert (mine is None) == (theirs is None)
        if mine is not None:
            assert_same(mine, theirs)


# The awkward recordings have both widths, and all that generated ones have.
FINE = [pytest.param(split, marks=pytest.mark.slow) if "-05ms-" in split else split for split in SPLITS]


@pytest.mark.parametrize("split", FINE)
def test_generated_recordings_give_the_tensors_of_nlb_tools(standin_root, split):
    nlb, bin_ms, phase = parse(split)
    expected = nlb_reference.reference_tensors(nlb, standin_root, bin_ms, phase)
    for mine, theirs in zip(ours(read(nlb.name, standin_root), bin_ms, phase), expected, strict=True):
        assert (mine is None) == (theirs is None)
        if mine is not None:
            assert_same(mine, theirs)


@pytest.mark.real
@pytest.mark.parametrize("bin_ms", BIN_WIDTHS_MS)
def test_the_real_test_file_gives_the_tensor_of_nlb_tools(bin_ms):
    nlb = SETS["mc_maze_small"]
    if not os.path.exists(nlb.test_path(REAL)):
        pytest.skip("the real mc_maze_small test file is not in ../shared/data")
    session = nlb_recording.read_session(nlb, nlb.test_path(REAL), test=True)
    counts = nlb_tensors.eval_input(session, nlb, bin_ms, ("test",))["eval_spikes_heldin"]
    assert counts.shape == (100, 700 // bin_ms, 107)
    assert counts.sum(dtype=np.int64) == 32897
    assert counts.max() == {5: 2, 20: 4}[bin_ms]
    with nlb_reference.quiet():
        dataset = nlb_reference.load(nlb, REAL, bin_ms)
        tools = nlb_reference.repaired_tools()
        theirs = tools.make_eval_input_tensors(dataset, nlb.name, "test", save_file=False)
    assert_same({"eval_spikes_heldin": counts}, theirs)


def test_jitter_is_bounded_by_the_produced_time_and_drawn_once_per_trial(awkward):
    nlb, session = SETS["dmfc_rsg"], read("dmfc_rsg", awkward).train
    rows = session.rows(("train",))
    jitter = nlb_tensors.jitter_bins(session, nlb, rows, 5)
    assert (jitter >= 0).all()
    assert (jitter * 5 <= np.clip(1500 - session.trials["tp"][rows], 0, 300)).all()
    # The stream begins anew for each set of trials: the first trials of a longer set have the same jitter.
    assert_array_equal(nlb_tensors.jitter_bins(session, nlb, rows[:5], 5), jitter[:5])
    assert jitter.any()


def test_answers_are_scored_between_set_and_go_only(awkward):
    nlb, session = SETS["dmfc_rsg"], read("dmfc_rsg", awkward).train
    rows = session.rows(("val",))
    scored = ~np.isnan(nlb_tensors.eval_target(session, nlb, 5)["eval_spikes_heldout"][:, :, 0])
    lengths = (session.trials["go_time"] - session.trials["set_time"])[rows] * 200
    assert (np.abs(scored.sum(axis=1) - lengths) <= 1).all()
    jitter = nlb_tensors.jitter_bins(session, nlb, rows, 5)
    last = scored.shape[1] - 1 - scored[:, ::-1].argmax(axis=1)
    assert_array_equal(last, 299 - jitter)


def changed(session, column, row, value):
    trials = {name: values.copy() for name, values in session.trials.items()}
    trials[column][row] = value
    return dataclasses.replace(session, trials=trials)


def test_a_missing_align_time_is_refused(awkward):
    session = changed(read("mc_maze", awkward).train, "move_onset_time", 0, np.nan)
    with pytest.raises(BadInput, match="1 of 15 trials, first trial 0: expected a time in move_onset_time, got NaN"):
        nlb_tensors.train_input(session, SETS["mc_maze"], 5)


def test_overlapping_windows_are_refused_where_the_benchmark_allows_none(awkward):
    session = read("mc_maze", awkward).train
    session = changed(session, "move_onset_time", 0, session.trials["move_onset_time"][1] - 0.1)
    with pytest.raises(BadInput, match="expected 140 bins of 5 ms before the next trial's begin, got 20"):
        nlb_tensors.train_input(session, SETS["mc_maze"], 5)


def test_a_window_outside_the_observed_stretches_is_refused(awkward):
    session = read("mc_rtt", awkward).train
    session = changed(session, "start_time", 1, -0.3)
    with pytest.raises(BadInput, match="reach outside obs_intervals"):
        nlb_tensors.train_input(session, SETS["mc_rtt"], 5)


def test_a_missing_produced_time_is_refused(awkward):
    session = changed(read("dmfc_rsg", awkward).train, "tp", 0, np.nan)
    with pytest.raises(BadInput, match="expected a produced time in tp, got NaN"):
        nlb_tensors.train_input(session, SETS["dmfc_rsg"], 5)


def test_a_missing_begin_of_scoring_is_refused_and_gives_no_psth(awkward):
    session = read("dmfc_rsg", awkward).train
    row = session.rows(("val",))[0]
    session = changed(session, "set_time", row, np.nan)
    with pytest.raises(BadInput, match="expected a time in set_time, got NaN"):
        nlb_tensors.eval_target(session, SETS["dmfc_rsg"], 5)
    trials_of = nlb_tensors.trials_by_condition(session, SETS["dmfc_rsg"], np.array([row, row + 1]), 5)
    assert not any(0 in trials for trials in trials_of)


def test_a_split_without_trials_is_refused(awkward):
    with pytest.raises(BadInput, match="expected trials of split test, found only none, train, val"):
        nlb_tensors.eval_input(read("mc_maze", awkward).train, SETS["mc_maze"], 5, ("test",))


def test_a_test_file_has_no_answers(awkward):
    with pytest.raises(BadInput, match="a test file has no answers"):
        nlb_tensors.eval_target(read("mc_maze", awkward).test, SETS["mc_maze"], 5, ("test",), ("test",))
