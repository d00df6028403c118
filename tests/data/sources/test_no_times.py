"""What stands in the place of spike times and is none is refused: its numbers would be counted as spikes."""

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from raysp.config.experiment import Recording
from raysp.data.sources import no_times, prepare, proposal
from raysp.errors import BadInput

RNG = np.random.default_rng(0)
EACH = [np.sort(RNG.uniform(0.5, 40, 60 + 50 * unit)) for unit in range(4)]
LONGEST = max(map(len, EACH))
ODD = {
    "zeros after the last one in 3 vectors": [np.pad(one, (0, LONGEST - len(one))) for one in EACH],
    "whole numbers from 0 to 1 over and over": [np.isin(np.arange(400), one * 10 // 1) * 1.0 for one in EACH],
    "numbers that go up and down in each vector": [np.diff(one) for one in EACH],
}
RIGHT = {
    "silent units": [*EACH, np.zeros(0), np.zeros(1)],
    "spikes at 0": [np.append(0.0, one) for one in EACH],
    "trials of whole ms": [np.sort(RNG.choice(2000, 9, replace=False)) for _ in range(9)],
    "blocks, one after the other": [np.append(one, one[:30]) for one in EACH],
    "times before an event": [np.array([-9.0, -4.0, 0.0, 0.0])],
    "one spike each": [np.array([1]) for _ in range(9)],
}


@pytest.mark.parametrize("told", ODD)
@pytest.mark.parametrize("kind", ["mat", "h5"])
def test_what_is_no_spike_time_is_refused(tmp_path, kind, told):
    path = str(tmp_path / f"x.{kind}")
    if kind == "mat":
        cells = np.empty((4, 1), object)
        cells[:, 0] = [one[:, None] for one in ODD[told]]
        savemat(path, {"spk": cells})
    else:
        with h5py.File(path, "w") as file:
            for unit, one in enumerate(ODD[told]):
                file[f"unit_{unit}"] = one
    own = ("matlab_spikes", {"spikes": "spk"}) if kind == "mat" else ("spike_tables", {"time": "unit_*"})
    settings = {"path": path, **own[1], "window_ms": [0, 200], "bin_ms": 20, "gap_ms": 0}
    with pytest.raises(BadInput, match=f"expected spike times.*, got {told}"):
        prepare.read(Recording("x", own[0], settings), "")


@pytest.mark.parametrize("name", RIGHT)
def test_spike_times_are_not(name):
    assert no_times.check(RIGHT[name], "x") == ()


@pytest.mark.parametrize("kind", ["mat", "npz"])
def test_times_that_nobody_sorted_are_proposed_and_read_as_sorted_ones(tmp_path, kind):
    counted = []
    for each in ([RNG.permutation(one) for one in EACH], EACH):
        path = str(tmp_path / f"x.{kind}")
        if kind == "mat":
            cells = np.empty((4, 1), object)
            cells[:, 0] = each
            savemat(path, {"spk": cells})
        else:
            np.savez(path, **{f"unit_{unit}": one for unit, one in enumerate(each)})
        found = proposal.proposal(path)
        split, _ = prepare.read(Recording("x", found.source, {**found.settings, "path": path, "gap_ms": 0}), "")
        counted.append(split.train.heldin)
        told = any("times in 4 vectors are in no order" in note for note in split.provenance.notes)
        assert told == (each is not EACH)
    np.testing.assert_array_equal(*counted)


@pytest.mark.parametrize("shape", [0.3, 1.0, 4.0, 25.0], ids=["bursts", "Poisson", "regular", "clock"])
@pytest.mark.parametrize("units", [1, 5])
def test_intervals_are_none_however_regular(shape, units):
    each = [RNG.gamma(shape, 0.1 * (1 + unit) / shape, 400 + unit) for unit in range(units)]
    assert not no_times.are_unsorted(each)


def test_traces_called_after_units_are_none():
    assert not no_times.are_unsorted([np.sin(np.arange(500.0) * 2 + unit) for unit in range(3)])
