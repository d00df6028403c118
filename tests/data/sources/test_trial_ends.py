"""Trials whose spikes lie trial by trial: what lies outside them was not observed, whatever says where they end."""

import numpy as np
import polars as pl
import pytest
from scipy.io import savemat

from raysp.config import settings
from raysp.data.sources import matlab_spikes, proposal, spike_tables
from raysp.errors import BadInput

RNG = np.random.default_rng(3)
TRIALS, UNITS = 24, 6
LENGTH_S = RNG.uniform(0.8, 1.2, TRIALS).round(2)
GO_S = LENGTH_S - 0.45
START_S = 3.0 + 2.0 * np.arange(TRIALS)
EACH = [[np.sort(RNG.uniform(0, length, 40)) for _ in range(UNITS)] for length in LENGTH_S]


def matlab(tmp_path, zero_s=0.0, per_second=1000.0, cut=(-0.2, 0.4), **given):
    """Build a split of an array of structs whose times count from `zero_s`, and whose window lies around go."""
    found = np.empty((1, TRIALS), [(name, object) for name in dict.fromkeys(("unit", "go", "begin", *given))])
    for trial, zero in enumerate(np.broadcast_to(zero_s, TRIALS)):
        cells = np.empty((UNITS, 1), object)
        cells[:, 0] = [(one + zero)[None] * per_second for one in EACH[trial]]
        columns = {name: (values[trial] + zero * (name not in ("duration", "depth"))) * per_second
                   for name, values in {"go": GO_S, "begin": 0.0 * GO_S, **given}.items()}  # fmt: skip
        for name, value in {"unit": cells, **columns}.items():
            found[0, trial][name] = value
    savemat(path := str(tmp_path / "session.mat"), {"R": found})
    return path, {"spikes": "R.unit", "trials": "R", "align": "go", "window_ms": [1000 * one for one in cut],
                  "bin_ms": 50, "per_second": per_second, "heldout": 0}  # fmt: skip


def built(made, source=matlab_spikes, **more):
    path, given = made
    split, answers = source.build(settings.build(source.Config, {"path": path, **given, **more}, "recording x"), "x")
    ids = np.concatenate([split.train.ids, answers.trials.ids])
    counts = np.concatenate([split.train.heldin, answers.trials.heldin])
    return counts[np.argsort(ids)], "\n".join(split.provenance.notes)


@pytest.mark.parametrize("zero_s", [0.0, START_S], ids=["own clocks", "one clock"])
@pytest.mark.parametrize("name", ["tEnd", "duration", "trial_stop"])
def test_bins_after_a_trials_end_are_missing_wherever_the_file_says_where_it_is(tmp_path, name, zero_s):
    made = matlab(tmp_path, zero_s, cut=(-0.2, 1.0), **{name: LENGTH_S})
    start = {} if np.ndim(zero_s) == 0 else {"start": "begin"}
    counts, notes = built(made, masked_ends=True, **start)
    # 450 ms of each trial follow go.
    assert np.isnan(counts[:, 13:]).all()
    assert not np.isnan(counts[:, :13]).any()
    assert f"trials are taken to end at {name}" in notes
    with pytest.raises(BadInput, match=r"none of 24 windows, 1.2 s long, lies inside its trial.*masked_ends: true"):
        built(made, **start)


def test_of_one_clock_a_trial_without_a_begin_is_left_out_and_moves_no_spike_of_others(tmp_path):
    begin = np.zeros(TRIALS)
    begin[4] = np.nan
    counts, notes = built(matlab(tmp_path, START_S, **{"from": begin}), start="from")
    whole, _ = built(matlab(tmp_path, START_S))
    assert "left out: trial 4 " in notes
    np.testing.assert_array_equal(counts, np.delete(whole, 4, axis=0))
    with pytest.raises(BadInput, match="expected times in from, got NaN in all 24 trials"):
        built(matlab(tmp_path, START_S, **{"from": np.full(TRIALS, np.nan)}), start="from")


def test_windows_that_begin_before_their_trials_are_left_out_unless_spikes_do(tmp_path):
    made = matlab(tmp_path, cut=(-0.5, 0.4), tEnd=LENGTH_S)
    counts, notes = built(made)
    early = int((GO_S < 0.5).sum())
    assert len(counts) == TRIALS - early
    assert f"{early} of 24 windows reach outside their trials" in notes
    assert "masked_ends: true" in notes
    assert len(built(matlab(tmp_path, -0.4, cut=(-0.5, 0.4), tEnd=LENGTH_S))[0]) == TRIALS


def test_an_end_that_nothing_tells_is_asked_for_and_what_is_called_like_one_is_not_taken(tmp_path):
    counts, notes = built(matlab(tmp_path, cut=(-0.2, 1.0), trend=0.3 * LENGTH_S, depth=2 * LENGTH_S))
    assert "in 24 of 24 trials the window holds 5" in notes
    assert "stop: NAME" in notes
    assert not np.isnan(counts).any()
    _, notes = built(matlab(tmp_path))
    assert "were they recorded" not in notes
    assert "taken to end" not in notes


def test_a_look_proposes_the_column_of_ends(tmp_path):
    path, _ = matlab(tmp_path, tEnd=LENGTH_S)
    found = proposal.proposal(path).settings
    # 450 ms of each trial follow go.
    assert (found["stop"], found["align"], found["window_ms"][1]) == ("tEnd", "go", 450)


@pytest.mark.parametrize("columns", [{"start": START_S, "stop": START_S + LENGTH_S}, {"duration": LENGTH_S}, {}])
def test_of_a_table_with_a_trial_for_each_spike_the_table_of_trials_tells(tmp_path, columns):
    rows = [(trial, unit, one) for trial in range(TRIALS) for unit in range(UNITS) for one in EACH[trial][unit]]
    pl.DataFrame(rows, schema=["trial", "unit", "time"], orient="row").write_csv(path := str(tmp_path / "spikes.csv"))
    pl.DataFrame({"trial": range(TRIALS), "go": GO_S, **columns}).write_csv(trials := str(tmp_path / "trials.csv"))
    given = {"trial": "trial", "trials": trials, "align": "go", "window_ms": [-200, 1000], "bin_ms": 50, "heldout": 0}
    counts, notes = built((path, given), spike_tables, masked_ends=True)
    assert np.isnan(counts[:, 13:]).all() == bool(columns)
    assert ("were they recorded? Give trials" in notes) == (not columns)


@pytest.mark.parametrize("per_second", [1.0, 30_000.0, 1e6])
@pytest.mark.parametrize("cut", [(-0.2, 0.4), (0.0, 0.05)])
def test_times_in_another_unit_are_refused(tmp_path, per_second, cut):
    with pytest.raises(BadInput, match=r"per_second|none of 5760 spikes lies in any"):
        built(matlab(tmp_path, cut=cut, tEnd=LENGTH_S), per_second=per_second)


def test_of_times_from_trials_own_begins_the_recordings_begins_and_ends_tell_how_long_they_last(tmp_path):
    counts, notes = built(matlab(tmp_path, cut=(-0.2, 1.0), begin=START_S, tEnd=START_S + LENGTH_S), masked_ends=True)
    assert np.array_equal(np.isnan(counts).any(axis=2), np.isnan(counts).all(axis=2))
    assert np.isnan(counts[:, 13:]).all()
    assert not np.isnan(counts[:, :13]).any()
    assert "trials are taken to end at tEnd" in notes


def test_a_look_tells_trials_times_of_the_recording_in_whatever_order_trials_lie(tmp_path):
    order = np.random.default_rng(0).permutation(TRIALS)
    path, _ = matlab(tmp_path, 2.0 * order + 0.05)
    assert proposal.proposal(path).settings["start"] == "begin"
