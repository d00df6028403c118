"""Behaviour in MATLAB's structs, cells and matrices is averaged in the bins of the trials it belongs to."""

import numpy as np
import pytest
from scipy.io import savemat

from raysp.config import settings
from raysp.data.sources import matlab_spikes
from raysp.errors import BadInput

RNG = np.random.default_rng(0)
TRIALS, HZ = 12, 250.0
LENGTHS_S = RNG.uniform(0.8, 1.3, TRIALS).round(3)
BEGIN_S = np.arange(TRIALS)[::-1] * 2.0 + 1.0
GO_S = RNG.uniform(0.2, 0.3, TRIALS).round(3)
STAMPS = [np.arange(round(length * HZ)) / HZ for length in LENGTHS_S]
HAND = [np.stack([np.sin(5 * t + k), k + t], axis=1) for k, t in enumerate(STAMPS)]
SPIKES = [[np.sort(RNG.uniform(0, length, 40)) for _ in range(4)] for length in LENGTHS_S]


def cells(values):
    found = np.empty((len(values), 1), object)
    for place, one in enumerate(values):
        found[place, 0] = one
    return found


def structs(**fields):
    found = np.empty((1, TRIALS), [(name, object) for name in fields])
    for name, values in fields.items():
        for trial in range(TRIALS):
            found[0, trial][name] = values[trial]
    return found


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("matlab") / "hand.mat")
    whole = np.concatenate([t + begin for t, begin in zip(STAMPS[::-1], BEGIN_S[::-1], strict=True)])
    trial = structs(
        spikes=[cells([one[:, None] for one in each]) for each in SPIKES],
        absolute=[cells([one[:, None] + at for one in each]) for each, at in zip(SPIKES, BEGIN_S, strict=True)],
        go=list(GO_S), go_absolute=list(GO_S + BEGIN_S), begin=list(BEGIN_S),
        hand=HAND, turned=[one.T for one in HAND],
        x=[one[:, :1] for one in HAND], y=[one[:, 1] for one in HAND],
        stamps=STAMPS, absolute_stamps=[t + at for t, at in zip(STAMPS, BEGIN_S, strict=True)],
        short=[one[1:] for one in HAND], square=[np.eye(3)] * TRIALS,
    )  # fmt: skip
    every = [np.sort(np.concatenate([each[unit] + at for each, at in zip(SPIKES, BEGIN_S, strict=True)]))
             for unit in range(4)]  # fmt: skip
    savemat(path, {
        "trial": trial, "cells": cells(HAND), "times": cells([one[:, None] for one in every]),
        "whole": np.concatenate(HAND[::-1]), "stamps": whole[:, None],
        "few": cells(HAND[:2]), "few_times": cells([one[:, None] for one in STAMPS[:2]]),
    })  # fmt: skip
    return path


def built(path, **given):
    given = {"spikes": "trial.spikes", "trials": "trial", "align": "go", **given}
    given = {"path": path, "window_ms": [-100, 400], "bin_ms": 20, "heldout": 1, **given}
    return matlab_spikes.build(settings.build(matlab_spikes.Config, given, "recording x"), "x")


def expected():
    """Return the mean over each bin of straight lines between samples, (trials, bins, 2), by many points of each."""
    points = GO_S[:, None, None] - 0.1 + 0.02 * np.arange(25)[:, None] + 0.02 * (np.arange(400) + 0.5) / 400
    return np.stack(
        [[np.interp(points[k], STAMPS[k], HAND[k][:, axis]).mean(axis=1) for k in range(TRIALS)] for axis in (0, 1)], 2
    )


RECORDING = {"spikes": "trial.absolute", "start": "begin", "align": "go_absolute"}
LAYOUTS = {
    "matrices at a rate": {"behavior": "trial.hand", "behavior_hz": HZ},
    "turned": {"behavior": "trial.turned", "behavior_hz": HZ},
    "two fields": {"behavior": ["trial.x", "trial.y"], "behavior_hz": HZ},
    "a cell array": {"behavior": "cells", "behavior_hz": HZ},
    "times in the trial": {"behavior": "trial.hand", "behavior_time": "trial.stamps"},
    "the recording's clock, at a rate": {**RECORDING, "behavior": "trial.hand", "behavior_hz": HZ},
    "the recording's times": {**RECORDING, "behavior": "trial.hand", "behavior_time": "trial.absolute_stamps"},
    "spikes of the recording": {**RECORDING, "spikes": "times", "behavior": "trial.hand", "behavior_hz": HZ},
    "all of the recording": {**RECORDING, "spikes": "times", "behavior": "whole", "behavior_time": "stamps"},
}


@pytest.mark.parametrize("given", LAYOUTS.values(), ids=LAYOUTS)
def test_samples_are_averaged_in_the_bins_of_their_trial(path, given):
    split, answers = built(path, **given)
    ids = np.concatenate([split.train.ids, answers.trials.ids])
    found = np.concatenate([split.train.behavior, answers.trials.behavior])[np.argsort(ids)]
    np.testing.assert_allclose(found, expected(), rtol=1e-4, atol=1e-4)
    assert len(split.provenance.behavior) == 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"behavior": "trial.hand"}, "behavior_hz, samples in a second, or behavior_time, .* got neither"),
        ({"behavior_hz": HZ}, "behavior_hz expected behavior"),
        ({"behavior": "trial.hand", "behavior_hz": HZ, "counts_bin_ms": 10}, "got matrices of counts"),
        ({"behavior": "trial.hands", "behavior_hz": HZ}, "did you mean 'hand'"),
        ({"behavior": ["trial.x", "trial.short"], "behavior_hz": HZ}, "as many samples each"),
        ({"behavior": "trial.short", "behavior_time": "trial.stamps"}, "as many samples as trial.stamps has times"),
        ({"behavior": "trial.square", "behavior_hz": HZ}, r"alike in one, got \(3, 3\)"),
        ({"behavior": "trial.spikes", "behavior_hz": HZ}, "expected samples of behaviour, numbers"),
        ({**RECORDING, "behavior": "trial.hand", "behavior_hz": 20.0}, "do trials overlap"),
        ({"behavior": "whole", "behavior_hz": HZ}, "got those of a whole recording: give start"),
        ({"behavior": "whole", "behavior_time": "stamps"}, "got those of a whole recording: give start"),
        ({"behavior": "few", "behavior_time": "few_times"}, "begins of its 2 trials .start., got those of 12"),
    ],
)
def test_what_holds_no_samples_of_the_trials_is_refused(path, given, message):
    with pytest.raises(BadInput, match=message):
        built(path, **given)
