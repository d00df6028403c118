"""Networks predict as many spikes of training trials as were recorded."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from raysp.config.experiment import Training, Trial
from raysp.kinds.population import learner
from raysp.kinds.population.calibration import of_units, ratios_of_training
from raysp.training.job import Job
from raysp.training.predict import predict
from tests.models.made_up import made_up_split

SMALL = {
    "sae": {"hidden": 5, "encoder_hidden": 5},
    "masked_gru": {"hidden": 5, "layers": 1},
    "ensemble": {"member": "sae", "members": 2, "hyperparameters": {"hidden": 5, "encoder_hidden": 5}},
}


@pytest.mark.parametrize("name", SMALL)
def test_after_training_each_units_spikes_are_as_many_as_were_recorded(name):
    split = made_up_split(trials=60)
    split.train.heldin[..., 0] = 0.0
    training = Training(epochs=2, learning_rate=0.05, measure_every=0)
    job = Job(Trial(name, SMALL[name], training, "made_up", "0" * 64), "cpu")
    fitted = learner.fit(job, split)
    found = predict(fitted.model, split.train, "cpu")
    predicted, recorded = of_units(found, split.train)
    whole = [one for one in ratios_of_training(job.trial, split.train, found) if one.unit_index is None]
    assert [one.parameter for one in whole] == ["training trials", "validation trials"]
    assert [one.value for one in whole] == pytest.approx([1.0, 1.0], abs=0.15)
    np.testing.assert_allclose(predicted[1:] / recorded[1:], 1.0, atol=0.03)
    assert predicted[0] < 10
    gain = fitted.model.gain
    assert not torch.equal(gain, torch.ones(9))
    without = dataclasses.replace(split, train=dataclasses.replace(split.train, rates=None))
    assert torch.equal(learner.fit(job, without).model.gain, gain)
