import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysp.data.formats import aligned, binning
from raysp.data.formats.nwb_series import Series

BEGINS = st.lists(st.integers(-20, 120), min_size=1, max_size=6).map(np.array)
TICKS = st.lists(st.integers(-10, 130), max_size=60).map(lambda ticks: np.sort(np.array(ticks, dtype=np.int64)))


@given(TICKS, BEGINS, st.integers(1, 7), st.integers(1, 9))
def test_counts_are_those_of_a_histogram(ticks, begin, bins, step):
    found = binning.count(ticks, begin, bins, step)
    edges = np.arange(bins + 1) * step
    # Half a tick lower, so that the last edge belongs to no bin, as numpy would have it.
    expected = [np.histogram(ticks - first, edges - 0.5)[0] for first in begin]
    np.testing.assert_array_equal(found, expected)


@given(st.integers(0, 10_000_000))
def test_a_time_written_in_ms_lies_in_the_millisecond_that_begins_there(ms):
    assert aligned.to_ticks(np.array([ms / 1000.0]), 1.0)[0] == ms


@given(st.integers(0, 10_000_000), st.floats(0.001, 0.999))
def test_within_a_millisecond_times_round_down(ms, part):
    assert aligned.to_ticks(np.array([(ms + part) / 1000.0]), 1.0)[0] == ms


def test_times_before_zero_round_down_too():
    assert aligned.to_ticks(np.array([-0.0004, 0.0004]), 1.0).tolist() == [-1, 0]


@given(
    st.lists(st.tuples(st.integers(0, 90), st.integers(0, 40)), max_size=5),
    BEGINS, st.integers(1, 5), st.integers(1, 9),
)  # fmt: skip
def test_observed_bins_are_those_with_every_tick_observed(stretches, begin, bins, step):
    intervals = np.array([[first, first + length] for first, length in stretches], dtype=float).reshape(-1, 2)
    found = aligned.observed(intervals / 1000.0, begin, bins, step, 1.0)
    seen = {tick for first, last in intervals.astype(int) for tick in range(first, last)}
    for trial, first in enumerate(begin):
        for index in range(bins):
            ticks = set(range(first + index * step, first + (index + 1) * step))
            assert found[trial, index] == (ticks <= seen)


def series(times, values):
    return Series("signal", np.asarray(times), np.asarray(values, dtype=float).reshape(len(times), -1), ("a",))


@given(st.floats(0.0005, 0.05), st.floats(-3, 3), st.floats(-3, 3))
def test_a_line_is_averaged_exactly_at_any_sampling_rate(sample, slope, offset):
    times = np.arange(0, 1.0 + sample, sample)
    means = aligned.bin_means(series(times, slope * times + offset), np.array([0.1, 0.4]), 5, 10.0)
    centres = np.array([[0.1], [0.4]]) + 0.005 + 0.01 * np.arange(5)
    np.testing.assert_allclose(means[..., 0], slope * centres + offset, atol=1e-9)


def test_the_mean_is_that_of_the_samples_when_they_are_many():
    times = np.arange(0, 2, 1e-4)
    means = aligned.bin_means(series(times, np.sin(20 * times)), np.array([0.5]), 20, 20.0)[0, :, 0]
    expected = np.sin(20 * times[5000:9000]).reshape(20, 200).mean(axis=1)
    np.testing.assert_allclose(means, expected, atol=2e-3)


def test_bins_in_gaps_and_outside_are_nan():
    times = np.concatenate([np.arange(0, 0.5, 0.001), np.arange(0.6, 1.0, 0.001)])
    values = np.ones(len(times))
    values[700:740] = np.nan
    means = aligned.bin_means(series(times, values), np.array([0.0]), 110, 10.0)[0, :, 0]
    missing = np.flatnonzero(np.isnan(means))
    # 0.5 to 0.6 s is a gap, 0.8 to 0.84 s holds NaN samples, and nothing is known after 1 s.
    assert set(range(50, 60)) | set(range(80, 84)) | set(range(100, 110)) <= set(missing)
    assert set(missing) <= set(range(49, 61)) | set(range(79, 85)) | set(range(100, 110))
    np.testing.assert_allclose(means[~np.isnan(means)], 1.0)


@pytest.mark.parametrize(("last_ms", "known"), [(999, 100), (995, 100), (994, 99), (990, 99)])
def test_a_bin_is_known_when_the_signal_reaches_half_of_it(last_ms, known):
    times = np.arange(last_ms + 1) / 1000.0
    means = aligned.bin_means(series(times, np.ones(len(times))), np.array([0.0]), 100, 10.0)
    assert np.isfinite(means).sum() == known


def test_a_signal_without_samples_is_all_missing():
    found = aligned.bin_means(series([0.1], [np.nan]), np.array([0.0]), 3, 10.0)
    assert np.isnan(found).all()
    assert found.shape == (1, 3, 1)


@pytest.mark.parametrize("clock_ms", [1.0, 0.1])
def test_a_finer_clock_only_moves_spikes_within_a_millisecond(clock_ms):
    times = np.sort(np.random.default_rng(0).uniform(0, 10, 500))
    ticks = aligned.to_ticks(times, clock_ms) * clock_ms
    assert (np.abs(ticks - times * 1000) < clock_ms).all()


def test_the_millisecond_of_seconds_since_1970_is_the_one_that_was_written():
    ms = np.arange(1_700_000_000_000, 1_700_000_000_000 + 5000)
    np.testing.assert_array_equal(aligned.to_ticks(ms / 1000, 1.0), ms)
