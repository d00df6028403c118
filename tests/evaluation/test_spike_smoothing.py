"""Inner products of smoothed trains, against smoothing them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from raysp.errors import BadInput
from raysp.evaluation.spike_smoothing import checked, cosine, gaussian, gaussian_kernels, inner_products, pairs_by_lag

SIGMAS = np.array([0.0, 5.0])


@pytest.mark.parametrize("width", [0.05, 0.124, 0.125, 0.374, 0.375, 1.0, 4.9591, 148.77])
def test_the_gaussian_is_scipys_with_its_radius(width):
    impulse = np.zeros(2001)
    impulse[1000] = 1
    response = gaussian_filter1d(impulse, width, mode="constant", truncate=4.0)
    kernel = gaussian(width)
    np.testing.assert_allclose(kernel, np.trim_zeros(response), rtol=1e-12)
    assert len(kernel) == 2 * int(4 * width + 0.5) + 1


def test_pairs_are_counted_by_hand():
    trains = np.array([[1.0, 0, 0, 2], [0, 1, 0, 0]])
    pairs = pairs_by_lag(trains, 4)
    assert pairs[:, 0, 1].tolist() == [0, 1, 2, 0, 0]
    assert pairs[:, 0, 0].tolist() == [5, 0, 0, 4, 0]
    np.testing.assert_array_equal(pairs, pairs.transpose(0, 2, 1))


def test_mirrored_pairs_are_counted_by_hand():
    # The second train goes on as ... 0 0 0 1 | 1 0 0 | 0 0 1 1 0 0 ...
    pairs = pairs_by_lag(np.array([[0.0, 1, 0], [1, 0, 0]]), 4, mirrored=True)
    assert pairs[:, 0, 1].tolist() == [0, 1, 1, 0, 1]


def test_a_million_pairs_are_counted_to_the_last_one():
    trains = np.random.default_rng(0).poisson(3.0, (1, 100_000)).astype(np.float64)
    pairs = pairs_by_lag(trains, 2)[:, 0, 0]
    train = trains[0].astype(int)
    assert pairs.tolist() == [train @ train, 2 * (train[1:] @ train[:-1]), 2 * (train[2:] @ train[:-2])]


def test_inner_products_do_not_depend_on_the_other_widths_asked_for():
    trains = np.random.default_rng(0).poisson(0.1, (2, 300)).astype(np.float64)
    widths = (0.0, 2.0, 70.0)
    alone = np.concatenate([inner_products(trains, gaussian_kernels((width,))) for width in widths])
    np.testing.assert_allclose(inner_products(trains, gaussian_kernels(widths)), alone, rtol=1e-12)


def test_the_cosine_of_a_train_without_spikes_is_zero():
    assert cosine(np.array([[[4.0, 0.0], [0.0, 0.0]], [[4.0, 2.0], [2.0, 4.0]]])).tolist() == [0.0, 0.5]


def test_bad_input_is_refused():
    train = np.array([0, 1, 0])
    for wrong, match in (
        (np.array([0, 1]), "as many predicted as true bins, got 2 and 3"),
        (np.zeros((3, 1)), r"shape \(bins,\)"),
        (np.zeros(0), r"shape \(bins,\)"),
        (np.array([0, -1, 0]), "whole counts >= 0, got values from -1"),
        (np.array([0, np.nan, 0]), "whole counts"),
        (np.array([0, np.inf, 0]), "whole counts"),
        (np.array([0, 0.5, 0]), "not rates"),
    ):
        with pytest.raises(BadInput, match=match):
            checked(train, wrong, 1.0, SIGMAS)
    with pytest.raises(BadInput, match="true spikes"):
        checked(train - 1, train, 1.0, SIGMAS)
    for bin_ms in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(BadInput, match="bin_ms expected a width > 0"):
            checked(train, train, bin_ms, SIGMAS)
    for sigmas in ([-1.0], [np.nan], [np.inf], [1001.0]):
        with pytest.raises(BadInput, match="widths from 0 to 1000 ms"):
            checked(train, train, 1.0, np.array(sigmas))
    for sigmas in (np.zeros(0), np.zeros((2, 2)), np.float64(3.0)):
        with pytest.raises(BadInput, match="a list of widths"):
            checked(train, train, 1.0, sigmas)
