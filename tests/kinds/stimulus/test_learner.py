"""Networks of many units in one training: each as if it were alone, resumed as if never stopped."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from raysp.config.experiment import Training, Trial
from raysp.data.splits.stimulus import StimulusSplit
from raysp.data.splits.windows import Tape
from raysp.errors import BadInput, Interrupted
from raysp.kinds.stimulus import learner
from raysp.kinds.stimulus.predict import predict, predicted
from raysp.kinds.stimulus.rollout import roll_out
from raysp.models import catalog
from raysp.models.shared_windows import SharedModel
from raysp.training.averaging import refresh
from raysp.training.descent import Descent, Diverged
from raysp.training.fitted import Fitted
from raysp.training.one_cycle import one_cycle
from tests.models.made_up_stimulus import made_up_recording, shaken, small
from tests.training.made_up import made_up_job

FAST = Training(
    epochs=3, batch_size=16, learning_rate=3e-3, weight_decay=0.3, schedule="one_cycle", clip_norm=0, measure_every=0
)
NETWORKS = ("distance_unet", "poisson_counts")
SHARED = [
    name
    for name in catalog.names()
    if catalog.module(name).Model.reads is StimulusSplit and issubclass(catalog.module(name).Model, SharedModel)
]


def made_up_trial(name="poisson_counts", seed=0, hyperparameters=None, **training) -> Trial:
    changed = dataclasses.replace(FAST, **training)
    return Trial(name, small(name, **(hyperparameters or {})), changed, "made_up", "0" * 64, seed)


def fit(trial, split=None, **options) -> Fitted:
    return learner.fit(made_up_job(trial, **options), split or made_up_recording())


def descent(split=None, name="poisson_counts", seed=0, **training) -> Descent:
    job = made_up_job(made_up_trial(name, seed, **training))
    torch.manual_seed(seed)
    return Descent(*learner.learner(job, split or made_up_recording()), job)


def same(one: Fitted, other: Fitted, unit: int, place: int) -> bool:
    ours, theirs = one.model.state_dict(), other.model.state_dict()
    return all(torch.equal(ours[name][unit], theirs[name][place]) for name in ours)


def farthest(one: Fitted, other: Fitted, unit: int, place: int) -> float:
    ours, theirs = one.model.state_dict(), other.model.state_dict()
    return max((ours[name][unit] - theirs[name][place]).abs().max().item() for name in ours)


def stop_after(epochs: int):
    left = iter([True] * (epochs - 1) + [False])
    return lambda: next(left)


@pytest.mark.parametrize(
    ("name", "training"),
    [
        ("distance_unet", {"clip_norm": 0.05}),
        ("poisson_counts", {}),
        ("poisson_counts", {"schedule": "constant", "patience": 1}),
        ("poisson_counts", {"average": "swa", "average_from": 0.3}),
        ("distance_unet", {"average": "ema", "average_from": 0.3, "refit": True}),
    ],
)
def test_a_unit_among_others_comes_out_as_if_alone(name, training):
    split = made_up_recording(units=4)
    whole = fit(made_up_trial(name, epochs=4, **training), split)
    for place, unit in ((0, 10), (2, 16)):
        alone = fit(made_up_trial(name, epochs=4, **training), split.select([unit]))
        # Sums of one matrix product are ordered otherwise than those of several: float32 rounding, no more.
        assert farthest(whole, alone, place, 0) < 1e-4
        assert whole.units[unit]["best epoch"] == alone.units[unit]["best epoch"]
        expected = pytest.approx(alone.units[unit]["validation loss"], rel=1e-4)
        assert whole.units[unit]["validation loss"] == expected
    assert farthest(whole, whole, 0, 2) > 1e-2


@pytest.mark.parametrize("name", NETWORKS)
def test_which_others_are_trained_beside_a_unit_changes_no_bit(name):
    split = made_up_recording(units=6)
    one, other = (fit(made_up_trial(name), split.select(units)) for units in ([10, 16, 19], [13, 16, 25]))
    assert same(one, other, 1, 1)
    assert one.units[16] == other.units[16]
    assert not same(one, other, 0, 0)
    rolled = []
    for fitted, units in ((one, [10, 16, 19]), (other, [13, 16, 25])):
        part = split.select(units)
        rolled.append(roll_out(fitted.model, Tape.of(part, "cpu"), split.parts["test"][0], seed=3))
    for decoding, spikes in rolled[0].spikes.items():
        np.testing.assert_array_equal(spikes[1], rolled[1].spikes[decoding][1])
        np.testing.assert_array_equal(rolled[0].output[decoding][1], rolled[1].output[decoding][1])


def test_another_seed_gives_other_weights_and_the_same_seed_the_same():
    assert same(fit(made_up_trial()), fit(made_up_trial()), 0, 0)
    assert farthest(fit(made_up_trial()), fit(made_up_trial(seed=1)), 0, 0) > 1e-2


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("epochs", [1, 3])
def test_stopped_and_resumed_gives_the_bits_of_an_unbroken_run(tmp_path, name, epochs):
    path, trial = str(tmp_path / "checkpoint.pt"), made_up_trial(name, epochs=4)
    with pytest.raises(Interrupted):
        fit(trial, checkpoint=path, keep_going=stop_after(epochs))
    notes = []
    resumed, unbroken = fit(trial, checkpoint=path, report=notes.append), fit(trial)
    assert [note["epoch"] for note in notes] == list(range(epochs + 1, 5))
    assert all(same(resumed, unbroken, unit, unit) for unit in range(3))
    assert resumed.units == unbroken.units
    for row, other in zip(resumed.curve, unbroken.curve, strict=True):
        assert {**row, "seconds": 0} == {**other, "seconds": 0}


def test_from_a_damaged_checkpoint_training_starts_over_with_the_bits_of_an_unbroken_run(tmp_path):
    path, trial = tmp_path / "checkpoint.pt", made_up_trial(epochs=3)
    with pytest.raises(Interrupted):
        fit(trial, checkpoint=str(path), keep_going=stop_after(2))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x40
    path.write_bytes(content)
    notes = []
    again, unbroken = fit(trial, checkpoint=str(path), report=notes.append), fit(trial)
    assert notes[0]["warning"].startswith("the checkpoint is damaged")
    assert [note["epoch"] for note in notes[1:]] == [1, 2, 3]
    assert all(same(again, unbroken, unit, unit) for unit in range(3))
    assert again.units == unbroken.units


def test_a_finished_training_is_not_begun_again(tmp_path):
    path = str(tmp_path / "checkpoint.pt")
    first = fit(made_up_trial(), checkpoint=path)
    notes = []
    again = fit(made_up_trial(), checkpoint=path, report=notes.append)
    assert notes == []
    assert again.units == first.units
    assert same(again, first, 1, 1)


def test_each_unit_keeps_the_weights_of_its_own_best_epoch():
    training = descent(epochs=6, learning_rate=2e-2, schedule="constant")
    weights, losses = [], []
    for _ in range(6):
        training.step()
        weights.append({name: value.clone() for name, value in training.model.state_dict().items()})
        losses.append(training.losses())
    best = torch.stack(losses).argmin(dim=0)
    assert len(set(best.tolist())) > 1, "units whose best epochs differ are what this is about"
    progress = training.progress
    assert progress.best_epochs.tolist() == (best + 1).tolist()
    for unit, epoch in enumerate(best.tolist()):
        assert progress.best_losses[unit] == losses[epoch][unit]
        for name, value in progress.best.items():
            assert torch.equal(value[unit], weights[epoch][name][unit]), name
    means = torch.stack(losses).mean(dim=1)
    assert progress.best_epoch == means.argmin().item() + 1


@pytest.mark.parametrize("name", SHARED)
def test_one_network_for_all_units_keeps_the_weights_of_one_epoch(name, monkeypatch):
    training, told = descent(name=name, epochs=4), []
    table = torch.tensor([[5.0, 4.0, 6.0, 1.0], [9.0, 2.0, 1.0, 8.0], [3.0, 4.0, 2.0, 7.0]])
    means = table.mean(dim=0)
    monkeypatch.setattr(training, "_validated", lambda: (told.append(1) or means[len(told) - 1 : len(told)], {}))
    for _ in range(4):
        training.step()
        if training.progress.epoch == 3:
            weights = {label: value.clone() for label, value in training.model.state_dict().items()}
    assert training.progress.best_epochs.tolist() == [3]
    assert training.progress.best_losses.tolist() == [3.0]
    assert all(torch.equal(value, weights[label]) for label, value in training.progress.best.items())


@pytest.mark.parametrize("name", SHARED)
def test_the_gradient_of_one_network_for_all_units_is_clipped_as_a_whole(name):
    training = descent(name=name)
    training.model.loss(next(training.batches.validation())).total.backward()
    training._clip(1e-3)
    norm = torch.stack([weights.grad.norm() for weights in training.model.parameters()]).norm()
    assert norm.item() == pytest.approx(1e-3, rel=1e-3)


def test_validation_moves_no_weights_and_no_draws_and_is_the_mean_over_windows():
    training = descent()
    training.step()
    state = torch.get_rng_state()
    whole, pieces = training.losses(), []
    for start in training.batches.held:
        training.batches.held = start[None]
        pieces.append(training.losses())
    pieces = torch.stack(pieces)
    torch.testing.assert_close(whole, pieces.mean(dim=0), rtol=1e-4, atol=1e-5)
    assert torch.equal(torch.get_rng_state(), state)
    assert training.model.training


def test_every_epoch_shows_each_window_once_shifted_anew_and_inside_its_part():
    split = made_up_recording()
    training = descent(split)
    reach, stride = training.model.reach, training.model.config.train_stride
    epochs = [torch.cat(training.draws()) for _ in range(8)]
    starts = training.batches.starts
    assert training.steps == len(training.draws()) == -(-len(starts) // FAST.batch_size)
    for drawn in epochs:
        ordered = drawn.sort().values
        assert ((ordered - starts >= 0) & (ordered - starts < stride)).all()
        assert not torch.equal(ordered, drawn)
        for start in drawn.tolist():
            inside = [first + reach.before <= start <= last - reach.after for first, last in split.parts["train"]]
            assert sum(inside) == 1
    assert not torch.equal(epochs[0], epochs[1])
    shifts = torch.stack([drawn.sort().values for drawn in epochs]) - starts
    assert set(shifts.flatten().tolist()) == set(range(stride))


def test_rate_and_momentum_of_one_cycle_change_with_every_step():
    training = descent(epochs=3)
    adam, taken = training.optimizer.adam, []
    group, step = adam.param_groups[0], adam.step
    adam.step = lambda: taken.append((group["lr"], *group["betas"])) or step()
    for _ in range(3):
        training.step()
    steps = 3 * training.steps
    assert taken == [(*one_cycle(k, steps, 3e-3), 0.99) for k in range(steps)]
    rates = [rate for rate, *_ in taken]
    assert [row["learning_rate"] for row in training.progress.curve] == rates[training.steps - 1 :: training.steps]


def test_patience_ends_a_units_training_where_it_would_end_alone(monkeypatch):
    table = torch.tensor(
        [
            [5.0, 4.0, 6.0, 6.0, 1.0, 1.0, 1.0, 1.0],
            [9.0, 8.0, 7.0, 6.0, 5.0, 6.0, 7.0, 1.0],
            [3.0, 4.0, 2.0, 4.0, 2.0, 1.0, 1.0, 1.0],
        ]
    )
    training = descent(epochs=8, patience=2)
    told = []
    monkeypatch.setattr(training, "_validated", lambda: (told.append(1) or table[:, len(told) - 1], {}))
    while not training.over():
        training.step()
    assert training.progress.epoch == 7
    assert training.progress.best_epochs.tolist() == [2, 5, 3]
    assert training.progress.best_losses.tolist() == [4.0, 5.0, 2.0]


def test_gradients_are_clipped_by_each_units_own_norm():
    training = descent()
    shaken(training.model)
    training.model.loss(next(training.batches.validation())).total.backward()
    grads = [weights.grad for weights in training.model.parameters()]
    before = torch.stack([grad.flatten(1).square().sum(dim=1) for grad in grads]).sum(dim=0).sqrt()
    largest = before.sort().values[1].item() * 1.001
    copies = [grad.clone() for grad in grads]
    training._clip(largest)
    expected = torch.clamp(largest / before, max=1.0)
    assert sorted((expected < 1).tolist()) == [False, False, True]
    for grad, copy in zip(grads, copies, strict=True):
        torch.testing.assert_close(grad, copy * expected.view(-1, *[1] * (copy.ndim - 1)), rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("name", NETWORKS)
def test_losses_become_better_than_a_constant_can_be(name):
    split = made_up_recording(bins=4000, units=2)
    fitted = fit(made_up_trial(name, epochs=10, learning_rate=1e-2, hyperparameters={"dropout": 0.0}), split)
    assert fitted.curve[-1]["train_loss"] < fitted.curve[0]["train_loss"]
    training = descent(split, name)
    starts, tape = training.batches.held, Tape.of(split, "cpu")
    if name == "poisson_counts":
        rows = starts[:, None] + torch.arange(12)
        counts = tape.spikes[:, rows].sum(dim=2)
        rate = counts.mean(dim=1)
        constant = rate - rate * rate.log()
    else:
        windows = tape.windows(starts, training.model.reach.before)
        constant = 3.0 * training.model.targets(windows).var(dim=1, correction=0).mean(dim=1)
    for unit, bound in zip(split.units.tolist(), constant.tolist(), strict=True):
        assert fitted.units[unit]["validation loss"] < 0.97 * bound


def test_what_is_told_of_a_fit_is_of_all_its_units():
    fitted = fit(made_up_trial())
    assert list(fitted.units) == [10, 13, 16]
    assert fitted.validation_loss == min(row["validation_loss"] for row in fitted.curve)
    assert np.mean([row["validation loss"] for row in fitted.units.values()]) <= fitted.validation_loss
    assert fitted.parameters == sum(weights.numel() for weights in fitted.model.parameters())
    assert not fitted.model.training
    assert (fitted.epochs, len(fitted.curve), fitted.selected_on) == (3, 3, "validation")


def test_enough_ends_training_early():
    assert fit(made_up_trial(epochs=5), enough=lambda epochs: epochs >= 2).epochs == 2


def test_divergence_is_refused_with_what_to_change():
    with pytest.raises(Diverged, match=r"diverged in epoch \d.*none of 3 lanes is left.*learning_rate"):
        fit(made_up_trial(learning_rate=1e30, schedule="constant", epochs=4))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"validate_on": "eval"}, "expected training.validate_on 'train', got 'eval'"),
        ({"schedule": "plateau"}, "expected training.schedule constant, cosine or one_cycle, got 'plateau'"),
        ({"warmup_epochs": 2}, "expected training.warmup_epochs 0, got 2"),
    ],
)
def test_settings_that_mean_nothing_here_are_refused(changes, message):
    with pytest.raises(BadInput, match=message):
        fit(made_up_trial(**changes))
    learner.check_training(FAST)


def test_a_part_shorter_than_a_window_is_refused_before_training():
    split = made_up_recording(bins=600)
    with pytest.raises(BadInput, match="made_up, validation windows: a window needs 76 bins"):
        fit(made_up_trial(), split)
    with pytest.raises(BadInput, match="training settings, got none"):
        fit(dataclasses.replace(made_up_trial(), training=None))


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_other_schedules_set_the_rate_of_each_epoch(schedule):
    rates = [row["learning_rate"] for row in fit(made_up_trial(schedule=schedule, epochs=3)).curve]
    expected = [3e-3, 2.25e-3, 0.75e-3] if schedule == "cosine" else [3e-3] * 3
    assert rates == pytest.approx(expected)


@pytest.mark.parametrize("name", [*NETWORKS, "poisson_shared"])
@pytest.mark.parametrize("average", ["swa", "ema"])
def test_of_averaged_weights_the_statistics_are_those_of_the_training_windows(name, average):
    training = descent(name=name, average=average, average_from=0.3, epochs=4)
    for _ in range(4):
        row = training.step()
    assert row["last_weights_loss"] != row["validation_loss"]
    stem, before = getattr(training.model, "network", training.model).trunk.stem, training.model.training
    own = stem.running_mean.clone()
    with training.shown():
        mean = stem.running_mean.clone()
        refresh(training.model, training.batches)
        assert torch.equal(stem.running_mean, mean)
    assert torch.equal(stem.running_mean, own)
    assert not torch.equal(mean, own)
    assert (stem.momentum, training.model.training) == (0.1, before)


def test_a_refit_trains_on_the_validation_part_too_and_keeps_what_was_selected():
    split, notes = made_up_recording(), []
    plain, again = fit(made_up_trial(), split), fit(made_up_trial(refit=True), split, report=notes.append)
    assert plain.selected is None
    assert all(torch.equal(v, plain.model.state_dict()[k]) for k, v in again.selected.state_dict().items())
    assert not same(again, plain, 0, 0)
    assert (again.units, again.validation_loss) == (plain.units, plain.validation_loss)
    epochs = max(own["best epoch"] for own in plain.units.values())
    assert notes[-1]["phase"] == f"refit {epochs}/{epochs}"
    validation = made_up_recording()
    for first, last in split.parts["validation"]:
        validation.spikes[first:last] = 0
    other = fit(made_up_trial(refit=True), validation)
    assert not same(other, again, 0, 0)


def test_a_unit_that_never_had_a_finite_loss_is_named_and_not_predicted():
    split, how = made_up_recording(), dataclasses.replace(FAST, schedule="constant")
    wild = dataclasses.replace(how, learning_rate=1e30)
    job = made_up_job(made_up_trial(schedule="constant"), lanes=(how, wild, how))
    fitted = learner.fit(job, split)
    assert (fitted.diverged, fitted.lost) == ((13,), (13,))
    products = predict(job, fitted, split)
    assert list(products.metrics["units"]) == [10, 16]
    assert all(list(boosts) == [10, 16] for boosts in products.metrics["boosts"].values())
    assert np.isfinite(products.done["units_best_validation_loss"])
    trains = predicted(job, fitted, split, split.parts["test"][0])
    assert {train.unit for train in trains} == {10, 16}
