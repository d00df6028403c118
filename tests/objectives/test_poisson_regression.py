from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import PoissonRegressor

from raysp.errors import BadInput
from raysp.objectives.poisson_regression import SILENT, poisson_regression


def made_up(rows=300, features=7, outputs=4, seed=0):
    rng = np.random.default_rng(seed)
    inputs = rng.normal(-2, 1, (rows, features)) @ rng.normal(0, 0.6, (features, features))
    weights = rng.normal(0, 0.15, (features, outputs))
    counts = rng.poisson(np.exp((inputs - inputs.mean(axis=0)) @ weights - 0.5)).astype(np.float32)
    return inputs, counts


def theirs(inputs, counts, alpha):
    known = ~np.isnan(counts)
    return PoissonRegressor(alpha=alpha, tol=1e-12, max_iter=10_000, solver="newton-cholesky").fit(
        inputs[known], counts[known]
    )


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**31), st.sampled_from([1e-3, 1e-2, 0.1, 1.0]))
def test_it_finds_scikit_learns_converged_solution(seed, alpha):
    inputs, counts = made_up(seed=seed)
    counts[:, 0] += 1
    weights, intercepts = poisson_regression(inputs, counts, alpha)
    for j in range(counts.shape[1]):
        if counts[:, j].any():
            reference = theirs(inputs, counts[:, j], alpha)
            np.testing.assert_allclose(weights[:, j], reference.coef_, atol=1e-6)
            np.testing.assert_allclose(intercepts[j], reference.intercept_, atol=1e-6)


def test_unknown_rows_of_one_output_leave_the_others_alone():
    inputs, counts = made_up()
    hidden = counts.copy()
    hidden[::3, 1] = np.nan
    whole, partial = poisson_regression(inputs, counts, 0.01), poisson_regression(inputs, hidden, 0.01)
    np.testing.assert_allclose(partial[0][:, [0, 2, 3]], whole[0][:, [0, 2, 3]], atol=1e-6)
    np.testing.assert_allclose(partial[0][:, 1], theirs(inputs, hidden[:, 1], 0.01).coef_, atol=1e-6)


def test_an_output_without_counts_is_predicted_silent():
    inputs, counts = made_up()
    counts[:, 2] = 0
    counts[:, 3] = np.nan
    weights, intercepts = poisson_regression(inputs, counts, 0.01)
    assert (weights[:, 2:] == 0).all()
    np.testing.assert_allclose(np.exp(intercepts[2:]), SILENT)


def test_constant_and_repeated_inputs_are_no_trouble():
    inputs, counts = made_up()
    inputs = np.hstack([inputs, np.ones((len(inputs), 1)), inputs[:, :1]])
    weights, _ = poisson_regression(inputs, counts, 0.01)
    np.testing.assert_allclose(weights[-2], 0, atol=1e-8)
    np.testing.assert_allclose(weights[0], weights[-1], atol=1e-6)


def test_bad_input_is_refused():
    inputs, counts = made_up()
    with pytest.raises(BadInput, match="penalty > 0"):
        poisson_regression(inputs, counts, 0.0)
    with pytest.raises(BadInput, match=r"\(rows, features\)"):
        poisson_regression(inputs[:-1], counts, 0.1)


def test_too_few_steps_are_told():
    inputs, counts = made_up()
    with pytest.raises(BadInput, match="did not converge"):
        poisson_regression(inputs, counts, 0.01, max_iterations=1)
