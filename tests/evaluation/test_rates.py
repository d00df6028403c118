"""Measures against true rates, on cases whose answer is known."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import mean_poisson_deviance

from raysp.errors import BadInput
from raysp.evaluation.bits_per_spike import bits_per_spike
from raysp.evaluation.rates import (
    measures_of_truth,
    pearson2_pooled,
    poisson_deviance,
    r2_per_unit,
    r2_pooled,
)


def against_truth(rates, true):
    return {name: compute() for name, compute in measures_of_truth(rates, true).items()}


LORENZ = Path(__file__).parents[3] / "shared" / "data" / "lfads_lorenz.h5"


@pytest.fixture
def true():
    return np.random.default_rng(0).gamma(2.0, 0.1, (30, 20, 5)) * np.arange(1, 6)


def test_truth_is_perfect_and_the_mean_is_zero(true):
    mean = np.broadcast_to(true.mean(axis=(0, 1)), true.shape)
    assert against_truth(true, true) == {
        "true-rate R2": 1.0,
        "true-rate R2 pooled": 1.0,
        "true-rate Pearson r squared, pooled": pytest.approx(1.0),
        "constant neurons": 0,
    }
    np.testing.assert_allclose(r2_per_unit(mean, true), 0, atol=1e-12)
    assert r2_pooled(mean, true) > 0.1, "the units' different means count as explained"


def test_every_unit_counts_the_same_and_scale_matters_except_to_pearson(true):
    predicted = true + np.random.default_rng(1).normal(0, 0.05, true.shape)
    scaled = against_truth(predicted * 3, true * 3)
    assert scaled == pytest.approx(against_truth(predicted, true))
    assert pearson2_pooled(5 * predicted + 1, true) == pytest.approx(pearson2_pooled(predicted, true))
    assert r2_pooled(5 * predicted + 1, true) < 0
    np.testing.assert_allclose(
        r2_per_unit(predicted * [1, 10, 1, 1, 1], true * [1, 10, 1, 1, 1]), r2_per_unit(predicted, true)
    )


def test_pearson_is_the_squared_correlation(true):
    predicted = true + np.random.default_rng(1).normal(0, 0.2, true.shape)
    assert pearson2_pooled(predicted, true) == pytest.approx(stats.pearsonr(predicted.ravel(), true.ravel())[0] ** 2)
    assert np.isnan(pearson2_pooled(np.zeros_like(true), true))


def test_units_whose_rate_never_changes_are_left_out_and_counted(true):
    predicted = true + 0.1
    expected = r2_per_unit(predicted, true)[1:].mean()
    true[..., 0] = 0.3
    result = against_truth(predicted, true)
    assert result["constant neurons"] == 1
    assert result["true-rate R2"] == pytest.approx(expected)


@given(seed=st.integers(0, 1000))
def test_deviance_equals_scikit_learn_and_is_zero_at_the_counts(seed):
    rng = np.random.default_rng(seed)
    rates = rng.gamma(2.0, 0.5, (4, 5, 3))
    counts = rng.poisson(rates).astype(float)
    assert poisson_deviance(rates, counts) == pytest.approx(mean_poisson_deviance(counts.ravel(), rates.ravel()))
    assert poisson_deviance(counts, counts) == pytest.approx(0.0, abs=1e-8)
    assert poisson_deviance(rates, rates) == 0.0


def test_deviance_leaves_out_unobserved_bins():
    counts = np.array([[[1.0], [np.nan]]])
    assert poisson_deviance(np.array([[[1.0], [np.nan]]]), counts) == 0.0


@pytest.mark.real
@pytest.mark.skipif(not LORENZ.exists(), reason=f"needs the LFADS tutorial's Lorenz set, shared/data/{LORENZ.name}")
def test_true_rates_of_the_lorenz_set_reach_the_published_ceiling():
    with h5py.File(LORENZ) as file:
        counts = file["valid_data"][()]
        rates = file["valid_truth"][()] * 0.01  # Hz in bins of 10 ms
    assert bits_per_spike(rates, counts) == pytest.approx(0.958, abs=2e-3)


def test_bad_input_is_refused(true):
    with pytest.raises(BadInput, match="one shape"):
        against_truth(true[1:], true)
    with pytest.raises(BadInput, match="finite predicted and true rates"):
        against_truth(np.full_like(true, np.nan), true)
    with pytest.raises(BadInput, match="changes in at least one unit"):
        against_truth(true, np.ones_like(true))
    with pytest.raises(BadInput, match="at least one observed bin"):
        poisson_deviance(true, np.full_like(true, np.nan))
    with pytest.raises(BadInput, match="finite rates >= 0"):
        poisson_deviance(-true, true)
    with pytest.raises(BadInput, match="finite counts >= 0"):
        poisson_deviance(true, -true)
