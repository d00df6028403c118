import math

import pytest
import torch
from torch import nn

from raysp.config.experiment import Training, Trial
from raysp.errors import BadInput
from raysp.kinds.population.learner import TrialBatches
from raysp.models import catalog
from raysp.training.averaging import Averaging, refresh
from raysp.training.descent import Descent
from raysp.training.job import Job
from raysp.training.schedule import learning_rate
from tests.models.made_up import made_up_split

SPLIT = made_up_split(bins=9)
BATCHES = TrialBatches(SPLIT.train, SPLIT.train, torch.device("cpu"), 0, "validation")


def descent(**training):
    torch.manual_seed(0)
    model = catalog.build("unet", {"layers": 1, "width": 4, "norm": "batch", "mask_ratio": 0.25}, SPLIT.sizes)
    model.start(SPLIT.train)
    settings = Training(epochs=10, batch_size=6, **training)
    job = Job(Trial("unet", {}, settings, "made_up", "0" * 64), device="cpu")
    return Descent(model, BATCHES, job)


def weights(model):
    return {name: value.detach().clone() for name, value in model.named_parameters()}


def test_swa_of_one_snapshot_is_that_snapshot_and_of_two_their_mean():
    model = nn.Linear(2, 1)
    averaging = Averaging(model, Training(epochs=10, average="swa"))
    averaging.after_epoch(8)
    assert averaging.state()["count"] == 0
    one = weights(model)
    averaging.after_epoch(9)
    assert all(torch.equal(averaging.state()["mean"][name], value) for name, value in one.items())
    with torch.no_grad():
        model.weight.add_(2.0)
    averaging.after_epoch(10)
    assert torch.allclose(averaging.state()["mean"]["weight"], one["weight"] + 1.0)


def test_ema_follows_with_its_decay_and_fast_at_first():
    model = nn.Linear(1, 1, bias=False)
    averaging = Averaging(model, Training(epochs=10, average="ema", average_from=0.0, average_decay=0.9))
    with torch.no_grad():
        model.weight.fill_(0.0)
    averaging.after_step(1)
    with torch.no_grad():
        model.weight.fill_(1.0)
    averaging.after_step(1)
    assert averaging.state()["mean"]["weight"].item() == pytest.approx(1 - 2 / 11)


@pytest.mark.parametrize("kind", ["swa", "ema"])
def test_the_trained_weights_come_back_after_a_look_at_the_mean_ones(kind):
    running = descent(average=kind, average_from=0.2)
    for _ in range(4):
        running.step()
    before = {name: value.clone() for name, value in running.model.state_dict().items()}
    with running.shown():
        assert any(not torch.equal(before[name], value) for name, value in weights(running.model).items())
    assert all(torch.equal(before[name], value) for name, value in running.model.state_dict().items())


def test_what_is_kept_is_what_was_validated():
    running = descent(average="swa", average_from=0.2)
    rows = [running.step() for _ in range(6)]
    assert "last_weights_loss" not in rows[1]
    assert rows[2]["last_weights_loss"] == pytest.approx(rows[2]["validation_loss"], rel=0.2)
    running.model.load_state_dict(running.progress.best)
    assert running.losses().item() == pytest.approx(running.progress.best_loss, rel=1e-6)


@pytest.mark.parametrize("kind", ["none", "swa", "ema"])
def test_resumed_is_the_same_as_unbroken(kind):
    whole, half = descent(average=kind, average_from=0.3), descent(average=kind, average_from=0.3)
    rows = [whole.step() for _ in range(8)]
    for _ in range(5):
        half.step()
    other = descent(average=kind, average_from=0.3)
    other.restore(half.state())
    torch.manual_seed(1)
    assert [other.step() for _ in range(3)] == rows[5:]


def test_statistics_are_those_of_the_whole_training_trials():
    model = descent().model
    refresh(model, BATCHES)
    norm = model.down[0].steps[0].norm.norm
    once = norm.running_mean.clone()
    refresh(model, BATCHES)
    assert torch.equal(norm.running_mean, once)
    assert norm.momentum == 0.1


def test_the_rate_goes_to_swas_own_in_ten_epochs():
    training = Training(epochs=100, learning_rate=1.0, average="swa", average_from=0.5, average_rate=0.1)
    rates = [learning_rate(training, epoch, [0.0] * (epoch - 1)) for epoch in range(1, 101)]
    assert rates[:50] == [1.0] * 50
    assert rates[54] == pytest.approx(0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * 0.5)))
    assert rates[59:] == pytest.approx([0.1] * 41)


def test_settings_that_make_no_sense_are_refused():
    for values in ({"average_from": 1.0}, {"average_decay": 1.0}, {"average_rate": 0.0}):
        with pytest.raises(BadInput, match=next(iter(values))):
            Training(**values)
