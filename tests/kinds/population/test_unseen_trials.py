"""The loss of each validation trial, weighed by its entries, is the loss that a search compares."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from raysp.config.experiment import Trial
from raysp.kinds.population import learner
from raysp.kinds.population.unseen_trials import each_unseen
from raysp.training.job import Job
from raysp.training.unseen import unseen_loss
from tests.training.made_up import made_up_split


def test_trials_of_unequal_length_weighed_by_their_entries_give_the_loss_that_is_compared():
    split = made_up_split().training()
    train = split.train
    validation = np.arange(len(train)) % 3 == 0
    ragged = {
        name: getattr(train, name).astype(np.float32) for name in ("heldout", "heldin_forward", "heldout_forward")
    }
    for k, trial in enumerate(np.flatnonzero(validation)):
        ragged["heldout"][trial, 2 + k :] = np.nan
    for name in ("heldin_forward", "heldout_forward"):
        ragged[name][3:] = np.nan
    # Of the last nothing is known that a model is not shown.
    last = np.flatnonzero(validation)[-1]
    ragged["heldout"][last] = np.nan
    part = dataclasses.replace(split, train=dataclasses.replace(train, validation=validation, **ragged))
    job = Job(Trial("mean_rate", {}, None, "made_up", "0" * 64), device="cpu")
    fitted = learner.fit(job, part)
    found = each_unseen(job, fitted, part)
    aside = part.train.take(validation)
    assert len(found) == validation.sum()
    assert math.isnan(found[-1][0])
    assert found[-1][1] == 0
    losses, entries = np.array(found[:-1]).T
    assert len(set(entries)) > 2
    expected = unseen_loss(fitted.model, learner._on(job.place, aside), torch.device("cpu"))
    assert (losses * entries).sum() / entries.sum() == pytest.approx(expected, rel=1e-6)
    assert losses.mean() != pytest.approx(expected, rel=1e-3)


def test_of_a_single_training_trial_there_is_none():
    split = made_up_split().training()
    one = dataclasses.replace(split, train=split.train.take(np.arange(1)))
    job = Job(Trial("mean_rate", {}, None, "made_up", "0" * 64), device="cpu")
    assert each_unseen(job, learner.fit(job, one), one) == []
