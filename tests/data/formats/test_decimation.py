"""Decimation: the order of its stages, and equality with SciPy's own on the whole signal at once."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.signal
from hypothesis import given
from hypothesis import strategies as st

from raysp.data.formats.decimation import LARGEST, decimated_steps, stages
from raysp.errors import BadInput


@pytest.mark.parametrize(
    ("factor", "expected"),
    [
        (1, ()), (9, (9,)), (13, (13,)), (18, (2, 9)), (24, (2, 12)), (26, (2, 13)), (27, (3, 9)), (36, (3, 12)),
        (89, (89,)), (178, (2, 89)), (1300, (10, 10, 13)),
    ],
)  # fmt: skip
def test_stages_are_few_and_begin_with_the_smallest(factor, expected):
    assert stages(factor) == expected


@given(st.integers(1, 2000))
def test_stages_multiply_to_the_factor_and_are_small_where_they_can_be(factor):
    found = stages(factor)
    assert math.prod(found) == factor
    assert list(found) == sorted(found)
    for stage in found:
        assert 1 < stage <= LARGEST or all(stage % other for other in range(2, stage))


def test_each_stage_is_scipys_zero_phase_fir_decimation():
    rng = np.random.default_rng(0)
    starts, samples = np.array([0, 100, 230, 231, 700]), 1003
    values = rng.integers(0, 2, (5, 3))
    whole = np.repeat(values.astype(float), np.diff(starts, append=samples), axis=0)
    for factor in (2, 9):
        whole = scipy.signal.decimate(whole, factor, ftype="fir", axis=0)
    found = np.stack([decimated_steps(values[:, channel], starts, samples, 18) for channel in range(3)], axis=1)
    np.testing.assert_array_equal(found, whole)
    assert found.shape == (math.ceil(1003 / 18), 3)


@given(st.integers(1, 40), st.integers(1, 500))
def test_the_length_is_rounded_up_and_a_constant_stays_one_inside(factor, bins):
    samples = factor * bins - factor // 2
    found = decimated_steps(np.ones(1), np.zeros(1, dtype=int), samples, factor)
    assert found.shape == (bins,)
    np.testing.assert_allclose(found[25:-25], 1.0, atol=2e-3)


def test_a_factor_below_one_is_refused():
    with pytest.raises(BadInput, match="at least 1, got 0"):
        stages(0)
