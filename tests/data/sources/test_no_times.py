"""What stands in the place of spike times and is none is refused: its numbers would be counted as spikes."""

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from raysp.config.experiment import Recording
from raysp.data.sources import no_times, prepare
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
    no_times.check(RIGHT[name], "x")
