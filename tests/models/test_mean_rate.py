from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from raysp.data.splits.batch import to_device
from raysp.errors import BadInput
from raysp.models import catalog
from raysp.models.means import mean_counts
from tests.models.made_up import made_up_split, unbroken


def test_each_unit_has_its_mean_over_known_bins():
    split = made_up_split(nan=True)
    model = catalog.build("mean_rate", {}, split.sizes)
    model.fit(split.train, unbroken())
    found = model.predict(to_device(split.eval, "cpu").inputs()).numpy()
    observed = np.concatenate([split.train.heldin, split.train.heldout], axis=2)
    forward = np.concatenate([split.train.heldin_forward, split.train.heldout_forward], axis=2)
    np.testing.assert_allclose(found.rates[3, 5], np.nanmean(observed, axis=(0, 1)), rtol=1e-6)
    np.testing.assert_allclose(found.rates_forward[0, 1], np.nanmean(forward, axis=(0, 1)), rtol=1e-6)


def test_unknown_forward_counts_leave_the_observed_mean():
    split = made_up_split()
    known = dataclasses.replace(split.train, heldout_forward=None)
    observed, forward = mean_counts(known, split.sizes)
    np.testing.assert_array_equal(forward[split.sizes.heldin :], observed[split.sizes.heldin :])
    assert (forward[: split.sizes.heldin] != observed[: split.sizes.heldin]).any()


def test_a_unit_that_was_never_observed_has_mean_zero():
    split = made_up_split()
    split.train.heldin[..., 1] = np.nan
    assert mean_counts(split.train, split.sizes)[0][1] == 0


def test_missing_heldout_counts_are_refused():
    split = made_up_split()
    with pytest.raises(BadInput, match="expected held-out counts"):
        mean_counts(split.eval, split.sizes)
