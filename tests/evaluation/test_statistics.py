"""Means, intervals and paired differences, against scipy and by their meaning."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from raysp.errors import BadInput
from raysp.evaluation.statistics import paired_difference, summarize

VALUES = st.lists(st.floats(-10, 10), min_size=2, max_size=8)


def test_by_hand():
    summary = summarize([1.0, 2.0, 3.0])
    assert (summary.count, summary.mean, summary.sd) == (3, 2.0, 1.0)
    assert summary.sem == pytest.approx(1 / math.sqrt(3))
    assert summary.high - summary.mean == pytest.approx(4.302653 * summary.sem, rel=1e-6), "t with 2 degrees of freedom"
    assert summary.mean - summary.low == pytest.approx(summary.high - summary.mean)


@given(values=VALUES, shift=st.floats(-5, 5))
def test_shifting_all_values_shifts_mean_and_interval(values, shift):
    before, after = summarize(values), summarize(np.add(values, shift))
    assert after.mean == pytest.approx(before.mean + shift, abs=1e-9)
    assert after.low <= after.mean + 1e-12
    assert after.high - after.low == pytest.approx(before.high - before.low, abs=1e-6)


def test_interval_covers_the_true_mean_as_often_as_it_says():
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(1000):
        summary = summarize(rng.normal(3.0, 1.0, 12))
        inside += summary.low <= 3.0 <= summary.high
    assert 930 <= inside <= 970


def test_one_value_has_no_spread_and_equal_values_no_width():
    single = summarize([0.3])
    assert single.mean == 0.3
    assert all(math.isnan(x) for x in (single.sd, single.sem, single.low, single.high))
    equal = summarize([0.3, 0.3, 0.3])
    assert (equal.sd, equal.low, equal.high) == (pytest.approx(0.0, abs=1e-15), pytest.approx(0.3), pytest.approx(0.3))


def test_pairing_takes_out_what_is_shared():
    rng = np.random.default_rng(0)
    difficulty = rng.normal(0, 10, 6)
    baseline = dict(enumerate(difficulty))
    values = {seed: value + 0.1 + rng.normal(0, 0.01) for seed, value in reversed(baseline.items())}
    found = paired_difference(values | {"lone": 5.0}, baseline)
    assert 0.08 < found.summary.low < found.summary.mean < found.summary.high < 0.12
    assert (found.won, found.summary.count) == (6, 6)
    assert paired_difference(values, baseline, sign=-1).won == 0
    expected = stats.ttest_rel([values[seed] for seed in baseline], list(baseline.values()))
    assert found.p == pytest.approx(expected.pvalue)


@given(first=VALUES, second=VALUES)
def test_exchanging_the_two_changes_the_sign(first, second):
    a, b = dict(enumerate(first)), dict(enumerate(second))
    forth, back = paired_difference(a, b), paired_difference(b, a)
    assert forth.summary.mean == pytest.approx(-back.summary.mean)
    assert forth.summary.low == pytest.approx(-back.summary.high, abs=1e-9)
    assert forth.p == pytest.approx(back.p, nan_ok=True)


def test_a_single_pair_and_equal_gains_have_no_p():
    single = paired_difference({0: 1.0}, {0: 0.5})
    assert math.isnan(single.p)
    assert single.row() == {"count": 1, "won": 1, "mean": 0.5, "low": None, "high": None, "p": None}
    assert math.isnan(paired_difference({0: 1.0, 1: 2.0}, {0: 0.5, 1: 1.5}).p)


def test_bad_input_is_refused():
    for values in ([], [1.0, float("nan")], [[1.0]]):
        with pytest.raises(BadInput, match="finite values"):
            summarize(values)
    with pytest.raises(BadInput, match="in common"):
        paired_difference({0: 1.0}, {1: 1.0})
    with pytest.raises(BadInput, match="finite values"):
        paired_difference({0: float("nan")}, {0: 1.0})
