from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from raysp.data.splits.batch import Batch, to_device
from raysp.data.splits.split import header_of
from raysp.errors import BadInput
from raysp.models import catalog
from raysp.models.true_rates import applies
from tests.models.made_up import made_up_split


def test_it_repeats_the_truth():
    split = made_up_split()
    model = catalog.build("true_rates", {}, split.sizes)
    found = model.predict(to_device(split.eval, "cpu").inputs()).numpy()
    np.testing.assert_array_equal(np.concatenate([found.rates, found.rates_forward], axis=1), split.eval.rates)


def test_it_does_not_apply_where_truth_is_unknown():
    split = made_up_split()
    unknown = dataclasses.replace(split, eval=dataclasses.replace(split.eval, rates=None))
    assert applies(header_of(split)) is None
    assert "generated" in applies(header_of(unknown))
    model = catalog.build("true_rates", {}, split.sizes)
    with pytest.raises(BadInput, match="known true rates"):
        model.predict(Batch(heldin=to_device(split.eval, "cpu").heldin))
