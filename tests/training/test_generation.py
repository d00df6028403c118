import dataclasses
import math

import pytest
import torch

from raysp.config.experiment import Training, Trial
from raysp.errors import BadInput
from raysp.kinds.population import learner
from raysp.training.generation import NEWEST, chosen, fingerprint, train_generation
from raysp.training.job import Job
from tests.models.made_up import made_up_split
from tests.training.made_up import made_up_trial
from tests.training.test_lanes import Line, Points

SPLIT = made_up_split().training()


def train(trial=None, seed=5, epochs=2, judge="validation_loss", **how):
    job = Job(trial or made_up_trial(), device="cpu")
    return train_generation(job, lambda job: learner.learner(job, SPLIT), seed=seed, epochs=epochs, judge=judge, **how)


def test_a_generation_is_a_function_of_what_it_is_given():
    torch.manual_seed(1)
    one = train()
    torch.manual_seed(2)
    assert train().weights == one.weights == fingerprint(one.state)
    assert train(seed=6).weights != one.weights
    again = [train(seed=7, before=one.state, score=one.score) for _ in range(2)]
    assert again[0].weights == again[1].weights != one.weights
    assert (one.epochs, again[0].epochs) == (2, 4)
    assert len(again[0].state["progress"]["curve"]) == 4


def test_what_was_trained_is_not_changed_by_those_who_copy_it():
    one = train()
    before = fingerprint(one.state)
    train(made_up_trial(learning_rate=0.3), before=one.state)
    assert fingerprint(one.state) == before


def test_settings_of_the_copy_are_its_own_and_moments_are_copied():
    one = train()
    trial = made_up_trial(weight_decay=0.0, learning_rate=1e-9)
    found = train(trial, epochs=1, before=one.state)
    (group,) = found.state["optimizer"]["param_groups"]
    assert (group["weight_decay"], group["lr"]) == (0.0, 1e-9)
    steps = [
        {float(each["step"]) for each in state["optimizer"]["state"].values()} for state in (one.state, found.state)
    ]
    assert max(steps[1]) == max(steps[0]) * 3 / 2
    # At such a rate, without decay, weights are those that were copied.
    for name, value in one.state["model"].items():
        torch.testing.assert_close(found.state["model"][name], value, atol=1e-6, rtol=0)


def test_scores_are_smoothed_and_begin_anew_where_a_member_copied():
    one = train(epochs=3)
    losses = [row["validation_loss"] for row in one.state["progress"]["curve"]]
    smoothed = losses[0]
    for loss in losses[1:]:
        smoothed = NEWEST * loss + (1 - NEWEST) * smoothed
    assert (one.score, one.loss) == (smoothed, losses[-1])
    kept, copied = train(epochs=1, before=one.state, score=one.score), train(epochs=1, before=one.state)
    assert kept.loss == copied.loss == copied.score
    assert kept.score == NEWEST * kept.loss + (1 - NEWEST) * one.score


def test_all_members_are_judged_on_the_same_draws():
    one = train()
    still = made_up_trial(learning_rate=1e-30, weight_decay=0.0)
    found = [train(still, seed=seed, epochs=1, before=one.state) for seed in (1, 2)]
    assert found[0].loss == found[1].loss


def test_a_member_that_diverges_has_no_score():
    found = train(made_up_trial(learning_rate=1e30))
    assert (found.state, found.score, found.loss) == (None, None, None)


def test_a_lane_that_diverges_takes_its_member_along():
    """Its mean over the lanes that are left would be better than that of members that kept all of theirs."""
    training = Training(epochs=9, batch_size=5, learning_rate=0.05, precision="float32")
    trial, slopes = Trial("line", {}, training, "points", "0" * 64), [2.0, math.inf]
    how = {"seed": 1, "epochs": 2, "judge": "validation_loss"}
    found = train_generation(Job(trial, device="cpu"), lambda job: (Line(slopes), Points((7, 8))), **how)
    assert found.score is None
    well = train_generation(Job(trial, device="cpu"), lambda job: (Line([2.0, 3.0]), Points((7, 8))), **how)
    assert well.score is not None


def test_what_is_told_of_each_unit_is_of_the_weights_that_go_on():
    training = Training(epochs=9, batch_size=5, learning_rate=3.0, precision="float32")
    trial = Trial("line", {}, training, "points", "0" * 64)
    found = train_generation(
        Job(trial, device="cpu"), lambda job: (Line([2.0, 3.0]), Points((7, 8))), seed=1, epochs=6,
        judge="validation_loss",
    )  # fmt: skip
    progress = chosen(found.state, found.epochs)["progress"]
    losses = [row["validation_loss"] for row in progress["curve"]]
    assert losses[-1] > min(losses)
    assert progress["best_losses"].mean().item() == losses[-1]


def test_what_nobody_reports_judges_nobody_and_other_shapes_fit_nobody():
    with pytest.raises(BadInput, match="reports no co-bps that members could be judged by"):
        train(judge="co-bps")
    other = dataclasses.replace(made_up_trial(), hyperparameters={"encoder_hidden": 6, "hidden": 7})
    with pytest.raises(BadInput, match="weights do not fit"):
        train(other, before=train().state)
