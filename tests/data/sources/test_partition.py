import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysp.data.sources import partition
from raysp.data.sources.partition import TRIALS, UNITS, Whole
from raysp.data.splits.header import Provenance
from raysp.data.splits.population import COUNTS
from raysp.errors import BadInput


@given(st.integers(2, 60), st.integers(0, 2**31), st.data())
def test_a_larger_draw_contains_every_smaller_one(total, seed, data):
    small, large = sorted(data.draw(st.tuples(st.integers(0, total), st.integers(0, total))))
    few, many = (partition.draw(total, count, seed, UNITS) for count in (small, large))
    assert len(many) == large
    assert set(few) <= set(many) <= set(range(total))
    assert (np.diff(many) > 0).all()


def test_streams_are_separate():
    assert not np.array_equal(partition.draw(50, 25, 0, UNITS), partition.draw(50, 25, 0, TRIALS))


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("ab")), min_size=1, max_size=20))
def test_conditions_are_the_distinct_rows(rows):
    index = partition.condition_index([np.array([row[0] for row in rows]), np.array([row[1] for row in rows])])
    expected = sorted(set(rows))
    assert index.tolist() == [expected.index(row) for row in rows]


def test_a_trial_without_a_condition_has_none():
    assert partition.condition_index([np.array([2.0, np.nan, 1.0])]).tolist() == [1, -1, 0]


def test_an_empty_text_is_unknown():
    sides = np.array(["left", "", "right", "left"])
    assert partition.condition_index([sides, np.zeros(4)]).tolist() == [0, -1, 1, 0]
    found, notes = partition.one_a_trial({"side": sides}, "x")
    np.testing.assert_array_equal(found[:, 0], np.array([0, np.nan, 1, 0], dtype=np.float32))
    assert "side (left 0, right 1)" in notes[0]


def test_a_psth_is_nan_where_a_unit_was_never_seen():
    counts = np.random.default_rng(0).poisson(1.0, (6, 10, 3)).astype(np.float32)
    counts[:3, 4, 1] = np.nan
    psth = partition.condition_psth(Whole(counts, condition=np.repeat([0, 1], 3)), 1.5)
    assert np.isnan(psth[0, 4]).all()
    assert np.isnan(psth).sum() == 3


def test_smoothing_a_psth_is_a_gaussian_inside_the_window():
    counts = np.zeros((1, 101, 1), dtype=np.float32)
    counts[0, 50] = 1
    psth = partition.condition_psth(Whole(counts, condition=np.zeros(1, dtype=int)), 4.0)[0, :, 0]
    gaussian = np.exp(-0.5 * ((np.arange(101) - 50) / 4.0) ** 2)
    gaussian[np.abs(np.arange(101) - 50) > 12] = 0
    np.testing.assert_allclose(psth, gaussian / gaussian.sum(), atol=1e-12)


@given(st.integers(0, 3), st.integers(0, 2), st.integers(0, 2**31))
def test_nothing_is_lost_or_made_when_parts_are_hidden(hidden, forward, seed):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(1.0, (7, 5, 4)).astype(np.float32)
    heldout = partition.draw(4, hidden, seed, UNITS)
    rows = (np.arange(5), np.arange(5, 7))
    split, targets = partition.partition(Whole(counts, forward), ("x", 10.0), heldout, rows, Provenance())
    parts = [part.arrays() for part in (split.train, targets.trials)]
    total = sum(arrays[name].sum() for arrays in parts for name in COUNTS if name in arrays)
    assert total == counts.sum()
    assert split.sizes.units == 4
    np.testing.assert_array_equal(split.eval.heldin, targets.trials.heldin)


def test_a_recording_with_every_unit_fast_enough_stays_as_it_is():
    whole = Whole(np.ones((2, 3, 4), dtype=np.float32))
    kept = partition.without_silent(whole, 10.0, 50.0, "x")
    assert kept.counts.shape == (2, 3, 4)
    assert kept.notes == ()


@pytest.mark.parametrize(("total", "fraction", "expected"), [(107, 0.25, 27), (100, 0.25, 25), (4, 0.5, 2)])
def test_a_fraction_is_rounded_to_the_nearest(total, fraction, expected):
    assert partition.how_many(total, None, fraction, "units", "x") == expected


@pytest.mark.parametrize(
    ("total", "what", "message"),
    [
        (1, "trials", "a fraction of 0.25 hides none; no part of so few trials can be kept to judge by"),
        (2, "trials", "hides none; ask for more: 0.5 hides one"),
        (2, "units", "hides none; heldout: 1 hides one; with heldout: 0 all are shown"),
        (1, "units", "hides none; with heldout: 0 all are shown"),
    ],
)
def test_where_a_fraction_hides_none_it_is_said_what_is_possible(total, what, message):
    with pytest.raises(BadInput, match=message):
        partition.how_many(total, None, 0.25, what, "x")


def test_hidden_units_come_last_each_with_its_own_counts():
    counts = np.broadcast_to(np.arange(5, dtype=np.float32), (4, 3, 5))
    rows = (np.arange(3), np.arange(3, 4))
    split, targets = partition.partition(Whole(counts, rates=counts), ("x", 10.0), np.array([0, 3]), rows, Provenance())
    assert split.train.heldin[0, 0].tolist() == [1, 2, 4]
    assert targets.trials.heldout[0, 0].tolist() == [0, 3]
    assert split.eval.rates[0, 0].tolist() == [1, 2, 4, 0, 3]


def test_the_psth_of_known_truth_is_its_mean_unsmoothed():
    rates = np.random.default_rng(0).uniform(0, 1, (6, 10, 3)).astype(np.float32)
    whole = Whole(np.zeros_like(rates), forward=2, rates=rates, condition=np.repeat([0, 1], 3))
    psth = partition.condition_psth(whole, 3.0)
    np.testing.assert_allclose(psth, [rates[:3, :8].mean(axis=0), rates[3:, :8].mean(axis=0)], rtol=1e-6)


@pytest.mark.parametrize("sigma", [1e-300, 0.1, 1e3, 1e300])
def test_a_kernel_of_any_width_keeps_the_mean(sigma):
    counts = np.random.default_rng(0).poisson(1.0, (4, 9, 2)).astype(np.float32)
    psth = partition.condition_psth(Whole(counts, condition=np.zeros(4, dtype=int)), sigma)[0]
    plain = counts.mean(axis=0, dtype=np.float64)
    np.testing.assert_allclose(psth, plain if sigma < 1 else np.tile(plain.mean(axis=0), (9, 1)), rtol=1e-4)


def test_a_split_is_made_without_another_copy_of_all_counts():
    counts = np.random.default_rng(0).poisson(0.1, (800, 50, 100)).astype(np.float32)
    rows = (np.arange(600), np.arange(600, 800))
    tracemalloc.start()

    partition.partition(Whole(counts), ("x", 10.0), np.arange(20), rows, Provenance())

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.8 * counts.nbytes
