import numpy as np
import pytest

from raysp.data.formats.precision import coarse


@pytest.mark.parametrize(
    ("stored", "latest_s", "per_second", "says"),
    [
        ("f4", 9_000.0, 1.0, ()),
        ("f4", 20_000.0, 1.0, ("spike times up to 20000 s are stored as float32, in steps of 1.95 ms",)),
        (">f4", 20_000.0, 1.0, ("spike times up to 20000 s are stored as float32, in steps of 1.95 ms",)),
        ("f4", 20_000.0, 1000.0, ("spike times up to 20000 s are stored as float32, in steps of 2 ms",)),
        ("f2", 20.0, 1.0, ("spike times up to 20 s are stored as float16, in steps of 15.6 ms",)),
        ("f2", 1e6, 1.0, ()),
        ("f8", 1e9, 1.0, ()),
        ("u4", 1e9, 1.0, ()),
    ],
)
def test_steps_that_move_spikes_to_other_bins_are_told(stored, latest_s, per_second, says):
    assert coarse(np.dtype(stored), np.array([0.5, np.nan, latest_s]), "spike", per_second) == says


@pytest.mark.parametrize(("bin_ms", "told"), [(4.0, True), (5.0, False), (100.0, False)])
def test_steps_of_a_tenth_of_a_bin_are_told(bin_ms, told):
    # In single precision 5,000 s are 0.488 ms apart.
    assert bool(coarse(np.dtype("f4"), np.array([5_000.0]), "go", bin_ms=bin_ms)) is told
