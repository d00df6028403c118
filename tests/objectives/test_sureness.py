"""How far something is believed: surely better on trials that did not train it."""

import numpy as np
import pytest

from raysp.objectives.sureness import GRID, believed, surely_below


def test_a_difference_is_sure_when_it_is_larger_than_chance_makes_it():
    assert not surely_below(np.array([-5.0]))
    assert not surely_below(np.array([-5.0, 4.0, -3.0]))
    # Two or three that happen to gain alike say less than four.
    assert not surely_below(np.array([-5.0, -4.0]))
    assert surely_below(np.array([-5.0, -4.0, -5.0, -4.0]))
    assert surely_below(np.full(8, -1.0) + np.linspace(-0.5, 0.5, 8))
    assert not surely_below(np.full(8, -1.0), poisson=5.0)


def test_trials_that_gain_unlike_each_other_are_sure_where_none_loses():
    unlike = np.array([-9.0, -2.0, -1.0, -0.5, -0.2, -0.1, -0.1, 0.1])
    assert unlike.mean() > -2.0 * unlike.std(ddof=1) / np.sqrt(8)
    assert surely_below(unlike)
    assert surely_below(np.repeat(unlike, 3))
    assert not surely_below(unlike, poisson=8.0)
    # As much lost by one trial, or so few of them that signs tell nothing, is no longer sure.
    assert not surely_below(np.append(unlike, 9.0))
    assert not surely_below(unlike[:4])


def test_what_only_chance_makes_different_is_seldom_sure():
    rng = np.random.default_rng(3)
    found = [surely_below(each) for each in rng.standard_t(3, size=(200, 9))]
    assert np.mean(found) < 0.06


def test_a_baseline_is_believed_as_far_as_it_is_surely_better():
    spread = np.linspace(-0.5, 0.5, 8)

    def overshooting(weight):
        return weight * (weight - 0.6) + 0.1 * weight * spread, 0.0

    assert believed(overshooting) == pytest.approx(0.3)
    # From where chance alone explains the difference, the largest smaller weight.
    assert believed(lambda weight: (np.full(8, -weight), 8.0 * weight * weight)) == pytest.approx(0.45)
    assert believed(lambda weight: (weight * spread, 0.0)) == 0.0
    # Losses of two trials that cross at some weight hardly differ there, which is no reason to be sure.
    assert believed(lambda weight: (np.array([-10.0 * weight, weight - 12.0 * weight**2]), 0.0)) == 0.0
    assert GRID[0] == 0.0
