import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import signal

from raysp.data.formats import binning
from raysp.data.formats.binning import NS_PER_MS
from raysp.data.nlb.psth import align, psth

SIGMA_MS = 10
LENGTH_MS = 3000


def smoothed_session(spikes, unit):
    """One unit's smoothed session at 1 ms, each observed stretch by itself, NaN elsewhere."""
    taps = signal.windows.gaussian(6 * SIGMA_MS, SIGMA_MS, sym=True)
    taps /= taps.sum()
    counts = np.bincount(spikes.of(unit), minlength=LENGTH_MS).astype(float)
    counts[~spikes.observed] = np.nan
    stretches = np.split(counts, np.flatnonzero(np.diff(spikes.observed)) + 1)
    parts = [one if np.isnan(one[0]) else signal.convolve(one, taps, "full") for one in stretches]
    after = (len(taps) - 1) // 2
    return np.concatenate(
        [
            part if len(part) == len(one) else part[after : after + len(one)]
            for part, one in zip(parts, stretches, strict=True)
        ]
    )


def expected_psth(spikes, begins_ms, aligns_ms, bins, bin_ms):
    """The plain way: smooth the session, sum into bins, average trials bin by bin."""
    session = np.column_stack([smoothed_session(spikes, unit) for unit in range(len(spikes))])
    binned = np.nan_to_num(session).reshape(-1, bin_ms, len(spikes)).sum(axis=1)
    binned[np.isnan(session[::bin_ms, 0])] = np.nan
    first, base = (-(-edges // bin_ms) for edges in (begins_ms, aligns_ms))
    rows = {}
    for trial in range(len(first)):
        for bin_index in range(first[trial], first[trial] + bins):
            rows.setdefault(bin_index - base[trial], []).append(binned[bin_index])
    means = []
    for row in sorted(rows)[:bins]:
        seen = [one for one in rows[row] if not np.isnan(one[0])]
        means.append(np.mean(seen, axis=0) if seen else np.full(len(spikes), np.nan))
    return np.array(means)


def found_psth(spikes, begins_ms, aligns_ms, bins, bin_ms):
    begins, aligns = begins_ms * float(NS_PER_MS), aligns_ms * float(NS_PER_MS)
    times = (begins, begins + bins * bin_ms * NS_PER_MS, aligns)
    following = np.full(len(begins), np.nan)
    trials = align([np.arange(len(begins))], times, following, bin_ms, bins, from_end=False)
    return psth(spikes, trials, bin_ms, bins, SIGMA_MS, from_end=False)[0]


@settings(deadline=None)
@given(
    seed=st.integers(0, 10_000),
    bin_ms=st.sampled_from([5, 20]),
    gaps=st.lists(st.tuples(st.integers(0, LENGTH_MS - 1), st.integers(1, 80)), max_size=4),
)
def test_equals_smoothing_the_session_and_averaging_trials(seed, bin_ms, gaps):
    rng = np.random.default_rng(seed)
    observed = np.ones(LENGTH_MS, bool)
    for begin, length in gaps:
        observed[begin : begin + length] = False
    spikes = binning.gather([np.sort(rng.uniform(0, 3, 90)) for _ in range(2)], observed)
    begins = np.array([300, 900, 1500, 2100]) + rng.integers(0, 60, 4)
    aligns = begins + 130
    bins = 300 // bin_ms
    found = found_psth(spikes, begins, aligns, bins, bin_ms)
    assert_allclose(found, expected_psth(spikes, begins, aligns, bins, bin_ms), atol=1e-12)


def test_a_steady_rate_stays_that_rate():
    spikes = binning.gather([np.arange(LENGTH_MS) / 1000], np.ones(LENGTH_MS, bool))
    begins = np.array([500, 1500])
    assert_allclose(found_psth(spikes, begins, begins + 100, 40, 5), 5.0)


def test_much_shorter_trials_are_left_out_and_the_shortest_of_the_others_sets_the_length():
    ends = np.array([1000.0, 2000.0, 2900.0]) * NS_PER_MS
    begins = ends - np.array([500.0, 450.0, 200.0]) * NS_PER_MS
    trials = align([np.arange(3)], (begins, ends, ends), np.full(3, np.nan), 5, 120, from_end=True)
    assert_array_equal(trials.row, [0, 1])
    assert_array_equal(trials.kept, [[-90, 0]])
    spikes = binning.gather([np.arange(LENGTH_MS) / 1000], np.ones(LENGTH_MS, bool))
    found = psth(spikes, trials, 5, 120, SIGMA_MS, from_end=True)[0, :, 0]
    assert np.isnan(found[:30]).all()
    assert found[30:] == pytest.approx(5.0)
