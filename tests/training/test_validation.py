from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raysp.config.experiment import Training
from raysp.errors import BadInput
from raysp.training.validation import validation_mask
from tests.models.made_up import made_up_split


@settings(deadline=None)
@given(st.integers(2, 40), st.integers(2, 10), st.integers(0, 3))
def test_every_nth_trial_in_an_order_of_its_own(trials, every, seed):
    split = made_up_split(trials=trials, bins=1, forward=0)
    training = Training(validation_every=every, validation_seed=seed)
    mask = validation_mask(split.train, training)
    assert mask.sum() == -(-trials // every)
    np.testing.assert_array_equal(mask, validation_mask(split.train, training))


def test_without_a_seed_every_nth_as_recorded():
    mask = validation_mask(made_up_split().train, Training(validation_every=5, validation_seed=None))
    assert list(np.flatnonzero(mask)) == [0, 5, 10]


def test_the_sources_own_choice_wins():
    train = made_up_split().train
    chosen = np.arange(len(train)) == 7
    assert list(validation_mask(dataclasses.replace(train, validation=chosen), Training())) == list(chosen)


@pytest.mark.parametrize("given_mask", [np.ones(12), np.zeros(12)])
def test_nothing_to_train_or_validate_on_is_refused(given_mask):
    train = dataclasses.replace(made_up_split().train, validation=given_mask.astype(bool))
    with pytest.raises(BadInput, match="others to validate on"):
        validation_mask(train, Training())


def test_a_single_trial_is_refused():
    with pytest.raises(BadInput, match="got 1 trials"):
        validation_mask(made_up_split(trials=1).train, Training())
