from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal.windows import gaussian
from sklearn.linear_model import PoissonRegressor

from raysp.data.splits.batch import to_device
from raysp.models import catalog
from raysp.models.smoothing import Config, smoothing_matrix
from tests.models.made_up import made_up_split, unbroken


@settings(deadline=None)
@given(st.integers(20, 60), st.sampled_from([5.0, 20.0]), st.sampled_from([10.0, 13.0, 15.0, 17.0]))
def test_smoothing_is_numpys_same_convolution(bins, bin_ms, sigma_ms):
    window = gaussian(max(int(6 * sigma_ms / bin_ms), 1), sigma_ms / bin_ms)
    counts = np.random.default_rng(0).poisson(0.3, bins).astype(float)
    expected = np.convolve(counts, window / window.sum(), "same")
    np.testing.assert_allclose(smoothing_matrix(bins, sigma_ms, bin_ms) @ counts, expected, atol=1e-12)


def test_a_window_longer_than_the_trial_is_cut():
    matrix = smoothing_matrix(4, 60.0, 5.0)
    assert matrix.shape == (4, 4)
    assert (matrix > 0).all()


def test_it_is_the_benchmarks_baseline():
    split = made_up_split(trials=40, bins=20)
    model = catalog.build("smoothing", {"sigma_ms": 30.0, "alpha": 0.1}, split.sizes)
    model.fit(split.train, unbroken())
    found = model.predict(to_device(split.eval, "cpu").inputs()).numpy()
    window = gaussian(9, 1.5)

    def smooth(counts):
        return np.apply_along_axis(lambda x: np.convolve(x, window / window.sum(), "same"), 1, counts)

    np.testing.assert_allclose(found.rates[..., :6], smooth(split.eval.heldin), atol=1e-6)
    inputs = np.log(smooth(split.train.heldin.astype(float)) + 1e-4).reshape(-1, 6)
    shown = np.log(smooth(split.eval.heldin.astype(float)) + 1e-4).reshape(-1, 6)
    for j in range(3):
        reference = PoissonRegressor(alpha=0.1, tol=1e-12, max_iter=1000, solver="newton-cholesky")
        expected = reference.fit(inputs, split.train.heldout[..., j].ravel()).predict(shown)
        np.testing.assert_allclose(found.rates[..., 6 + j].ravel(), expected, rtol=1e-5)
    np.testing.assert_allclose(found.rates_forward[0, 0, 6:], split.train.heldout_forward.mean(axis=(0, 1)), rtol=1e-6)


@pytest.mark.parametrize("dataset", ["mc_maze_small", "standin-mc_maze_small"])
def test_the_benchmarks_settings_are_the_default_for_its_recordings(dataset):
    assert Config().chosen(dataset) == (60.0, 0.1)
    assert Config(sigma_ms=20.0).chosen(dataset) == (20.0, 0.1)
    assert Config().chosen("mine") == (50.0, 0.01)
