import numpy as np
import pytest

from raysp.data.sources import sampled, spike_tables
from raysp.errors import BadInput


def test_of_a_long_recording_some_windows_are_cut_evenly_spread_and_said():
    rng = np.random.default_rng(0)
    table = {"time": np.sort(rng.uniform(0, 500, 20_000)), "unit": rng.integers(0, 4, 20_000)}
    given = {"window_ms": [0, 1000], "bin_ms": 100, "gap_ms": 0, "heldout": 0}
    whole, _ = spike_tables.build_tables({"path": table}, given, "x")
    with sampled.at_most(40 * 120):
        split, answers = spike_tables.build_tables({"path": table}, given, "x")

    ids = np.sort(np.concatenate([split.train.ids, answers.trials.ids]))
    assert len(ids) == 120
    assert set(np.diff(ids)) == {4, 5}
    assert ids[-1] - ids[0] > 490
    assert any("looked at 120 of 499 windows" in note for note in split.provenance.notes)
    assert not any("looked at" in note for note in whole.provenance.notes)
    for one in (0, 50):
        row = np.flatnonzero(whole.train.ids == split.train.ids[one])
        if len(row):
            np.testing.assert_array_equal(split.train.heldin[one], whole.train.heldin[row[0]])


def test_never_so_few_that_nothing_tells_of_drift():
    with sampled.at_most(10):
        assert [sampled.fewer(windows, 1000) for windows in (20, 5000)] == [20, 100]
    assert sampled.fewer(5000, 1000) == 5000


@pytest.mark.parametrize("trials", [False, True])
def test_of_some_windows_as_large_a_part_is_evaluated_as_of_all(trials):
    rng = np.random.default_rng(0)
    tables = {"path": {"time": np.sort(rng.uniform(0, 500, 20_000)), "unit": rng.integers(0, 4, 20_000)}}
    tables |= {"trials": {"start": np.arange(1.0, 499.0)}} if trials else {}
    given = {"window_ms": [0, 1000], "bin_ms": 100, "heldout": 0} | ({"align": "start"} if trials else {"gap_ms": 0})
    with sampled.at_most(40 * 120):
        _, answers = spike_tables.build_tables(tables, {**given, "eval_trials": 200}, "x")
        assert len(answers.trials) == pytest.approx(200 * 120 / 498, abs=1)
        with pytest.raises(BadInput, match="hides all of them"):
            spike_tables.build_tables(tables, {**given, "eval_trials": 600}, "x")
    _, answers = spike_tables.build_tables(tables, {**given, "eval_trials": 200}, "x")
    assert len(answers.trials) == 200
