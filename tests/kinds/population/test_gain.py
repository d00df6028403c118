"""Networks predict as many spikes of training trials as were recorded, and never know less than the mean rate."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from raysp.config.experiment import Training, Trial
from raysp.kinds.population import learner
from raysp.kinds.population.calibration import of_units, ratios_of_training
from raysp.kinds.population.predict import predicted
from raysp.training.job import Follow, Job
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
    found = predicted(job, fitted, split.train)
    recorded = of_units(found, split.train)
    whole = [one for one in ratios_of_training(job.trial, split.train, found) if one.unit_index is None]
    assert [one.parameter for one in whole] == ["training trials", "validation trials"]
    assert [one.value for one in whole] == pytest.approx([1.0, 1.0], abs=0.15)
    np.testing.assert_allclose(recorded[0, 1:] / recorded[1, 1:], 1.0, atol=0.03)
    assert found.rates[..., 0].sum() < 10
    assert set(fitted.calibration.weights) == {"held-in units", "held-out units", "forward bins"}
    without = dataclasses.replace(split, train=dataclasses.replace(split.train, rates=None))
    np.testing.assert_array_equal(predicted(job, learner.fit(job, without), split.train).rates, found.rates)


def test_what_is_noise_is_predicted_as_the_mean_rate():
    split, rng = made_up_split(trials=40), np.random.default_rng(0)
    for name in ("heldin", "heldout", "heldin_forward", "heldout_forward"):
        counts = getattr(split.train, name)
        counts[:] = rng.poisson(0.5, counts.shape)
    training = Training(epochs=10, learning_rate=0.05, measure_every=0)
    job = Job(Trial("masked_gru", SMALL["masked_gru"], training, "made_up", "0" * 64), "cpu")
    fitted = learner.fit(job, split)
    assert fitted.calibration.weights["held-out units"] == 0
    (floor,) = np.unique(predicted(job, fitted, split.eval).rates[..., 6:], axis=0).reshape(-1, 8, 3)
    np.testing.assert_allclose(floor[0], split.train.heldout.mean(axis=(0, 1)), rtol=1e-6)


def test_a_fit_that_follows_takes_the_weights_over():
    split = made_up_split()
    trial = Trial("sae", SMALL["sae"], Training(epochs=1), "made_up", "0" * 64, follows="x")
    weights = {"held-out units": 0.0, "forward bins": 0.5}
    job = Job(trial, "cpu", follow=Follow(1, (0.01,), weights=weights))
    assert learner.fit(job, split).calibration.weights == weights
