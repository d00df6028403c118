"""Trials of MATLAB in any order, in any unit of time: found, counted and masked as NumPy does it."""

import numpy as np
import pytest
from scipy.io import savemat

from raysp.config.experiment import Recording
from raysp.data.sources import prepare
from raysp.data.sources.proposal import proposal

RNG = np.random.default_rng(1)
TRIALS, UNITS, BEFORE_MS, BINS, BIN_MS = 40, 5, -600, 60, 40
ORDER = RNG.permutation(TRIALS)
START = (np.arange(TRIALS) * 3 + 0.1)[ORDER]
STOP = START + RNG.uniform(1.0, 2.0, TRIALS).round(3)
GO = START + 0.4
TICKS = [np.unique(RNG.integers(0, 130 * 30000, 800)) for _ in range(UNITS)]
"""Samples at 30 kHz."""


def written(path, per_second, trials):
    times = np.concatenate(TICKS) / 30000 * per_second
    who = np.repeat(np.arange(UNITS) + 1, list(map(len, TICKS)))
    order = np.argsort(times, kind="stable")
    columns = {name: one[:, None] * per_second for name, one in trials.items()}
    given = {"trials": columns} if len(columns) > 2 else columns
    savemat(path, {"spk": np.round(times[order], 9)[:, None], "clu": who[order][:, None], **given})
    return path


@pytest.mark.parametrize("per_second", [1.0, 1000.0, 30000.0])
def test_shuffled_trials_are_found_counted_and_masked(tmp_path, per_second):
    path = written(str(tmp_path / "a.mat"), per_second, {"start": START, "stop": STOP, "go": GO})
    found = proposal(path)
    assert (found.settings["per_second"], found.settings["align"]) == (per_second, "go")
    window = [BEFORE_MS, BEFORE_MS + BINS * BIN_MS]
    given = {"path": path, "window_ms": window, "bin_ms": BIN_MS, "masked_ends": True, "heldout": 0}
    split, answers = prepare.read(Recording("x", found.source, {**found.settings, **given}), "")
    ids = np.concatenate([split.train.ids, answers.trials.ids])
    counts = np.concatenate([split.train.heldin, answers.trials.heldin])
    assert len(ids) == TRIALS
    for row, trial in enumerate(ids):
        # Windows begin on a clock of 1 ms, and spikes lie on it.
        begin = np.floor(round(GO[trial] * 1000, 6)) + BEFORE_MS
        edges = begin + BIN_MS * np.arange(BINS + 1)
        inside = (edges[:-1] >= np.floor(round(START[trial] * 1000, 6))) & (
            edges[1:] <= np.ceil(round(STOP[trial] * 1000, 6))
        )
        for unit, ticks in enumerate(TICKS):
            own = np.histogram(np.floor(np.round(ticks / 30, 6)) + 0.5, edges)[0]
            np.testing.assert_array_equal(counts[row, :, unit], np.where(inside, own, np.nan))


@pytest.mark.parametrize(
    ("trials", "align"), [({"go_cue": GO}, "go_cue"), ({"trial_start": START, "trial_end": STOP}, "trial_start")]
)
def test_vectors_called_as_trials_times_are_found_in_any_order(tmp_path, trials, align):
    assert proposal(written(str(tmp_path / "a.mat"), 1.0, trials)).settings["align"] == align


@pytest.mark.parametrize("name", ["event_id", "onset_amplitude", "goal_angle", "category", "stimulus", "cue"])
def test_values_in_any_order_that_no_name_calls_times_are_no_trials(tmp_path, name):
    assert "align" not in proposal(written(str(tmp_path / "a.mat"), 1.0, {name: GO})).settings


@pytest.mark.parametrize("name", ["stimulus_times", "trialStarts", "cue_s", "stim_on"])
def test_values_in_any_order_that_a_name_calls_times_are_trials(tmp_path, name):
    assert proposal(written(str(tmp_path / "a.mat"), 1.0, {name: GO})).settings.get("align") == name


def test_times_within_trials_are_no_trials_of_a_recording_and_trials_in_any_order_are_told(tmp_path):
    length = STOP - START
    each = [np.sort(RNG.uniform(0, one, 60)) for one in length]
    who, row = np.tile(np.arange(60) % UNITS + 1, TRIALS), np.repeat(ORDER + 1, 60)
    given = {"t": np.concatenate(each), "u": who, "k": row}
    path = str(tmp_path / "a.mat")
    savemat(path, {**{name: one[:, None] for name, one in given.items()}, "info": {"stop": length[:, None]}})
    found = proposal(path).settings
    assert (found["spikes"], found["units"], found["trial"]) == ("t", "u", "k")
    assert "align" not in found
