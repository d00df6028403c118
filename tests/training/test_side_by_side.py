"""Members as lanes of one model: what each comes to, beside what it comes to alone with the same draws."""

import dataclasses
import math

import pytest
import torch

from raysp.config import settings
from raysp.config.experiment import Training, Trial
from raysp.errors import BadInput
from raysp.kinds.population import learner
from raysp.models import catalog
from raysp.training.attempt import Attempt
from raysp.training.descent import Descent
from raysp.training.generation import chosen, train_generation
from raysp.training.job import Job, Member
from raysp.training.side_by_side import Beginning, train_side_by_side
from tests.models.lfads.made_up import SMALL
from tests.models.made_up import made_up_split

SPLIT = made_up_split().training()
TRAINING = Training(epochs=2, batch_size=5, learning_rate=1e-2, measure_every=0, precision="float32", clip_norm=0.3)
OTHER = (
    {},
    {"dropout": 0.3, "coordinated_dropout": 0.0, "learning_rate": 3e-3},
    {"beta_initial": 2.0, "beta_inputs": 0.0, "l2_generator": 50.0, "weight_decay": 1.0},
)
HOW = {"seed": 4, "epochs": 3, "judge": "unseen_loss"}
CLOSE = {"rtol": 2e-3, "atol": 2e-5}
"""Of weights after some steps of Adam, which divides by the size of gradients that may be next to nothing."""


def trial(**own):
    how = {name: own.pop(name) for name in ("learning_rate", "weight_decay") if name in own}
    whole = settings.plain(catalog.config("lfads", {**SMALL, **own}))
    return Trial("lfads", whole, dataclasses.replace(TRAINING, **how), "made_up", "0" * 64)


def learn(job):
    return learner.learner(job, SPLIT)


def beginning(number=0, before=None, **own):
    return Beginning(Member(trial(**own), 10 + number), before, before and before.score)


def together(members, **how):
    job = Job(members[0].member.trial, device="cpu")
    members = [dataclasses.replace(one, before=one.before and one.before.state) for one in members]
    return train_side_by_side(job, learn, members, **HOW | how)


def alone(one, **how):
    """One member in turn: a model of its own, with first weights of its own seed."""

    def start(job):
        torch.manual_seed(one.member.seed)
        return learn(job)

    more = {} if one.before is None else {"before": one.before.state, "score": one.score}
    return train_generation(Job(one.member.trial, device="cpu"), start, **more, **HOW | how)


def members(before=(None, None, None)):
    return [beginning(number, one, **own) for number, (own, one) in enumerate(zip(OTHER, before, strict=True))]


@pytest.fixture(scope="module")
def first():
    return together(members())


def same(one, other):
    assert one.score == pytest.approx(other.score, rel=1e-6)
    assert one.loss == pytest.approx(other.loss, rel=1e-6)
    assert one.epochs == other.epochs
    assert one.state["model"].keys() == other.state["model"].keys()
    for name, value in other.state["model"].items():
        torch.testing.assert_close(one.state["model"][name], value, **CLOSE)
    rows = [each.state["progress"]["curve"] for each in (one, other)]
    assert [row.keys() for row in rows[0]] == [row.keys() for row in rows[1]]
    for row, expected in zip(*rows, strict=True):
        assert row == pytest.approx(expected, rel=1e-3)


def test_members_side_by_side_come_to_what_each_comes_to_in_turn(first):
    """Scores to 1e-6 of themselves, weights to 2e-3 of themselves or 2e-5."""
    for one, found in zip(members(), first, strict=True):
        same(found, alone(one))
    assert len({one.weights for one in first}) == 3


def test_a_copy_goes_on_with_weights_and_optimiser_of_another_and_settings_of_its_own(first):
    again = members((first[2], first[1], first[2]))
    again[0] = dataclasses.replace(again[0], score=None)
    found = together(again)
    for one, other in zip(again, found, strict=True):
        same(other, alone(one))
    assert found[0].epochs == 6
    assert found[0].weights != found[2].weights
    (group,) = found[1].state["optimizer"]["param_groups"]
    assert group["lr"] == 3e-3


def test_the_same_again_is_the_same_to_the_last_bit_whatever_was_drawn_before(first):
    torch.manual_seed(99)
    assert [one.weights for one in together(members())] == [one.weights for one in first]


def test_a_member_that_diverges_leaves_the_bits_of_the_others_as_they_are(first):
    wild = members()
    wild[1] = beginning(1, **{**OTHER[1], "learning_rate": 1e30})
    found = together(wild)
    assert (found[1].state, found[1].score, found[1].weights) == (None, None, None)
    assert "NaN in epoch" in found[1].why
    assert [found[i].weights for i in (0, 2)] == [first[i].weights for i in (0, 2)]
    assert [found[i].score for i in (0, 2)] == [first[i].score for i in (0, 2)]
    assert all(math.isfinite(value) for value in found[0].state["progress"]["curve"][-1].values())
    assert found[1].epochs == alone(wild[1]).epochs


def test_all_may_diverge():
    found = together([beginning(number, learning_rate=1e30) for number in range(2)])
    assert [one.score for one in found] == [None, None]
    assert all(one.why for one in found)


def test_a_lanes_state_is_that_of_a_training_that_may_be_taken_up_by_one_model(first):
    """As the best member of a population is: its fit is over, and it predicts."""
    one = first[1]
    job = Job(dataclasses.replace(trial(**OTHER[1]), training=dataclasses.replace(TRAINING, epochs=3)), device="cpu")
    descent = Descent(*learn(job), job)
    assert descent.fits(one.state)
    descent.restore(chosen(one.state, one.epochs))
    assert descent.over()
    fitted = Attempt(job, descent, "fit").fitted()
    assert fitted.best_epoch == 3
    descent.step()


def test_settings_that_lanes_share_may_not_differ():
    with pytest.raises(BadInput, match="differ in learning_rate and weight_decay alone"):
        one = beginning(1)
        other = dataclasses.replace(one.member.trial, training=dataclasses.replace(TRAINING, batch_size=3))
        together([beginning(0), dataclasses.replace(one, member=Member(other, 1))])
    with pytest.raises(BadInput, match="expected members of a population that differ in dropout"):
        together([beginning(0), beginning(1, samples=4)])


def test_what_nobody_reports_judges_nobody(first):
    with pytest.raises(BadInput, match="reports no co-bps that members could be judged by"):
        together(members(), judge="co-bps")
