"""Each measure finds the fault that is planted, and says nothing of what is sound."""

import numpy as np
import pytest

from raysp.errors import BadInput
from raysp.evaluation.latent_faults import order_r2, own_spike_gain, variance_between_trials


def test_latents_alike_in_every_trial_have_no_variance_between_them():
    rng = np.random.default_rng(0)
    common, own = rng.standard_normal((1, 30, 4)), rng.standard_normal((50, 30, 4))
    assert variance_between_trials(np.repeat(common, 50, axis=0)) < 1e-12
    assert variance_between_trials(own) == pytest.approx(0.98, abs=0.02)
    assert variance_between_trials(common + own) == pytest.approx(0.5, abs=0.1)
    with pytest.raises(BadInput, match="never change"):
        variance_between_trials(np.full((5, 3, 2), 0.3))
    with pytest.raises(BadInput, match="two trials"):
        variance_between_trials(own[:1])


def test_bins_after_a_trials_end_are_no_variance():
    latents = np.repeat(np.random.default_rng(0).standard_normal((1, 10, 2)), 6, axis=0)
    recorded = np.ones((6, 10), dtype=bool)
    latents[0, 7:], recorded[0, 7:] = 50.0, False
    assert variance_between_trials(latents, recorded) < 1e-12


def test_a_rate_that_follows_its_own_spike_has_a_gain_and_one_that_all_bins_share_has_none():
    counts = np.random.default_rng(0).poisson(0.2, 5000).astype(float)
    hidden = np.full(5000, 0.2)
    assert own_spike_gain(hidden, hidden, counts) == 1
    assert own_spike_gain(1.3 * hidden, hidden, counts) == pytest.approx(1)
    assert own_spike_gain(np.where(counts > 0, 0.6, 0.2), hidden, counts) == pytest.approx(3)
    with pytest.raises(BadInput, match="above and below"):
        own_spike_gain(hidden, hidden, np.zeros(5000))


def test_many_counts_a_bin_are_copied_both_ways():
    counts = np.random.default_rng(0).poisson(8, 5000).astype(float)
    hidden = np.full(5000, 8.0)
    assert own_spike_gain(np.maximum(counts, 0.5), hidden, counts) > 1.7
    assert own_spike_gain(hidden, hidden, counts) == 1


def test_conditions_in_blocks_are_no_order_of_trials_but_what_tells_trials_of_one_apart_is():
    rng = np.random.default_rng(1)
    condition, ids = np.repeat(np.arange(20), 8), np.arange(160)
    values = rng.standard_normal((20, 30))[condition] + 0.3 * rng.standard_normal((160, 30))
    assert order_r2(values, ids) > 0.7
    assert order_r2(values, ids, condition) < 0.1
    values[:, 3] += ids / 4
    assert order_r2(values, ids, condition) > 0.7
    with pytest.raises(BadInput, match="share a condition with another"):
        order_r2(values, ids, ids)
    with pytest.raises(BadInput, match="trial to trial of a condition"):
        order_r2(np.ones((160, 3))[condition], ids, condition)


def test_of_two_trials_of_a_condition_one_does_not_tell_of_the_other():
    rng = np.random.default_rng(0)
    values, ids = rng.standard_normal((60, 64)), rng.permutation(60)
    assert order_r2(values, ids, np.arange(60) % 30) < 0.1


def test_the_order_of_trials_is_found_where_it_is_and_nowhere_else():
    rng = np.random.default_rng(0)
    ids = rng.permutation(200)[:60]
    values = rng.standard_normal((60, 10))
    assert order_r2(values, ids) < 0.1
    values[:, 3] += ids / 20
    assert order_r2(values, ids) > 0.7
    for wrong, said in ((ids[:39], "40 or more"), (np.zeros(60), "a number of its own")):
        with pytest.raises(BadInput, match=said):
            order_r2(values[: len(wrong)], wrong)
    with pytest.raises(BadInput, match="change from trial to trial"):
        order_r2(np.ones((60, 2)), ids)
