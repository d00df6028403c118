"""From samples to bins: no spike is lost, means are kept, and wider bins are sums of narrower ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysp.data.formats.sweeps import (
    USUAL_GAMMA,
    binned,
    highest_rate,
    onset,
    robust_rate,
    robust_rate_of_counts,
)
from raysp.errors import BadInput

WIDTHS = (10, 20, 50, 100)


@st.composite
def sweeps(draw):
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    samples = draw(st.integers(1, 4000))
    spikes = np.sort(rng.integers(-20, samples + 20, draw(st.integers(0, 60))))
    return rng.normal(0, 200, samples).astype(np.float32), spikes, draw(st.sampled_from([1000.0, 2500.0, 10_000.0]))


@given(sweeps())
def test_every_spike_of_a_whole_bin_is_counted_once(sweep):
    current, spikes, rate_hz = sweep
    for width, (_, counts) in binned(current, spikes, rate_hz, WIDTHS).items():
        end = len(counts) * round(width * rate_hz / 1000)
        assert len(counts) == len(current) // round(width * rate_hz / 1000)
        assert counts.sum() == ((spikes >= 0) & (spikes < end)).sum()


@given(sweeps())
def test_the_mean_current_is_kept(sweep):
    current, spikes, rate_hz = sweep
    for width, (means, _) in binned(current, spikes, rate_hz, WIDTHS).items():
        whole = current[: len(means) * round(width * rate_hz / 1000)].astype(np.float64)
        np.testing.assert_allclose(means.mean(dtype=np.float64), whole.mean(), rtol=1e-5, atol=1e-4)


@given(sweeps())
def test_a_wide_bin_is_its_narrow_ones(sweep):
    current, spikes, rate_hz = sweep
    found = binned(current, spikes, rate_hz, WIDTHS)
    for wide, narrow in ((20, 10), (50, 10), (100, 10), (100, 20), (100, 50)):
        if wide in found:
            (means, counts), (few, fine) = found[wide], found[narrow]
            shape = (len(counts), wide // narrow)
            whole = len(counts) * (wide // narrow)
            np.testing.assert_array_equal(fine[:whole].reshape(shape).sum(axis=1), counts)
            np.testing.assert_allclose(few[:whole].reshape(shape).mean(axis=1), means, rtol=1e-5, atol=1e-3)


def test_what_is_shorter_than_a_bin_is_not_there_and_what_is_left_over_is_dropped():
    found = binned(np.ones(150, np.float32), np.array([5, 149]), 1000.0, WIDTHS)
    assert {width: len(counts) for width, (_, counts) in found.items()} == {10: 15, 20: 7, 50: 3, 100: 1}
    assert [int(counts.sum()) for _, counts in found.values()] == [2, 1, 2, 1]
    assert binned(np.ones(9, np.float32), np.array([]), 1000.0, WIDTHS) == {}


def test_bins_that_are_no_whole_number_of_samples_do_not_drift():
    samples = 44_150
    spikes = np.arange(100, samples, 441)
    counts = binned(np.zeros(samples, np.float32), spikes, 44_150.0, (10,))[10][1]
    assert len(counts) == 100
    np.testing.assert_array_equal(counts, np.bincount((spikes / 441.5).astype(int), minlength=100))


@pytest.mark.parametrize(
    ("current", "rate_hz", "words"),
    [
        ([0.0, np.nan], 1000.0, "a current that is not finite at 1 samples"),
        ([0.0, np.inf], 1000.0, "not finite"),
        ([0.0, 2e5], 1000.0, "a current of 2e[+]05 pA, .* its unit another one"),
        ([0.0], 0.0, "has 0 samples per second"),
        ([0.0], np.nan, "has nan samples per second"),
        ([0.0], 1e9, "samples per second, expected 100 to 10,000,000"),
    ],
)
def test_a_sweep_that_cannot_be_read_says_why(current, rate_hz, words):
    with pytest.raises(BadInput, match=words):
        binned(np.array(current, dtype=np.float32), np.array([]), rate_hz, WIDTHS)


def test_the_onset_is_the_sample_before_the_first_change():
    assert onset(np.array([0, 0, 0, 5, 5, 0])) == 2
    assert onset(np.array([1, 2])) == 0
    assert onset(np.zeros(5)) is None
    assert onset(np.zeros(0)) is None


def test_one_wrong_pair_of_spikes_sets_the_published_rate_and_not_the_robust_one():
    regular = np.arange(0, 1000, 20.0)
    wrong = np.sort(np.append(regular, 500.18))
    assert highest_rate([regular]) == robust_rate([regular]) == 1 / 20
    assert highest_rate([regular, wrong]) == pytest.approx(1 / 0.18)
    assert robust_rate([regular, wrong]) == pytest.approx(1 / 20)
    # Spikes of different sweeps are no pair.
    assert np.isnan(highest_rate([np.array([1.0]), np.array([2.0]), np.array([])]))
    assert robust_rate([np.array([1.0])]) == USUAL_GAMMA


def test_without_intervals_the_fullest_bin_tells():
    assert robust_rate_of_counts([np.array([0, 2, 1]), np.array([1])], 20, 0.5) == 3 / 20
    assert robust_rate_of_counts([np.array([0, 2])], 20, 0.1) == 0.1
    assert robust_rate_of_counts([np.array([0, 2])], 20, np.nan) == 3 / 20
    assert robust_rate_of_counts([np.array([0, 0])], 20, np.nan) == USUAL_GAMMA
