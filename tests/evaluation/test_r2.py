"""R2 against scikit-learn's, constant columns included."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import r2_score

from raysp.evaluation.r2 import r2_columns


@given(seed=st.integers(0, 1000), rows=st.integers(2, 40))
def test_equals_scikit_learn(seed, rows):
    rng = np.random.default_rng(seed)
    true, predicted = rng.standard_normal((2, rows, 5))
    true[:, 0] = predicted[:, 0]
    true[:, 1] = 0.0
    true[:, 2] = predicted[:, 2] = 3.0
    expected = r2_score(true, predicted, multioutput="raw_values")
    np.testing.assert_allclose(r2_columns(true, predicted), expected, rtol=1e-12)
    assert r2_columns(true, predicted)[:3].tolist() == [1.0, 0.0, 1.0]
