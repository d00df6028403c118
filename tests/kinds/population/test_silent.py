"""Validation trials in which nothing hidden fires, or of which there are none, tell no model from another."""

import dataclasses

import numpy as np

from raysp.config.experiment import Trial
from raysp.kinds.population.silent import unheard
from tests.training.made_up import made_up_split


def test_models_can_be_told_apart_where_anything_hidden_fires_in_a_validation_trial():
    split, trial = made_up_split(), Trial("mean_rate", {}, None, "made_up", "0", 0)
    assert unheard(trial, split) is None
    train = split.train
    hidden = {name: getattr(train, name) for name in ("heldout", "heldin_forward", "heldout_forward")}
    silent = dataclasses.replace(
        train, **{name: None if counts is None else np.zeros_like(counts) for name, counts in hidden.items()}
    )
    assert "nothing that is hidden has a spike" in unheard(trial, dataclasses.replace(split, train=silent))
    one = dataclasses.replace(split, train=train.take(np.arange(1)))
    assert unheard(trial, one) == "of one training trial none can be set aside"
