"""The made-up population: what its evaluation trials ask for, its training trials show."""

import numpy as np
import pytest

from raysp.config import settings
from raysp.data.sources import made_up


@pytest.mark.parametrize("conditions", [1, 2, 4, 8])
def test_every_condition_stands_among_the_training_and_the_evaluation_trials(conditions):
    given = {"conditions": conditions, "bins": 5, "units": 4, "heldout": 1}
    split, answers = made_up.build(settings.build(made_up.Config, given, "x"), "x")
    of_training, of_evaluation = split.train.condition, answers.trials.condition
    assert set(of_training) == set(of_evaluation) == set(range(conditions))
    assert np.bincount(np.concatenate([of_training, of_evaluation])).tolist() == [160 // conditions] * conditions
