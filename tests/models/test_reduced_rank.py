from __future__ import annotations

import numpy as np
import pytest

from raysp.data.splits.batch import to_device
from raysp.models import catalog
from raysp.models.mean_rate import Model as MeanRate
from raysp.models.reduced_rank import boxes
from tests.models.made_up import made_up_split, unbroken


def fitted(split, **hyperparameters):
    model = catalog.build("reduced_rank", hyperparameters, split.sizes)
    model.fit(split.train, unbroken())
    return model, model.predict(to_device(split.train, "cpu").inputs()).numpy()


def test_windows_lie_side_by_side_around_a_bin():
    found = boxes(40, 3.0, False)
    assert [np.flatnonzero(found[window, 20]).tolist() for window in range(5)] == [
        [13, 14, 15],
        [16, 17, 18],
        [19, 20, 21],
        [22, 23, 24],
        [25, 26, 27],
    ]
    assert np.flatnonzero(boxes(40, 3.0, True)[2, 20]).tolist() == [19, 21]


def test_log_rates_have_the_rank_asked_for_and_each_unit_its_spikes():
    split = made_up_split(trials=60, bins=20, heldout=5)
    model, found = fitted(split, rank=2)
    weights = model.weights.numpy()
    assert np.linalg.matrix_rank(weights, tol=1e-9) == 2
    whole = np.concatenate([split.train.heldin, split.train.heldout], axis=2)
    np.testing.assert_allclose(found.rates.sum(axis=(0, 1)), whole.sum(axis=(0, 1)), rtol=1e-4)


def test_it_predicts_better_than_the_floor():
    split = made_up_split(trials=60, bins=30)
    other = made_up_split(trials=120, bins=30).train.take(np.arange(60, 120))
    counts = np.concatenate([other.heldin, other.heldout], axis=2)
    floor = MeanRate(None, split.sizes)
    floor.fit(split.train, unbroken())
    losses = [
        (rates - counts * np.log(rates)).mean()
        for model in (fitted(split)[0], floor)
        for rates in [model.predict(to_device(other, "cpu").inputs()).numpy().rates]
    ]
    assert losses[0] < losses[1] - 0.01


def test_a_held_in_count_does_not_predict_itself():
    split = made_up_split(trials=20)
    model, _ = fitted(split)
    batch = to_device(split.train, "cpu").inputs()
    before = model.predict(batch).rates[0, 3, :6]
    batch.heldin[0, 3] += 5.0
    np.testing.assert_array_equal(model.predict(batch).rates[0, 3, :6], before)


@pytest.mark.parametrize("shape", [{"heldout": 0}, {"bins": 1}, {"bins": 1, "heldout": 0, "heldin": 1}, {"trials": 1}])
def test_a_recording_that_leaves_little_to_choose_from_is_predicted(shape):
    split = made_up_split(**{"trials": 12, **shape})
    assert np.isfinite(fitted(split)[1].rates).all()
