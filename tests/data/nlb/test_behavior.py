import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import signal

from raysp.data.formats.binning import NS_PER_MS
from raysp.data.formats.nwb_series import Series
from raysp.data.nlb.behavior import resample
from raysp.errors import BadInput


def series_of(values, kept=None):
    kept = np.arange(len(values)) if kept is None else kept
    return Series("hand_vel", kept / 1000, values[kept], tuple("xyz"[: values.shape[1]]))


def walk(length, seed=0):
    return np.cumsum(np.random.default_rng(seed).standard_normal((length, 2)), axis=0)


@pytest.mark.parametrize("bin_ms", [5, 20])
def test_windows_equal_the_decimated_session(bin_ms):
    values = walk(4000)
    expected = signal.decimate(values, bin_ms, n=500, ftype="fir", axis=0)
    found = resample(series_of(values), np.array([100.0, 1000.0, 3000.0]) * NS_PER_MS, 30, bin_ms, 4000)
    for trial, first in enumerate(np.array([100, 1000, 3000]) // bin_ms):
        assert_array_equal(found[trial], expected[first : first + 30])


def test_gaps_are_bridged_for_the_filter_and_nan_in_the_result():
    values = walk(3000)
    kept = np.flatnonzero((np.arange(3000) < 1200) | (np.arange(3000) >= 1300))
    bridged = np.column_stack([np.interp(np.arange(3000), kept, column) for column in values[kept].T])
    expected = signal.decimate(bridged, 5, n=500, ftype="fir", axis=0)[200:280]
    expected[40:60] = np.nan
    found = resample(series_of(values, kept), np.array([1000.0 * NS_PER_MS]), 80, 5, 3000)
    assert_allclose(found[0], expected, atol=1e-12)


def test_bins_outside_the_session_are_nan():
    found = resample(series_of(walk(2000)), np.array([-50.0, 1950.0]) * NS_PER_MS, 20, 5, 2000)
    assert_array_equal(np.isnan(found[0, :, 0]), np.arange(20) < 10)
    assert_array_equal(np.isnan(found[1, :, 0]), np.arange(20) >= 10)


def test_a_constant_stays_constant_where_the_session_before_holds_it():
    found = resample(series_of(np.ones((3000, 1))), np.array([0.0]), 20, 5, 3000, lead_ms=1000)
    assert_allclose(found, 1.0, atol=1e-3)
    alone = resample(series_of(np.ones((3000, 1))), np.array([0.0]), 20, 5, 3000)
    assert alone[0, 0, 0] == pytest.approx(0.6, abs=0.001)  # half the kernel and half its middle tap of 0.2


def test_trials_without_a_window_are_nan():
    assert np.isnan(resample(series_of(walk(2000)), np.array([np.nan]), 20, 5, 2000)).all()


def test_channels_are_in_the_order_of_their_names():
    values = walk(3000)
    swapped = Series("hand_vel", np.arange(3000) / 1000, values, ("y", "x"))
    begin = np.array([1000.0 * NS_PER_MS])
    found, plain = (resample(one, begin, 20, 5, 3000) for one in (swapped, series_of(values)))
    assert_array_equal(found, plain[:, :, ::-1])


def test_samples_outside_the_session_are_refused():
    with pytest.raises(BadInput, match=r"expected samples inside the observed 1\.0 s, got 0.0 to 1.999 s"):
        resample(series_of(walk(2000)), np.array([0.0]), 20, 5, 1000)
