"""Explained variance and its ratio: numbers of the published code, and what must hold."""

from __future__ import annotations

import numpy as np
import pytest

from raysp.objectives.explained_variance import (
    against_repeats,
    ceilings,
    explained_variance,
    published_ratio,
    quantised,
)

REPEATS = np.array([[0, 1, 1, 0, 0, 1], [1, 1, 2, 0, 0, 0], [0, 0, 1, 1, 0, 1]], float)
MODEL = np.array([0.02, 0.04, 0.06, 0.01, 0, 0.03])


def test_ratio_is_the_published_one():
    found = against_repeats(REPEATS, MODEL, 20)
    assert found.ratio == pytest.approx(0.9307804, abs=1e-6)
    assert found.quantised == pytest.approx(0.8846722, abs=1e-6)
    assert explained_variance(REPEATS[0], REPEATS[1]) == pytest.approx(0.4137929, abs=1e-6)
    assert explained_variance(REPEATS[0], REPEATS[2]) == pytest.approx(0.3333333, abs=1e-6)


def test_the_mean_of_the_repeats_comes_to_one_and_silence_to_nothing():
    assert against_repeats(REPEATS, REPEATS.mean(axis=0) / 20, 20).ratio == pytest.approx(1, rel=1e-12)
    assert against_repeats(REPEATS, np.zeros(6), 20).ratio == pytest.approx(0, abs=1e-15)


def test_a_rate_explains_itself_and_nothing_of_its_opposite():
    x = np.random.default_rng(0).normal(size=50)
    assert explained_variance(x, x) == pytest.approx(1)
    assert explained_variance(x, -x) == pytest.approx(-1)
    assert np.isnan(explained_variance(np.ones(5), np.zeros(5)))


def test_rates_side_by_side_are_each_as_alone():
    rates = np.random.default_rng(1).random((4, 6)) / 20
    found = published_ratio(REPEATS, rates, 20)
    assert found == pytest.approx([against_repeats(REPEATS, one, 20).ratio for one in rates], rel=1e-14)


def test_halves_are_rounded_up_to_whole_spikes():
    assert quantised(np.array([0, 0.0249, 0.025, 0.074, 0.076]), 20) == pytest.approx(np.array([0, 0, 1, 1, 2]) / 20)


def test_repeats_without_a_spike_have_no_ratio():
    found = against_repeats(np.zeros((3, 6)), MODEL, 20)
    assert np.isnan([found.ratio, found.leave_one_out, found.quantised]).all()
    assert np.isnan([ceilings(np.zeros((3, 6)), 20).least, ceilings(REPEATS[:1], 20).estimate]).all()


def test_a_perfect_model_lies_between_the_ceilings_and_one():
    rng = np.random.default_rng(2)
    rate = rng.gamma(0.3, 1, 5000)
    counts = rng.poisson(rate, (10, 5000))
    perfect, found = against_repeats(counts, rate / 20, 20).ratio, ceilings(counts, 20)
    assert found.least < perfect < 1
    assert found.estimate == pytest.approx(perfect, abs=0.01)
