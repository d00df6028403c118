"""Averages of rates: what Jensen says of them, what weights do, and on what they are judged."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raysp.errors import BadInput
from raysp.evaluation.bits_per_spike import bits_per_spike
from raysp.evaluation.mixture import correlations, equal, evidence, greedy, steps, weights
from raysp.evaluation.mixture_choice import WAYS, choose

SEEDS = st.integers(0, 10_000)


def drawn(seed, members=4, shape=(9, 12, 3), noise=0.6):
    """Members that err about one truth, some more than others, and counts drawn from it."""
    rng = np.random.default_rng(seed)
    truth = rng.gamma(2.0, 0.2, shape)
    spread = noise * rng.uniform(0.3, 1.5, (members, 1, 1, 1))
    errors = rng.normal(0, 1, (members, *shape)) * spread - spread**2 / 2
    counts = rng.poisson(truth).astype(float)
    counts[rng.random(shape) < 0.1] = np.nan
    counts[0, 0, 0] = 1.0
    return (truth * np.exp(errors)).astype(np.float32), counts


@given(seed=SEEDS)
@settings(max_examples=25, deadline=None)
def test_of_an_average_bits_per_spike_are_the_benchmarks_and_never_below_the_members_mean(seed):
    rates, counts = drawn(seed)
    own = np.random.default_rng(seed).dirichlet(np.ones(len(rates)))
    found = evidence(iter(rates), counts)
    score = found.bits(found.nats(own[None]).sum())
    assert score == pytest.approx(bits_per_spike(np.tensordot(own, rates.astype(float), 1), counts), abs=1e-9)
    assert score >= own @ found.alone() - 1e-9


@given(seed=SEEDS)
@settings(max_examples=25, deadline=None)
def test_each_step_raises_the_likelihood_and_keeps_the_weights_an_average(seed):
    found = evidence(drawn(seed)[0], drawn(seed)[1])
    before = -np.inf
    for own, now in itertools.islice(steps(found), 30):
        assert now == pytest.approx(found.nats(own[None]).sum())
        assert now >= before - 1e-9 * abs(now)
        assert own.min() >= 0
        assert own.sum() == pytest.approx(1)
        before = now


def test_no_other_weights_are_likelier_than_those_the_steps_end_at():
    found = evidence(*drawn(3))
    best = found.nats(weights(found)[None]).sum()
    others = np.random.default_rng(0).dirichlet(np.full(found.members, 0.5), 500)
    assert found.nats(others).sum(axis=1).max() < best + 1e-3
    assert found.nats(equal(found)[None]).sum() < best


@given(seed=SEEDS)
@settings(max_examples=20, deadline=None)
def test_the_weights_of_a_member_that_comes_twice_add_up_to_ones_as_likely(seed):
    rates, counts = drawn(seed, members=3)
    found = evidence(rates, counts)
    twice = weights(evidence(rates[[0, 1, 2, 2]], counts))
    assert twice[2] == pytest.approx(twice[3])
    # Where the likelihood is flat, the steps end at other weights that are as good.
    once, folded = found.nats(np.array([weights(found), [*twice[:2], twice[2:].sum()]])).sum(axis=1)
    assert folded == pytest.approx(once, abs=0.05)


def test_each_pick_raises_the_likelihood_and_the_first_ones_are_the_best_of_all():
    found = evidence(*drawn(3, members=12))
    path = greedy(found)
    scores = found.nats(path).sum(axis=1)
    assert (np.diff(scores) > 0).all()
    assert path[1] @ np.ones(12) == pytest.approx(1)
    assert scores[1] == pytest.approx(found.nats((path[0] + np.eye(12)) / 2).sum(axis=1).max(), abs=1e-3)


@given(seed=SEEDS)
@settings(max_examples=4, deadline=None)
def test_the_order_of_members_changes_nothing(seed):
    rates, counts = drawn(seed)
    order = np.random.default_rng(seed).permutation(len(rates))
    here, there = choose(evidence(rates, counts)), choose(evidence(rates[order], counts))
    assert here.taken == there.taken
    assert here.weights[order] == pytest.approx(there.weights, abs=1e-9)
    assert [one.nested for one in here.ways] == pytest.approx([one.nested for one in there.ways])


@pytest.mark.parametrize("way", WAYS)
def test_a_member_of_zeros_weighs_nothing(way):
    rates, counts = drawn(5)
    rates[1] = 0.0
    assert choose(evidence(rates, counts), way).weights[1] == 0


def test_what_chance_chooses_is_not_what_it_is_judged_by():
    # Sixty members of the same quality: the best one on these trials is so by luck, which other trials do not share.
    rng = np.random.default_rng(1)
    counts = rng.poisson(0.5, (10, 12, 2)).astype(float)
    found = evidence((0.5 * np.exp(rng.normal(0, 0.5, (60, *counts.shape)))).astype(np.float32), counts)
    (first, *_) = choose(found, top=1).ways
    assert first.nested < found.alone().max() - 0.05
    assert first.nested == pytest.approx(first.scores[0])


def test_averages_of_members_that_err_independently_gain():
    rates, counts = drawn(2, members=8, shape=(40, 30, 4), noise=0.5)
    found = choose(evidence(rates, counts))
    by_name = {one.name: one for one in found.ways}
    assert all(one.gain > 0 for one in found.ways)
    assert by_name["em"].gain > 2 * by_name["em"].gain_error > 0
    assert by_name[found.taken].nested == max(one.nested for one in found.ways)
    assert (found.weights == by_name[found.taken].weights).all()


def test_the_best_so_many_alone_are_weighed_where_that_is_asked_for():
    found = evidence(*drawn(4, members=5))
    chosen = choose(found, top=2)
    best = np.argsort(-found.alone())[:2]
    assert set(np.flatnonzero(chosen.weights)) <= set(best)
    assert choose(found, "equal", 2).weights[best].tolist() == [0.5, 0.5]
    with pytest.raises(BadInput, match="the best 1 to 5 members, got the best 6"):
        choose(found, top=6)
    with pytest.raises(BadInput, match="way of weighing"):
        choose(found, "median")


def test_errors_are_correlated_as_they_were_drawn():
    rng = np.random.default_rng(6)
    truth = rng.gamma(4.0, 0.25, (60, 40, 8))
    shared, own = rng.normal(0, 0.3, truth.shape), rng.normal(0, 0.3, (3, *truth.shape))
    rates = [np.abs(truth + shared + own[0]), np.abs(truth + shared + own[1]), np.abs(truth + own[2])]
    found = correlations(evidence(rates, rng.poisson(truth).astype(float)))
    assert found.diagonal() == pytest.approx(1)
    # Of the errors' variance 1.18 and 1.09, the first two share 1 of the counts and .09, the others 1 of the counts.
    assert found[0, 1] == pytest.approx(1.09 / 1.18, abs=0.02)
    assert found[0, 2] == pytest.approx(1 / (1.18 * 1.09) ** 0.5, abs=0.02)


def test_two_trials_choose_nothing():
    found = choose(evidence(*drawn(4, shape=(2, 6, 2))))
    assert found.weights.tolist() == [0.25] * 4
    assert not found.ways
    assert "at least 3 trials" in found.note


@pytest.mark.parametrize("bad", [np.nan, -1.0])
def test_rates_that_are_none_are_refused(bad):
    rates, counts = drawn(0)
    rates[2, 0, 0, 0] = bad
    with pytest.raises(BadInput, match="member 2 of an average expected finite"):
        evidence(rates, counts)
    with pytest.raises(BadInput, match="at least one member"):
        evidence([], counts)
