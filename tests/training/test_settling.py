"""A model that rises to what it minimises: its weights are kept, and patience counts, from then on."""

import itertools

import pytest
import torch

from raysp.config.experiment import Training, Trial
from raysp.data.splits.batch import to_device
from raysp.errors import Interrupted
from raysp.training.descent import Descent, Progress
from raysp.training.unseen import unseen_loss
from raysp.training.validation import validation_mask
from tests.models.lfads.made_up import SMALL
from tests.models.made_up import made_up_split
from tests.training.made_up import fit, same_weights, without_seconds


def rising_trial(**training):
    how = Training(epochs=12, batch_size=12, learning_rate=1e-3, measure_every=0, **training)
    return Trial("lfads", {**SMALL, "ramp": 0.5}, how, "made_up", "0" * 64)


@pytest.fixture
def worse_and_worse(monkeypatch):
    numbers = itertools.count(1)
    monkeypatch.setattr(Descent, "_validated", lambda self: (torch.tensor([float(next(numbers))]), {}))


@pytest.mark.usefixtures("worse_and_worse")
def test_the_best_epoch_is_none_of_before():
    fitted = fit(rising_trial())
    # Twelve steps, one an epoch: after six, all is there.
    assert fitted.best_epoch == 6
    assert fitted.epochs == 12
    assert fitted.model.steps.tolist() == [6]


@pytest.mark.usefixtures("worse_and_worse")
def test_patience_counts_from_then_on():
    fitted = fit(rising_trial(patience=3))
    assert (fitted.best_epoch, fitted.epochs) == (6, 9)


def test_ended_before_it_has_the_last_weights():
    fitted = fit(rising_trial(), enough=lambda epoch: epoch == 3)
    assert (fitted.best_epoch, fitted.epochs) == (3, 3)
    assert fitted.model.steps.tolist() == [3]


def test_interrupted_while_it_rises_it_gives_the_numbers_of_an_unbroken_training(tmp_path):
    whole = fit(rising_trial())
    with pytest.raises(Interrupted):
        fit(rising_trial(), checkpoint=str(tmp_path / "state"), keep_going=lambda: False)
    again = fit(rising_trial(), checkpoint=str(tmp_path / "state"))
    assert without_seconds(again.curve) == without_seconds(whole.curve)
    assert same_weights(again, whole)


def test_progress_of_before_is_read_as_settled():
    before = {"best_epochs": torch.ones(1), "best_losses": torch.ones(1), "diverged": torch.zeros(1)}
    found = Progress(**before, curve=[{"validation_loss": 1.0}, {"validation_loss": 2.0}])
    assert (found.best_epoch, found.best_loss) == (1, 1.0)


def test_models_are_compared_by_what_they_predict_once_training_is_over():
    split = made_up_split()
    fitted = fit(rising_trial(), split)
    aside = to_device(split.train.take(validation_mask(split.train, rising_trial().training)), "cpu")
    told = fitted.curve[fitted.best_epoch - 1]["unseen_loss"]
    assert told == unseen_loss(fitted.model, aside, torch.device("cpu"))
    fitted.model.begin_training(1)
    assert told != unseen_loss(fitted.model, aside, torch.device("cpu"))
