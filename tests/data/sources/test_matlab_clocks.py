"""Trials of a MATLAB file whose times are in another unit than its spikes': each is read in its own."""

import numpy as np
import pytest
from numpy.lib.recfunctions import repack_fields
from scipy.io import savemat

from raysp.config.experiment import Recording
from raysp.data.sources import prepare
from raysp.data.sources.proposal import proposal
from raysp.errors import BadInput

RNG = np.random.default_rng(0)
START = np.arange(2.0, 90, 2.5)
GO = START + RNG.uniform(0.3, 0.6, len(START)).round(3)
EACH = [np.sort(RNG.uniform(0, 95, 400 + 150 * unit)).round(4) for unit in range(5)]
CODE = np.arange(len(START)) % 2


def cells(each):
    found = np.empty((len(each), 1), object)
    found[:, 0] = [one[:, None] for one in each]
    return found


def whole(spikes, trials):
    columns = {"start": START[:, None] * trials, "go": GO[:, None] * trials, "side": CODE[:, None] * 1.0}
    return {"spk": cells([np.round(one * spikes, 4) for one in EACH]), "trials": columns}


def trial_by_trial(spikes, trials, absolute):
    each = np.empty((1, len(START)), [("spikes", object), ("start", object), ("go", object), ("side", object)])
    for row, (begin, go) in enumerate(zip(START, GO, strict=True)):
        zero = 0.0 if absolute else begin
        own = [np.round((one[(one >= begin) & (one < begin + 2)] - zero) * spikes, 4) for one in EACH]
        each[0, row] = cells(own), (begin - zero) * trials, round((go - zero) * trials, 4), float(CODE[row])
    return {"trial": each if absolute else repack_fields(each[["spikes", "go", "side"]])}


@pytest.mark.parametrize("units", [(1000, 1), (1, 30000), (30000, 1), (1, 1)])
@pytest.mark.parametrize("layout", ["whole", "from trials' begins", "trial by trial"])
def test_trials_are_read_in_their_own_unit(tmp_path, layout, units):
    path = str(tmp_path / "x.mat")
    savemat(path, whole(*units) if layout == "whole" else trial_by_trial(*units, layout == "trial by trial"))
    found = proposal(path)
    assert (found.settings["align"], found.settings["conditions"]) == ("go", ["side"])
    assert found.settings["per_second"] == units[0]
    assert found.settings.get("trials_per_second", units[0]) == units[1]
    settings = {**found.settings, "path": path, "window_ms": [0, 400], "bin_ms": 20, "heldout": 0}
    split, answers = prepare.read(Recording("x", found.source, settings), "")
    counts = np.concatenate([split.train.heldin, answers.trials.heldin]).sum(axis=(0, 1))
    wanted = [sum(((one >= go - 1e-9) & (one < go + 0.4 - 1e-9)).sum() for go in GO) for one in EACH]
    assert np.abs(counts - wanted).max() <= 1  # a time of 30 kHz rounds to another bin's edge


@pytest.mark.parametrize(("name", "per_second"), [("info", 1000), ("lfp", 1000), ("go", 1000), ("lfp", 1)])
def test_what_is_no_time_of_trials_is_no_trial(tmp_path, name, per_second):
    path, given = str(tmp_path / "x.mat"), whole(per_second, 1)
    values = {"info": np.arange(1.0, 41), "lfp": np.arange(0, 95, 0.01), "go": CODE * 1.0}[name]
    savemat(path, {"spk": given["spk"], name: {"x": values[:, None]}})
    assert "trials" not in proposal(path).settings


def test_go_and_no_go_are_no_times_in_trials(tmp_path):
    given = trial_by_trial(1000, 1, absolute=False)["trial"]
    given["go"] = given["side"]
    savemat(tmp_path / "x.mat", {"trial": given})
    assert "trials_per_second" not in proposal(str(tmp_path / "x.mat")).settings


def test_a_clock_of_trials_needs_trials(tmp_path):
    savemat(tmp_path / "x.mat", {"spk": whole(1, 1)["spk"]})
    settings = {"path": str(tmp_path / "x.mat"), "spikes": "spk", "window_ms": [0, 400], "bin_ms": 20}
    with pytest.raises(BadInput, match="trials_per_second expected trials"):
        prepare.read(Recording("x", "matlab_spikes", {**settings, "trials_per_second": 1000}), "")
