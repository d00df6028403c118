import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from raysp.data.formats import binning

TRAINS = st.lists(st.lists(st.integers(0, 999), max_size=40).map(sorted), min_size=1, max_size=3)
FIRST = st.lists(st.integers(-5, 60), min_size=1, max_size=5)


def spikes_of(trains, observed):
    return binning.gather([np.array(train, dtype=float) / 1000 for train in trains], observed)


@given(TRAINS, FIRST, st.sampled_from([1, 5, 20]), st.integers(1, 12))
def test_counts_equal_a_histogram_of_each_window(trains, first, bin_ms, bins):
    first = np.array(first)
    table = binning.counts(spikes_of(trains, np.ones(1000, bool)), first, bins, bin_ms)
    for trial, begin in enumerate(first):
        edges = (begin + np.arange(bins + 1)) * bin_ms
        outside = (edges[:-1] < 0) | (edges[:-1] >= 1000)
        for unit, train in enumerate(trains):
            # The last bin of a histogram is closed; spikes are whole milliseconds, so half of one earlier opens it.
            expected = np.histogram(train, edges - 0.5)[0].astype(float)
            expected[outside] = np.nan
            assert_array_equal(table[trial, :, unit], expected)


@given(TRAINS, st.lists(st.integers(0, 999), min_size=2, max_size=6, unique=True).map(sorted))
def test_a_bin_is_nan_when_its_first_ms_was_unobserved_and_other_unobserved_ms_are_empty(trains, edges):
    observed = np.zeros(1000, bool)
    for begin, end in zip(edges[::2], edges[1::2], strict=False):
        observed[begin:end] = True
    table = binning.counts(spikes_of(trains, observed), np.array([0]), 200, 5, dtype=np.float64)[0]
    assert_array_equal(np.isnan(table[:, 0]), ~observed[::5])
    for unit, train in enumerate(trains):
        seen = [ms for ms in train if observed[ms] and observed[ms - ms % 5]]
        assert np.nansum(table[:, unit]) == len(seen)


@given(st.lists(st.integers(0, 100)).map(sorted), st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100))))
def test_in_windows_finds_what_a_search_of_each_window_finds(values, spans):
    values, spans = np.array(values, dtype=int), np.array(spans, dtype=int).reshape(-1, 2)
    window, found = binning.in_windows(values, spans[:, 0], spans[:, 1])
    expected = [(i, v) for i, (low, high) in enumerate(spans) for v in values if low <= v < high]
    assert list(zip(window.tolist(), found.tolist(), strict=True)) == expected


def test_a_spike_on_an_edge_belongs_to_the_bin_that_begins_there():
    assert_array_equal(binning._clock_ms(np.array([0.005, 0.0049999, 0.57, 1.1])), [5, 4, 570, 1100])


def test_a_window_takes_the_bins_that_begin_inside_it():
    ns = np.array([0.0, 1.0, 5.0]) * binning.NS_PER_MS
    window = binning.windows(ns, ns + 10 * binning.NS_PER_MS, 5)
    assert_array_equal(window.first, [0, 1, 1])
    assert_array_equal(window.count, [2, 2, 2])


def test_windows_are_cut_where_the_next_begins():
    begin, end = np.array([0.0, 5.0, 20.0]), np.array([10.0, 15.0, 30.0])
    assert_array_equal(binning.until_next(begin, end, np.array([5.0, 20.0, np.nan])), [5.0, 15.0, 30.0])


def test_observed_stretches_keep_whole_milliseconds():
    mask = binning.observed_ms(np.array([[0.0004, 0.0031], [0.005, 0.007]]), 9)
    assert_array_equal(np.flatnonzero(mask), [1, 2, 5, 6])


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_counts_have_the_type_asked_for(dtype):
    table = binning.counts(spikes_of([[1, 1, 2]], np.ones(10, bool)), np.array([0]), 2, 5, dtype=dtype)
    assert table.dtype == dtype
    assert table[0, 0, 0] == 3


def test_times_far_outside_the_clock_do_not_wrap_around_into_it():
    observed = np.ones(1000, dtype=bool)
    spikes = binning.gather([np.array([-1e9, 0.25, 0.5, 2**32 / 1000 + 0.3, 1e11])], observed)
    assert_array_equal(spikes.of(0), [250, 500])
