"""The loss that models are compared by: the same entries, in the same unit, for every model."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from raysp.config.experiment import Training, Trial
from raysp.data.splits.batch import to_device
from raysp.training.trial import predict
from raysp.training.unseen import unseen_loss
from raysp.training.validation import validation_mask
from tests.models.made_up import made_up_split
from tests.training.made_up import fit, made_up_trial, same_weights, without_seconds

CPU = torch.device("cpu")
FLOOR = Trial("mean_rate", {}, None, "made_up", "0" * 64)


def by_hand(prediction, trials, heldin):
    """Return the mean of r - s ln r over held-out units and forward bins that are known."""
    pairs = [(prediction.rates[..., heldin:], trials.heldout)]
    if trials.heldin_forward is not None:
        counts = np.concatenate([trials.heldin_forward, trials.heldout_forward], axis=2)
        pairs.append((prediction.rates_forward, counts))
    rates, counts = (np.concatenate([part.ravel() for part in parts]) for parts in zip(*pairs, strict=True))
    rates = np.maximum(rates, 1e-9).astype(np.float64)
    return np.nanmean(rates - counts * np.log(rates))


@pytest.fixture(scope="module")
def split():
    return made_up_split(forward=3)


@pytest.fixture(scope="module")
def validation(split):
    return split.train.take(validation_mask(split.train, Training()))


def test_every_model_has_it_beside_its_own_loss(split, validation):
    fitted = fit(made_up_trial(epochs=4), split)
    assert all(row["unseen_loss"] > 0 for row in fitted.curve)
    best = fitted.curve[fitted.best_epoch - 1]
    found = predict(fitted.model, validation, "cpu")
    assert best["unseen_loss"] == pytest.approx(by_hand(found, validation, split.sizes.heldin), rel=1e-5)
    assert best["unseen_loss"] != best["validation_loss"]

    floor = fit(FLOOR, split)
    assert floor.validation_loss is None
    again = fit(FLOOR, dataclasses.replace(split, train=split.train.take(~validation_mask(split.train, Training()))))
    rates = predict(again.model, validation, "cpu")
    assert floor.curve[0]["unseen_loss"] == pytest.approx(by_hand(rates, validation, split.sizes.heldin), rel=1e-5)


def test_it_is_null_where_nothing_is_held_out():
    bare = made_up_split(heldout=0, forward=0)
    fitted = fit(made_up_trial(epochs=2), bare)
    assert [row["unseen_loss"] for row in fitted.curve] == [None, None]
    assert [row["validation_loss"] is None for row in fitted.curve] == [False, False]


def test_without_validation_trials_it_is_null(split):
    from raysp.training.trial import Follow

    fitted = fit(dataclasses.replace(made_up_trial(), follows="x"), split, follow=Follow(2, (0.01, 0.01)))
    assert [row["unseen_loss"] for row in fitted.curve] == [None, None]


@pytest.mark.parametrize("average", ["none", "swa"])
def test_looking_changes_nothing(split, average, monkeypatch):
    trial = made_up_trial(epochs=4, average=average)
    with_it = fit(trial, split)
    monkeypatch.setattr("raysp.kinds.population.learner.unseen_loss", lambda *_: None)
    without = fit(trial, split)
    assert same_weights(with_it, without)
    assert with_it.best_epoch == without.best_epoch

    def bare(fitted):
        return [{k: v for k, v in row.items() if k != "unseen_loss"} for row in without_seconds(fitted.curve)]

    assert bare(with_it) == bare(without)


def test_unobserved_entries_do_not_count_and_shown_ones_never(split, validation):
    model = fit(FLOOR, split).model
    before = unseen_loss(model, to_device(validation, CPU), CPU)
    other = dataclasses.replace(validation, heldin=validation.heldin + 5)
    assert unseen_loss(model, to_device(other, CPU), CPU) == before
    heldout = validation.heldout.copy()
    heldout[0] = np.nan
    part = dataclasses.replace(validation, heldout=heldout)
    expected = by_hand(predict(model, part, "cpu"), part, split.sizes.heldin)
    assert unseen_loss(model, to_device(part, CPU), CPU) == pytest.approx(expected, rel=1e-5)
