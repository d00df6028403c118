"""Axes of counts are guessed right, or the guess is said to be one."""

from itertools import permutations

import numpy as np
import pytest

from raysp.data.sources.guessed_axes import ALIKE, ENDS, LOOK, UNTOLD, guessed
from raysp.data.sources.population_config import ORDER

ORDERS = list(permutations(range(3)))
SHAPE = (30, 60, 12)
RNG = np.random.default_rng(0)


def poisson(rate=0.5):
    return RNG.poisson(np.broadcast_to(rate, SHAPE)).astype(float)


def ended(end):
    """Return counts of units of one rate, whose trials end at places of their own, in zeros or NaN."""
    counts = poisson()
    for trial in counts:
        trial[RNG.integers(20, 60) :] = end
    return counts


def of_courses():
    waves = 1 + 0.9 * np.sin(np.linspace(0, 6, 60)[:, None] + RNG.uniform(0, 6, 12))
    return poisson(waves * RNG.gamma(3, 0.3, 12))


@pytest.mark.parametrize("order", ORDERS, ids=str)
@pytest.mark.parametrize(
    ("counts", "why"), [(ended(0), ENDS), (ended(np.nan), ENDS), (of_courses(), LOOK)], ids=["zeros", "NaN", "courses"]
)
def test_axes_are_told_in_any_order(counts, why, order):
    assert guessed(counts.transpose(order), {}) == (tuple(ORDER[axis] for axis in order), why)


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_marks_of_what_is_missing_lead_to_no_other_axes(order):
    counts = np.nan_to_num(ended(np.nan), nan=255).astype(np.uint8)
    assert guessed(counts.transpose(order), {})[0] == tuple(ORDER[axis] for axis in order)


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_counts_that_tell_nothing_are_said_to(order):
    assert guessed(poisson().transpose(order), {}) == (ORDER, UNTOLD)


def test_time_and_trials_that_drift_are_not_told_apart():
    drift = np.exp(np.linspace(-1, 1, 30)[:, None, None] * RNG.normal(0, 1, 12))
    assert guessed(poisson(drift * (of_courses().mean(axis=0) + 0.1)), {}) == (ORDER, ALIKE)


@pytest.mark.parametrize(
    ("counts", "axes", "known"),
    [
        (RNG.poisson(1.0, (600, 12)), ("bins", "units"), True),
        (of_courses().sum(axis=0).repeat(2, axis=0), ("bins", "units"), True),
        (np.tile(of_courses().sum(axis=0)[:30], 9), ("bins", "units"), False),
        (of_courses().sum(axis=0)[:10], ("units", "bins"), False),
        (RNG.poisson(1.0, (40, 30)), ("bins", "units"), False),
    ],
    ids=["many bins", "courses", "fewer bins than units", "few bins", "about as many"],
)
def test_two_axes_are_told_by_their_lengths_or_are_not_known(counts, axes, known):
    found, why = guessed(counts, {})
    assert (found, "NOT KNOWN" not in why) == (axes, known)
