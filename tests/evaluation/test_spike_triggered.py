"""Spike-triggered averages, against the mean of what came before each spike."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from raysp.evaluation.spike_triggered import triggered


@given(st.integers(0, 2**31), st.integers(1, 12))
def test_an_average_is_the_mean_of_what_came_before_within_the_stretch(seed, lags):
    rng = np.random.default_rng(seed)
    stimulus, counts = rng.random((90, 2)).astype(np.float32), rng.poisson(0.2, 90).astype(np.uint8)
    stretches = [(0, 40), (50, 90)]
    found = triggered(stimulus, counts, stretches, lags)
    before = [
        stimulus[at - lags + 1 : at + 1]
        for start, stop in stretches
        for at in range(start + lags - 1, stop)
        for _ in range(counts[at])
    ]
    assert found.spikes == len(before)
    if before:
        mean = np.concatenate([stimulus[:40], stimulus[50:]]).mean(axis=0)
        np.testing.assert_allclose(found.mean, np.mean(before, axis=0) - mean, atol=1e-6)
