"""The cross-validated ridge regression against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV

from raysp.errors import BadInput
from raysp.evaluation.ridge import fit_ridge

ALPHAS = np.logspace(-4, 4, 9)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    rows=st.integers(12, 90),
    inputs=st.integers(1, 40),
    outputs=st.integers(1, 3),
    folds=st.integers(2, 6),
    offset=st.sampled_from([0.0, 100.0]),
)
def test_equals_scikit_learn(seed, rows, inputs, outputs, folds, offset):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, inputs)) + offset
    y = x @ rng.standard_normal((inputs, outputs)) + rng.standard_normal((rows, outputs)) * 3 - offset
    weights, intercept = fit_ridge(x, y, ALPHAS, folds)
    theirs = GridSearchCV(Ridge(), {"alpha": ALPHAS}, cv=folds).fit(x, y).best_estimator_
    np.testing.assert_allclose(weights, np.atleast_2d(theirs.coef_).T, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(x @ weights + intercept, theirs.predict(x).reshape(rows, -1), rtol=1e-8, atol=1e-8)


def test_inputs_without_variance_give_the_mean():
    y = np.random.default_rng(0).standard_normal((30, 2))
    weights, intercept = fit_ridge(np.full((30, 4), 0.3), y, ALPHAS, 5)
    np.testing.assert_allclose(weights, 0, atol=1e-12)
    np.testing.assert_allclose(intercept, y.mean(axis=0), atol=1e-12)


def test_folds_of_one_row_choose_the_first_penalty():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((5, 2)), rng.standard_normal((5, 1))
    weights, _ = fit_ridge(x, y, ALPHAS, 5)
    np.testing.assert_allclose(weights, Ridge(alpha=ALPHAS[0]).fit(x, y).coef_.reshape(-1, 1), rtol=1e-9)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("row", [0, 25])
@pytest.mark.parametrize("where", ["x", "y"])
def test_values_that_are_not_finite_are_refused(bad, row, where):
    rng = np.random.default_rng(0)
    arrays = {"x": rng.standard_normal((30, 3)), "y": rng.standard_normal((30, 2))}
    arrays[where][row, 1] = bad
    with pytest.raises(BadInput, match="finite rates and behaviour"):
        fit_ridge(arrays["x"], arrays["y"], ALPHAS, 5)
