"""Decoding of behaviour: what counts, what is left out, what is refused. Its numbers are checked in test_nlb."""

from __future__ import annotations

import numpy as np
import pytest

from raysp.errors import BadInput
from raysp.evaluation.velocity import decode


def velocity_r2(*parts):
    return decode(*parts).mean


@pytest.fixture
def parts():
    rng = np.random.default_rng(0)
    rates = rng.gamma(2.0, 0.1, (30, 10, 6))
    behavior = rates @ rng.standard_normal((6, 2)) + rng.standard_normal((30, 10, 2)) * 0.1
    return rates[:20], behavior[:20], rates[20:], behavior[20:]


def test_linear_behaviour_is_decoded_and_noise_is_not(parts):
    train_rates, train_behavior, eval_rates, eval_behavior = parts
    noise = np.random.default_rng(1).standard_normal(eval_behavior.shape)
    assert velocity_r2(*parts) > 0.8
    assert velocity_r2(train_rates, train_behavior, eval_rates, noise) < 0.1


def test_scale_and_offset_of_behaviour_do_not_matter(parts):
    train_rates, train_behavior, eval_rates, eval_behavior = parts
    moved = velocity_r2(train_rates, 1000 * train_behavior + 5, eval_rates, 1000 * eval_behavior + 5)
    assert moved == pytest.approx(velocity_r2(*parts), abs=1e-10)


def test_rows_with_unknown_behaviour_never_matter(parts):
    train_rates, train_behavior, eval_rates, eval_behavior = (x.copy() for x in parts)
    train_behavior[3, 4:] = np.nan
    eval_behavior[2] = np.nan
    expected = velocity_r2(train_rates, train_behavior, eval_rates, eval_behavior)
    train_rates[3, 4:] = np.nan
    eval_rates[2] = 1e9
    assert velocity_r2(train_rates, train_behavior, eval_rates, eval_behavior) == expected


def test_decoders_are_fitted_apart_and_averaged(parts):
    train_rates, train_behavior, eval_rates, eval_behavior = parts
    first = np.arange(20) < 12, np.arange(10) < 4
    masks = [np.column_stack([mask, ~mask]) for mask in first]
    both = [
        velocity_r2(train_rates[a], train_behavior[a], eval_rates[b], eval_behavior[b])
        for a, b in (first, (~first[0], ~first[1]))
    ]
    assert velocity_r2(*parts, *masks) == pytest.approx(np.mean(both), abs=1e-12)
    assert velocity_r2(*parts, *(mask.astype(int) for mask in masks)) == velocity_r2(*parts, *masks)


def test_constant_rates_are_no_better_than_the_mean(parts):
    train_rates, train_behavior, eval_rates, eval_behavior = parts
    flat = velocity_r2(np.ones_like(train_rates), train_behavior, np.ones_like(eval_rates), eval_behavior)
    assert flat <= 1e-12


def nan_at(array, index):
    array = array.copy()
    array[index] = np.nan
    return array


def test_bad_input_is_refused(parts):
    train_rates, train_behavior, eval_rates, eval_behavior = parts
    with pytest.raises(BadInput, match=r"training: expected rates \(trials, bins, units\)"):
        velocity_r2(train_rates[1:], train_behavior, eval_rates, eval_behavior)
    with pytest.raises(BadInput, match="as many units in training as in evaluation, got 6 and 5"):
        velocity_r2(train_rates, train_behavior, eval_rates[..., 1:], eval_behavior)
    with pytest.raises(BadInput, match="as many decoders"):
        velocity_r2(*parts, np.ones((20, 2)), np.ones((10, 1)))
    with pytest.raises(BadInput, match=r"decode mask expected shape \(20, decoders\), got \(19, 2\)"):
        velocity_r2(*parts, np.ones((19, 2)), np.ones((10, 2)))
    with pytest.raises(BadInput, match="evaluation: decoder 0 expected at least 2 bins with known behaviour, got 0"):
        velocity_r2(*parts, None, np.zeros((10, 1)))
    with pytest.raises(BadInput, match="training: decoder 0 expected at least 5 bins"):
        velocity_r2(train_rates, np.full_like(train_behavior, np.nan), eval_rates, eval_behavior)
    with pytest.raises(BadInput, match="in evaluation, got NaN"):
        velocity_r2(train_rates, train_behavior, nan_at(eval_rates, (0, 0, 0)), eval_behavior)
    with pytest.raises(BadInput, match="rows used to fit, got NaN"):
        velocity_r2(train_rates, nan_at(train_behavior, (0, 0, 1)), eval_rates, eval_behavior)
