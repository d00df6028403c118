"""Spikes from distances: single spikes, two implementations that agree, and the ceiling on a real retina."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.spike_inference import generated, noisy, plain, windows
from raysp.data.sources.retina import Config, build
from raysp.errors import BadInput
from raysp.objectives.spike_distance import AT_SPIKE, distances, neighbours
from raysp.objectives.spike_inference import _uniform, infer_spikes, last_spike

ARCHIVE = Path(__file__).parents[3] / "shared" / "data" / "chicken_2021_08_17.tar.gz"
HISTORY, STEP = 992, 80


@pytest.fixture(scope="module")
def made():
    """Exact and noisy distances of generated spikes, (windows, 128) each, and the last spikes."""
    exact, known = windows(generated(6000, 20), 1200)
    return noisy(exact), known


def array(known, *spikes, past=32, length=128, clamp=198):
    """Exact distances to spikes after t = 0 and to the known one."""
    bins = np.arange(-past, length - past)
    found = np.abs(bins[:, None] - np.array([known, *spikes])).min(axis=1)
    return np.where(found == 0, AT_SPIKE, np.minimum(found, clamp))[None]


def inferred(found, known, **options):
    return np.flatnonzero(infer_spikes(found, np.array([known]), **options)[0]).tolist()


@pytest.mark.parametrize(("past", "clamp"), list(product([0, 1, 8, 16, 31, 32, 64], [70, 130, 198, 400])))
def test_a_single_spike_is_found_wherever_it_is(past, clamp):
    # With five last spikes (the fifth: none) and 128 places these are 17,920 windows.
    sizes = {"past": past, "clamp": clamp}
    for known in (-1, -2, -10, -50, -clamp):
        found = np.concatenate([array(known, place, length=past + 128, **sizes) for place in range(128)])
        np.testing.assert_array_equal(infer_spikes(found, np.full(128, known), **sizes), np.eye(128))


@pytest.mark.parametrize("logs", [False, True])
@pytest.mark.parametrize("known", [-1, -2, -10, -50, -198])
def test_without_a_spike_none_is_found(known, logs):
    assert inferred(array(known), known, logs=logs) == []


@given(st.sets(st.integers(0, 95), max_size=12), st.integers(-198, -1), st.booleans())
def test_exact_distances_to_spikes_within_the_array_give_back_just_these(spikes, known, logs):
    assert inferred(array(known, *spikes), known, logs=logs) == sorted(spikes)


def test_in_logs_too_every_single_spike_is_found_and_both_implementations_agree(made):
    for known in (-1, -2, -10, -50, -198):
        found = np.concatenate([array(known, place) for place in range(96)])
        np.testing.assert_array_equal(infer_spikes(found, np.full(96, known), logs=True), np.eye(96))
    arrays, known = made
    rows = np.random.default_rng(1).choice(len(known), 60, replace=False)
    for found in arrays.values():
        expected = [plain(found[row], int(known[row]), logs=True) for row in rows]
        np.testing.assert_array_equal(infer_spikes(found, known, logs=True)[rows], expected)


def test_in_logs_a_shallow_dip_counts_for_little_where_distances_take_it_for_a_spike():
    # As a network says that is unsure: 60 bins at the least, far from the quarter of a bin that a spike would give.
    dip = np.exp(-0.5 * ((np.arange(-32, 96) - 50.0) / 40.0) ** 2)
    unsure = 198.0 * (60.0 / 198.0) ** dip
    assert len(inferred(unsure[None], -198)) > 0
    assert inferred(unsure[None], -198, logs=True) == []


def test_both_implementations_agree(made):
    arrays, known = made
    rows = np.random.default_rng(0).choice(len(known), 120, replace=False)
    for found in arrays.values():
        expected = [plain(found[row], int(known[row])) for row in rows]
        np.testing.assert_array_equal(infer_spikes(found, known)[rows], expected)
        expected = [plain(found[row], int(known[row]), refractory=3) for row in rows[:20]]
        np.testing.assert_array_equal(infer_spikes(found, known, refractory=3)[rows[:20]], expected)


@settings(max_examples=40)
@given(st.integers(0, 999))
def test_both_implementations_agree_on_distances_that_mean_nothing(seed):
    draw = np.random.default_rng(seed)
    past = int(draw.integers(0, 20))
    length, clamp = past + int(draw.integers(1, 90)), past + int(draw.integers(1, 200))
    # Few different values: many candidates are equally doubtful.
    found = draw.integers(0, draw.integers(2, 250), length).astype(float)
    known = int(draw.integers(-clamp, 0))
    ours = infer_spikes(found[None], np.array([known]), past=past, clamp=clamp)[0]
    np.testing.assert_array_equal(ours, plain(found, known, past, clamp))


def test_a_dip_that_the_known_spike_explains_gives_no_spike_but_a_late_one_gives_a_ghost():
    # Known behaviour of the algorithm: it takes the known spike's place as exact, so a network that lets the dip around
    # it come four bins late seems to tell of one more spike.
    dip = np.maximum(np.minimum(np.abs(np.arange(-32, 96) + 6), 198.0), 1.0)
    assert inferred(dip[None], -6) == []
    assert inferred(np.roll(dip, 4)[None], -6) == [0]


def test_a_spike_after_the_array_explains_its_end():
    falling = np.minimum(np.abs(np.arange(-32, 96) - 196.0), 198.0)
    assert inferred(falling[None], -198) == []


def test_the_refractory_period_counts_from_the_spike_before_and_from_the_known_one():
    found = array(-3, 1, 10, 13, 16, 40)
    assert inferred(found, -3) == [1, 10, 13, 16, 40]
    assert inferred(found, -3, refractory=3) == [1, 10, 16, 40]
    assert inferred(found, -3, refractory=4) == [10, 16, 40]
    assert inferred(found, -3, refractory=2) == [1, 10, 13, 16, 40]


def test_windows_do_not_depend_on_how_they_are_batched_with_jitter_too(made):
    arrays, known = made
    found = arrays["noise"]
    for options in ({}, {"jitter": 40.0, "seed": 3}):
        whole = infer_spikes(found, known, **options)
        turned = infer_spikes(found[::-1], known[::-1], **options)
        parts = [infer_spikes(found[i : i + 97], known[i : i + 97], **options) for i in range(0, len(found), 97)]
        np.testing.assert_array_equal(whole, turned[::-1])
        np.testing.assert_array_equal(whole, np.concatenate(parts))


def test_jitter_is_decided_by_its_seed_and_changes_the_order_only(made):
    arrays, known = made
    found = arrays["noise"].astype(np.float64)
    one, same, other = (infer_spikes(found, known, jitter=40.0, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    assert not np.array_equal(one, infer_spikes(found, known))
    score = found + 40.0 * found.min(axis=1, keepdims=True) * _uniform(found, 1)
    rows = range(0, len(known), 40)
    expected = [plain(found[row], int(known[row]), score=score[row]) for row in rows]
    np.testing.assert_array_equal(one[::40], expected)


def test_jitter_draws_are_uniform_and_differ_between_windows_and_bins():
    draws = _uniform(np.random.default_rng(0).random((500, 128)), 7)
    assert 0 <= draws.min() < 1e-3
    assert 1 - 1e-3 < draws.max() < 1
    assert np.histogram(draws, 20, (0, 1))[0] == pytest.approx(np.full(20, 3200), rel=0.1)
    assert len(np.unique(draws)) == draws.size
    assert abs(np.corrcoef(draws[:, 0], draws[:, 1])[0, 1]) < 0.2


def test_other_weights_and_phantoms_are_followed():
    falling = np.minimum(np.abs(np.arange(-32, 96) - 130.0), 198.0)
    assert inferred(falling[None], -198, phantom_gap=34) == []
    assert inferred(falling[None], -198, phantom_gap=256) == [95], "there are no phantoms: the last bin is next best"


def test_precision_does_not_matter_and_no_windows_give_no_spikes(made):
    arrays, known = made
    single = arrays["noise"]
    np.testing.assert_array_equal(infer_spikes(single, known), infer_spikes(single.astype(np.float64), known))
    assert infer_spikes(single[:0], known[:0], jitter=0.05, seed=0).shape == (0, 96)


def test_the_last_spike_is_found_in_histories_of_any_shape():
    history = np.zeros((2, 3, HISTORY), np.uint8)
    history[0, 0, [5, -1]] = 1
    history[0, 1, -7] = 2
    history[1, 2, 0] = 1
    history[1, 1, -198] = 1
    history[1, 0, -197] = 1
    assert last_spike(history).tolist() == [[-1, -7, -198], [-197, -198, -198]]
    assert last_spike(history, clamp=5).tolist() == [[-1, -5, -5], [-5, -5, -5]]
    assert last_spike(history[0, 0, :3], clamp=5) == -5, "a history shorter than the clamp"
    assert last_spike(history[0, 0, :6], clamp=5) == -1


@pytest.mark.real
@pytest.mark.skipif(
    not ARCHIVE.exists(), reason=f"needs the chicken retina of 17 August 2021, shared/data/{ARCHIVE.name}"
)
def test_exact_distances_of_a_real_retina_give_the_known_number_of_spikes():
    split, _ = build(Config(path=str(ARCHIVE)), "chicken")
    ((start, stop),) = split.parts["test"]
    true = split.spikes[start:stop]
    tables = [torch.from_numpy(table) for table in neighbours(true)]
    steps = 1101
    spikes = np.zeros((HISTORY + steps * STEP, true.shape[1]), np.uint8)
    for now in range(HISTORY, len(spikes), STEP):
        known = last_spike(spikes[now - HISTORY : now].T)
        found = distances(*tables, torch.tensor([now]))[:, 0].numpy()
        spikes[now : now + STEP] = infer_spikes(found, known)[:, :STEP].T
    true, spikes = true[HISTORY : len(spikes)], spikes[HISTORY:]
    assert true.sum() == 13_910
    assert (spikes & true).sum() == true.sum(), "no spike is missed"
    assert spikes.sum() - true.sum() == 617
    assert true.sum(axis=0).mean() == pytest.approx(231.83, abs=5e-3)
    assert spikes.sum(axis=0).mean() == pytest.approx(242.12, abs=5e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"distances": np.full((2, 128), -1.0)}, "finite numbers >= 0"),
        ({"distances": np.full((2, 128), np.nan)}, "finite numbers >= 0"),
        ({"distances": np.full((2, 128), np.inf)}, "finite numbers >= 0"),
        ({"distances": np.ones((2, 128), int)}, "float32 or float64"),
        ({"distances": np.ones(128)}, "of shape"),
        ({"last_spike": np.array([-3, 0])}, "before t = 0"),
        ({"last_spike": np.array([-3])}, "one for each window"),
        ({"last_spike": np.array([-3.0, -1.0])}, "signed integers"),
        ({"past": 128}, "below the array's length"),
        ({"past": -1}, "below the array's length"),
        ({"clamp": 0, "past": 0}, "at least 1 bin"),
        ({"clamp": 32}, "more than the 32 past bins"),
        ({"refractory": -1}, "refractory expected 0 to 197 bins"),
        ({"refractory": 198}, "refractory expected 0 to 197 bins"),
        ({"jitter": 0.05}, "and a seed with it"),
        ({"jitter": -0.05, "seed": 0}, "share >= 0"),
        ({"jitter": np.nan, "seed": 0}, "share >= 0"),
        ({"weights": (1.0, 0.0)}, "two finite numbers > 0"),
        ({"phantom_spacing": 0}, "phantom_spacing expected"),
        ({"phantom_gap": -1}, "phantom_gap"),
        ({"at_spike": 0.0}, "at_spike expected a distance > 0"),
        ({"at_spike": np.nan}, "at_spike expected a distance > 0"),
    ],
)
def test_bad_input_is_refused(change, message):
    good = {"distances": np.ones((2, 128)), "last_spike": np.array([-3, -5])}
    with pytest.raises(BadInput, match=message):
        infer_spikes(**(good | change))


def test_bad_histories_are_refused():
    with pytest.raises(BadInput, match="at least one bin"):
        last_spike(np.zeros((3, 0)))
    with pytest.raises(BadInput, match="clamp expected at least 1"):
        last_spike(np.zeros((3, 5)), clamp=0)
