from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

from raysp.config.experiment import Trial, _of_training
from raysp.data.splits.population import Answers
from raysp.errors import BadInput, Interrupted
from raysp.evaluation.live import live_metrics
from raysp.kinds.population import learner
from raysp.objectives.loss import Loss
from raysp.training.descent import Descent
from raysp.training.trial import Diverged, Follow, predict
from tests.models.made_up import made_up_split
from tests.training.made_up import FAST, fit, made_up_job, made_up_trial, same_weights, without_seconds


def test_the_same_trial_gives_the_same_numbers_and_another_seed_others():
    one, two, other = fit(made_up_trial()), fit(made_up_trial()), fit(made_up_trial(seed=1))
    assert same_weights(one, two)
    assert without_seconds(one.curve) == without_seconds(two.curve)
    assert not same_weights(one, other)


def test_it_leaves_the_callers_random_state_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    fit(made_up_trial(epochs=1))
    assert torch.equal(torch.get_rng_state(), before)


def test_looking_at_the_model_changes_nothing(monkeypatch):
    def nosy(prediction, trials):
        torch.rand(7)
        return live_metrics(prediction, trials)

    never = fit(made_up_trial(measure_every=0))
    monkeypatch.setattr("raysp.kinds.population.learner.live_metrics", nosy)
    often = fit(made_up_trial(measure_every=1))
    assert same_weights(often, never)
    assert [row["train_loss"] for row in often.curve] == [row["train_loss"] for row in never.curve]
    assert all("co-bps" in row for row in often.curve)


def test_the_best_epochs_weights_are_given_and_measured():
    split = made_up_split()
    fitted = fit(made_up_trial(epochs=30, learning_rate=0.05, measure_every=7), split)
    losses = [row["validation_loss"] for row in fitted.curve]
    assert fitted.best_epoch == int(np.argmin(losses)) + 1
    assert fitted.best_epoch < 30
    assert fitted.validation_loss == min(losses)
    assert fitted.epochs == 30
    assert fitted.learning_rates == [0.05] * fitted.best_epoch
    assert not fitted.model.training
    assert fitted.selected_on == "validation"
    measured = [row["epoch"] for row in fitted.curve if "co-bps" in row]
    assert measured == sorted({7, 14, 21, 28, fitted.best_epoch})
    assert fitted.curve[fitted.best_epoch - 1]["co-bps"] == pytest.approx(validation_cobps(fitted, split))


def validation_cobps(fitted, split):
    from raysp.training.validation import validation_mask

    trials = split.train.take(validation_mask(split.train, FAST))
    return live_metrics(predict(fitted.model, trials, "cpu"), trials)["co-bps"]


def test_training_stops_when_patience_is_lost():
    fitted = fit(made_up_trial(epochs=200, learning_rate=0.05, patience=5))
    assert fitted.epochs == fitted.best_epoch + 5 < 200


def test_every_epoch_is_reported():
    notes = []
    fit(made_up_trial(), report=notes.append)
    assert [note["epoch"] for note in notes] == list(range(1, 9))
    assert notes[0].keys() >= {"epoch", "epochs", "train_loss", "validation_loss", "learning_rate", "seconds"}
    assert all(note["epochs"] == 8 for note in notes)


def test_validation_trials_train_nothing():
    split = made_up_split()
    aside = np.arange(12) % 4 == 0
    marked = dataclasses.replace(split, train=dataclasses.replace(split.train, validation=aside))
    noise = {
        name: np.where(aside[:, None, None], 5.0, array).astype(np.float32)
        for name, array in split.train.arrays().items()
        if name != "rates"
    }
    other = dataclasses.replace(split, train=dataclasses.replace(split.train, **noise, validation=aside))
    one, two = fit(made_up_trial(epochs=2), marked), fit(made_up_trial(epochs=2), other)
    assert [row["train_loss"] for row in one.curve] == [row["train_loss"] for row in two.curve]
    assert one.validation_loss != two.validation_loss


def test_truth_is_shown_to_nothing_that_is_trained():
    split = made_up_split()
    blind = dataclasses.replace(split, train=dataclasses.replace(split.train, rates=None))
    assert same_weights(fit(made_up_trial(), split), fit(made_up_trial(), blind))


def test_evaluation_trials_select_only_where_that_is_asked_for():
    split = made_up_split()
    answers = made_up_split(seed=1).train
    targets = Answers("made_up", split.sizes, answers)
    fitted = fit(made_up_trial(validate_on="eval"), split, targets=targets)
    assert fitted.selected_on == "eval"
    with pytest.raises(BadInput, match="needs the answers"):
        fit(made_up_trial(validate_on="eval"), split)
    untouched = fit(made_up_trial(), split)
    assert same_weights(untouched, fit(made_up_trial(), split, targets=targets))


def test_a_follower_trains_on_all_trials_for_the_same_epochs_at_the_same_rates():
    split = made_up_split()
    selected = fit(made_up_trial(schedule="cosine", epochs=12), split)
    plan = Follow(selected.best_epoch, tuple(selected.learning_rates), selected.steps)
    fitted = fit(dataclasses.replace(made_up_trial(schedule="cosine", epochs=12), follows="x"), split, follow=plan)
    assert fitted.epochs == fitted.best_epoch == selected.best_epoch
    assert fitted.learning_rates == selected.learning_rates
    assert fitted.validation_loss is None
    assert fitted.selected_on == "nothing"
    assert all(row["validation_loss"] is None for row in fitted.curve)
    assert fitted.curve[0]["train_loss"] != selected.curve[0]["train_loss"]


def test_of_long_trials_a_step_has_fewer_but_four_at_least():
    split = made_up_split(trials=20)
    steps = [fit(made_up_trial(epochs=1, batch_size=16, batch_bins=bins), split).steps for bins in (0, 64, 40, 8)]
    assert steps == [1, 2, 4, 4]


@pytest.mark.parametrize("trials", [5, 40])
def test_epochs_of_so_many_steps_are_several_passes_over_few_trials_and_part_of_one_over_many(trials):
    split = made_up_split(trials=trials)
    watched = made_up_job(made_up_trial(epochs=2, steps_per_epoch=6))
    drawn = Descent(*learner.learner(watched, split), watched).draws()
    assert [len(one) for one in drawn] == [4] * 6
    assert len(set(torch.cat(drawn).tolist())) == (4 if trials == 5 else 24)
    selected = fit(watched.trial, split)
    plan = Follow(2, (0.01, 0.01), selected.steps)
    assert selected.steps == fit(watched.trial, split, follow=plan).steps == 6


def test_a_follower_takes_as_many_steps_with_more_trials():
    split = made_up_split()
    selected = fit(made_up_trial(batch_size=9), split)
    plan = Follow(2, (0.01, 0.01), selected.steps)
    assert selected.steps == 1
    assert fit(made_up_trial(batch_size=9), split, follow=plan).steps == 1
    assert fit(made_up_trial(batch_size=9), split, follow=Follow(2, (0.01, 0.01))).steps == 2


def test_a_plan_without_its_learning_rates_is_refused():
    with pytest.raises(BadInput, match="got 3 epochs and 2 learning rates"):
        Follow(3, (0.1, 0.1))


def test_keep_going_false_saves_and_stops(tmp_path):
    path = str(tmp_path / "checkpoint.pt")
    with pytest.raises(Interrupted, match="after epoch 1"):
        fit(made_up_trial(), checkpoint=path, keep_going=lambda: False)
    notes = []
    assert same_weights(fit(made_up_trial(), checkpoint=path, report=notes.append), fit(made_up_trial()))
    assert notes[0]["epoch"] == 2


def test_divergence_says_when_and_what_to_try(monkeypatch):
    from raysp.models import sae

    loss = sae.Model.loss
    calls = []

    def breaking(self, batch):
        calls.append(len(batch))
        found, wrong = loss(self, batch), math.nan if len(calls) > 8 else 1.0
        return Loss(found.total * wrong, found.each * wrong, found.known)

    monkeypatch.setattr(sae.Model, "loss", breaking)
    with pytest.raises(Diverged, match=r"epoch 3 at learning rate 0.01 .*try a lower training.learning_rate"):
        fit(made_up_trial())


def test_a_model_that_fits_itself_is_measured_without_its_validation_trials(monkeypatch):
    split = made_up_split()
    trial = Trial("mean_rate", {}, None, "made_up", "0" * 64)
    seen = []
    monkeypatch.setattr(
        "raysp.kinds.population.learner.live_metrics",
        lambda prediction, trials: seen.append(len(trials)) or {"co-bps": math.nan},
    )
    fitted = fit(trial, split)
    assert seen == [3]
    assert fitted.curve == [{**fitted.curve[0], "epoch": 0, "co-bps": None}]
    assert (fitted.best_epoch, fitted.epochs, fitted.selected_on) == (0, 0, "nothing")
    assert fitted.validation_loss is fitted.curve[0]["validation_loss"] is None
    assert fitted.curve[0]["unseen_loss"] > 0
    everything = np.concatenate([split.train.heldin, split.train.heldout], axis=2).mean(axis=(0, 1))
    np.testing.assert_allclose(predict(fitted.model, split.eval, fitted.device).rates[0, 0], everything, rtol=1e-5)


def test_a_trained_model_without_training_settings_is_refused():
    with pytest.raises(BadInput, match="expected training settings"):
        fit(dataclasses.replace(made_up_trial(), training=None))


def test_a_wrong_setting_is_refused_with_the_right_one():
    with pytest.raises(BadInput, match="did you mean 'hidden'"):
        fit(dataclasses.replace(made_up_trial(), hyperparameters={"hiden": 3}))


def test_batches_change_predictions_of_no_trial(monkeypatch):
    split = made_up_split()
    fitted = fit(made_up_trial(epochs=1), split)
    whole = predict(fitted.model, split.eval, "cpu")
    monkeypatch.setattr("raysp.training.predict.BATCH", 5)
    pieces = predict(fitted.model, split.eval, "cpu")
    np.testing.assert_allclose(whole.rates, pieces.rates, rtol=1e-5)
    assert whole.rates.dtype == np.float32


def test_a_model_that_draws_in_evaluation_is_validated_alike_whatever_training_drew(monkeypatch):
    from raysp.models import sae

    unroll = sae.Model._unroll

    def simulated(self, heldin):
        log_rates, latents = unroll(self, heldin)
        return (log_rates if self.training else log_rates + torch.randn(log_rates.shape)), latents

    plain = fit(made_up_trial(learning_rate=1e-30))
    monkeypatch.setattr(sae.Model, "_unroll", simulated)
    found = fit(made_up_trial(learning_rate=1e-30))
    losses = {row["validation_loss"] for row in found.curve}
    assert len(losses) == 1, "the weights stand still, and so does what is drawn"
    assert losses != {row["validation_loss"] for row in plain.curve}
    assert same_weights(found, plain)
    one, two, other = (predict(found.model, made_up_split().eval, "cpu", seed).rates for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (lambda total: None, "expected a raysp.objectives.loss.Loss with a total, got NoneType"),
        (lambda total: total, "expected a raysp.objectives.loss.Loss with a total, got Tensor"),
        (lambda total: Loss(1.0, total[None]), "expected a raysp.objectives.loss.Loss with a total, got float"),
        (lambda total: Loss(total, total), "expected as its each the mean of each lane, of shape"),
        (
            lambda total: Loss(total[None], total[None]),
            r"expected one number as its total, got \(1,\) of torch.float32",
        ),
        (
            lambda total: Loss(total.detach(), total[None]),
            "expected a total that follows from the weights, got one with",
        ),
    ],
)
def test_a_loss_that_is_no_number_ends_the_trial_with_what_was_expected(monkeypatch, loss, message):
    from raysp.models import sae

    whole = sae.Model.loss
    monkeypatch.setattr(sae.Model, "loss", lambda self, batch: loss(whole(self, batch).total))
    with pytest.raises(BadInput, match=rf"model sae: loss\(batch\) {message}"):
        fit(made_up_trial())


@pytest.mark.parametrize(
    ("training", "new"), [({}, set()), ({"clip_each": True, "adam_epsilon": 1e-7}, {"clip_each", "adam_epsilon"})]
)
def test_settings_that_came_later_are_in_a_trials_name_where_they_change_it(training, new):
    changed, plain = made_up_trial(**training), made_up_trial()
    assert (changed.id == plain.id) == (not new)
    assert _of_training(changed.training).keys() - {"clip_each", "adam_epsilon"} == _of_training(plain.training).keys()
