"""Several independent copies of weights in one model: each is trained as if it were alone."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from torch import nn

from raysp.config.experiment import Training, Trial
from raysp.errors import BadInput
from raysp.objectives.loss import Loss
from raysp.training.descent import Descent, Diverged
from raysp.training.job import Job
from raysp.training.trial import fit

ONE = Training(epochs=9, batch_size=5, learning_rate=0.05, weight_decay=0.1, clip_norm=0.5, precision="float32")
OTHER = dataclasses.replace(ONE, learning_rate=0.2, weight_decay=0.01)
WILD = dataclasses.replace(ONE, learning_rate=1e30)


class Line(nn.Module):
    """y = a x + b for each lane, to reach y = slope x."""

    def __init__(self, slopes: list[float]) -> None:
        super().__init__()
        self.lanes, self.slopes = len(slopes), torch.tensor(slopes)[:, None]
        self.a, self.b = (nn.Parameter(torch.ones(self.lanes, 1)) for _ in range(2))

    def loss(self, x: torch.Tensor) -> Loss:
        each = (self.a * x + self.b - self.slopes * x).square().mean(dim=1)
        return Loss(each.sum(), each)


class Points:
    """Numbers, drawn anew each epoch; some others validate."""

    size, betas, by_step, selected_on = 20, (0.9, 0.99), True, "validation"

    def __init__(self, units: tuple[int, ...] = ()) -> None:
        self.units = units

    def draw(self, generator: torch.Generator, steps: int) -> tuple[torch.Tensor, ...]:
        return torch.randn(self.size, generator=generator).tensor_split(steps)

    def batch(self, chosen: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return chosen

    def validation(self) -> list[torch.Tensor]:
        return [torch.linspace(-1, 1, 7), torch.linspace(0, 1, 4)]

    def unseen(self, model: nn.Module) -> None:
        return None

    def measured(self, model: nn.Module) -> dict[str, float]:
        return {}


def job(*lanes: Training, training: Training = ONE, **options) -> Job:
    return Job(Trial("line", {}, training, "points", "0" * 64), device="cpu", lanes=lanes, **options)


def fitted(slopes: list[float], *lanes: Training, training: Training = ONE, **options):
    return fit(job(*lanes, training=training, **options), lambda job: (Line(slopes), Points((7, 8)[: len(slopes)])))


def lane(found, index: int) -> dict[str, torch.Tensor]:
    return {name: value[index] for name, value in found.model.state_dict().items()}


def same(one, other) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("changes", [{}, {"optimizer": "adam"}, {"schedule": "one_cycle"}, {"schedule": "cosine"}])
def test_two_lanes_with_rates_and_decays_of_their_own_are_two_runs(changes):
    one, other = (dataclasses.replace(training, **changes) for training in (ONE, OTHER))
    both = fitted([2.0, -3.0], one, other, training=one)
    for index, (slope, training) in enumerate(((2.0, one), (-3.0, other))):
        alone = fitted([slope], training=training)
        assert same(lane(both, index), lane(alone, 0))
        assert both.units[7 + index] == alone.units[7]
    assert not same(lane(both, 0), lane(fitted([2.0], training=other), 0))


def test_one_optimiser_for_all_lanes_takes_the_steps_of_one_for_each():
    assert same(fitted([2.0, -3.0]).model.state_dict(), fitted([2.0, -3.0], ONE, ONE).model.state_dict())


@pytest.mark.parametrize("average", ["swa", "ema"])
def test_averaged_weights_are_each_lanes_own(average):
    one, other = (dataclasses.replace(t, average=average, average_from=0.3) for t in (ONE, OTHER))
    both = fitted([2.0, -3.0], one, other, training=one)
    assert same(lane(both, 1), lane(fitted([-3.0], training=other), 0))
    assert not same(lane(both, 1), lane(fitted([-3.0], training=OTHER), 0))


def test_lanes_go_on_from_a_checkpoint_as_if_never_stopped():
    def descent() -> Descent:
        return Descent(Line([2.0, -3.0]), Points(), job(ONE, OTHER))

    whole, half, other = descent(), descent(), descent()
    rows = [whole.step() for _ in range(7)]
    for _ in range(4):
        half.step()
    other.restore(half.state())
    assert [other.step() for _ in range(3)] == rows[4:]
    assert same(other.model.state_dict(), whole.model.state_dict())


def test_each_lane_is_fitted_anew_for_its_own_best_epochs():
    training = dataclasses.replace(ONE, schedule="one_cycle", refit=True, weight_decay=5.0)
    other = dataclasses.replace(training, learning_rate=1.5)
    both = fitted([2.0, -3.0], training, other, training=training)
    epochs = [own["best epoch"] for own in both.units.values()]
    assert epochs[0] != epochs[1]
    for index, (slope, how) in enumerate(((2.0, training), (-3.0, other))):
        alone = fitted([slope], training=how)
        assert same(lane(both, index), lane(alone, 0))
    # Of the same points, so that it has to end where each lane was best.
    assert both.selected is not both.model
    assert same(both.selected.state_dict(), both.model.state_dict())


def test_a_lane_that_diverges_is_named_and_the_others_come_out_as_without_it():
    notes = []
    both = fitted([2.0, -3.0], ONE, WILD, report=notes.append)
    (warning,) = [note["warning"] for note in notes if "warning" in note]
    assert warning.startswith("unit 8 diverged in epoch 1 at learning rate")
    assert "it has none to keep, and is not predicted" in warning
    assert (both.diverged, both.lost) == ((8,), (8,))
    assert both.units[8] == {"best epoch": 0, "validation loss": None}
    assert not any(value.any() for value in lane(both, 1).values())
    alone = fitted([2.0])
    assert same(lane(both, 0), lane(alone, 0))
    losses = [[row["validation_loss"] for row in found.curve] for found in (both, alone)]
    assert losses[0] == losses[1]
    assert all(math.isfinite(row["train_loss"]) for row in both.curve)


def test_a_lane_that_diverges_late_keeps_its_best_weights(monkeypatch):
    notes, epochs = [], []
    validated = Descent._validated

    def breaking(self):
        epochs.append(1)
        losses, parts = validated(self)
        return losses if len(epochs) < 4 else losses * torch.tensor([1.0, math.nan]), parts

    with monkeypatch.context() as patch:
        patch.setattr(Descent, "_validated", breaking)
        both = fitted([2.0, -3.0], report=notes.append)
    best = both.units[8]["best epoch"]
    assert 1 <= best <= 3
    assert f"unit 8 diverged in epoch 4 at learning rate 0.05: it keeps its weights of epoch {best}" in str(notes)
    assert (both.diverged, both.lost) == ((8,), ())
    short = fitted([-3.0], enough=lambda epoch: epoch == 3)
    assert same(lane(both, 1), lane(short, 0))


def test_without_any_lane_left_the_trial_fails():
    with pytest.raises(Diverged, match=r"epoch 1 at learning rate .*none of 2 lanes is left.*training.learning_rate"):
        fitted([2.0, -3.0], training=WILD)
    with pytest.raises(Diverged, match=r"epoch 1 at learning rate 1e\+30 \(train_loss (nan|inf)\); try a lower"):
        fitted([2.0], training=WILD)


@pytest.mark.parametrize(
    ("lanes", "training", "message"),
    [
        ((ONE,), ONE, "for each of 2 lanes, got 1"),
        ((ONE, dataclasses.replace(ONE, epochs=3)), ONE, "differ in learning_rate and weight_decay alone"),
        ((), dataclasses.replace(ONE, schedule="plateau"), "got 'plateau': the rate of every lane would follow"),
    ],
)
def test_what_lanes_cannot_be_trained_with_is_refused(lanes, training, message):
    with pytest.raises(BadInput, match=message):
        fitted([2.0, -3.0], *lanes, training=training)


def test_each_weight_tensor_may_be_clipped_by_its_own_norm_in_each_lane():
    each = dataclasses.replace(ONE, clip_each=True)
    descent = Descent(Line([0.0, 3.0]), Points((7, 8)), job(training=each))
    descent.model.loss(torch.linspace(-1, 1, 7) + 0.5).total.backward()
    before = [weights.grad.clone() for weights in descent.model.parameters()]
    descent._clip(0.7)
    for weights, grad in zip(descent.model.parameters(), before, strict=True):
        factor = 0.7 / grad.flatten(1).norm(dim=1)
        torch.testing.assert_close(weights.grad, grad * factor.clamp(max=1.0).view(-1, 1), rtol=1e-4, atol=1e-7)
    assert any((grad.abs() > 0.7).any() for grad in before)
    assert any((grad.abs() < 0.7).any() for grad in before)
