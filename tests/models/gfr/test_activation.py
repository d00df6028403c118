"""The published fit of an activation."""

from __future__ import annotations

import numpy as np
import pytest

from raysp.models.gfr import activation
from raysp.models.gfr.activation import begin

CURRENT, RATE = np.array([20.0, 60, 100, 140, 180, 220]), np.array([0, 0, 0.05, 0.05, 0.1, 0.1])


def test_it_is_the_published_one():
    poly, threshold = begin(CURRENT, RATE, 1, np.random.default_rng(0))
    assert threshold == 60
    assert poly[1] == pytest.approx(0.1833333, abs=1e-7)
    losses = {}
    for epochs in (1, 1000):
        theta = np.array([0.1, poly[1], threshold])
        losses[epochs] = activation._adam(CURRENT, RATE * 20, theta, 220.0, 0.15 * 20, epochs, 0.05)
    assert losses == pytest.approx({1: 15.553978, 1000: 3.3467665}, rel=1e-6)
    assert theta == pytest.approx([0.0679208, 1.1429796, 60.825783], rel=1e-5)


def test_points_in_another_order_are_the_same_start():
    order = np.random.default_rng(1).permutation(6)
    assert begin(CURRENT[order], RATE[order], 1, np.random.default_rng(0))[1] == 60


def test_starts_where_nothing_fires_and_where_two_points_coincide():
    poly, threshold = begin(CURRENT, 0 * RATE, 1, np.random.default_rng(0))
    assert threshold == 0
    assert poly[1] == 0
    poly, _ = begin(CURRENT[:1], RATE[4:5], 1, np.random.default_rng(0))
    assert not np.isfinite(poly).all()


def fitted(units, second_order=False, **changes):
    rates = [RATE, 0 * RATE, RATE[::-1], RATE * 1.5]
    ptr = np.arange(len(units) + 1) * 6
    return activation.fit(
        np.tile(CURRENT, len(units)), np.concatenate([rates[unit] for unit in units]), ptr, np.full(len(units), 0.15),
        20, np.array(units), 3, second_order=second_order, **changes,
    )  # fmt: skip


def test_a_units_activation_is_its_own_whatever_others_there_are():
    together = fitted([0, 1, 3])
    for place, unit in enumerate([0, 1, 3]):
        alone = fitted([unit])
        np.testing.assert_array_equal(alone.poly[0], together.poly[place])
        assert alone.loss[0] == together.loss[place]


def test_second_order_comes_at_least_as_low():
    assert (fitted([0, 3], second_order=True).loss <= fitted([0, 3]).loss + 2e-3).all()


def test_units_without_points_or_gamma_have_no_activation():
    found = activation.fit(CURRENT, RATE, np.array([0, 6, 6]), np.array([np.nan, 0.1]), 20, np.array([1, 2]), 0)
    assert np.isinf(found.loss).all()
