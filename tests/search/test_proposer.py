import dataclasses

import pytest

from raysp.errors import BadInput
from raysp.search.proposer import STARTUP, Proposer
from tests.search import made_up
from tests.search.made_up import SPACE


def params(one):
    return [dict(candidate.params) for candidate in one.study.candidates()]


def test_the_defaults_come_first_then_the_start_points_then_the_sampler(tmp_path):
    start = [{"model.hidden": 64}, {"training.learning_rate": 0.01, "model.latents": 8}]
    one = made_up.active(made_up.study(tmp_path, start=start), 6)
    made_up.work(one)
    found = one.study.candidates()
    assert [candidate.source for candidate in found] == ["defaults", "start", "start", "tpe", "tpe", "tpe"]
    defaults = one.study.definition.trial(found[0].params, 0)
    assert (defaults.hyperparameters["hidden"], defaults.training.learning_rate) == (100, 4e-3)
    assert found[1].params["model.hidden"] == 64
    assert found[1].params["model.latents"] == 0
    assert found[2].params["training.learning_rate"] == 0.01


def test_the_defaults_are_the_experiments_own_settings_where_the_space_couples_them(tmp_path):
    space = {"model.hidden": {"int": [16, 256]}, "model.encoder_hidden": {"same": "model.hidden", "times": 2}}
    one = made_up.active(made_up.study(tmp_path, space=space), 3)
    made_up.work(one)
    first, second, _ = one.study.candidates()
    assert one.study.trial(first, 0).hyperparameters["encoder_hidden"] == 100
    assert not first.inside
    settings = one.study.trial(second, 0).hyperparameters
    assert settings["encoder_hidden"] == 2 * settings["hidden"]


def test_settings_that_the_model_refuses_together_are_drawn_again(tmp_path, monkeypatch):
    import raysp.models.sae as sae

    whole = sae.Config.__post_init__

    def check(config):
        whole(config)
        if config.hidden > 100 and config.latents == 0:
            raise BadInput("too wide without latents")

    made = made_up.study(tmp_path, space={k: SPACE[k] for k in ("model.hidden", "model.latents")}, sampler="random")
    monkeypatch.setattr(sae.Config, "__post_init__", check)
    one = made_up.active(made, 25)
    made_up.work(one)
    drawn = [candidate.params for candidate in one.study.candidates()]
    assert any(p["model.hidden"] > 100 for p in drawn)
    assert not any(p["model.hidden"] > 100 and p["model.latents"] == 0 for p in drawn)


def test_a_default_outside_the_space_is_tried_and_never_told_to_the_sampler(tmp_path):
    one = made_up.active(made_up.study(tmp_path, space={"model.hidden": {"int": [200, 256]}}), 14)
    made_up.work(one)
    found = one.study.candidates()
    assert (found[0].params, found[0].inside) == ({"model.hidden": 100}, False)
    assert all(candidate.params["model.hidden"] >= 200 for candidate in found[1:])


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_the_same_study_proposes_the_same_on_any_number_of_workers(tmp_path, sampler):
    proposed = []
    for at_once in (1, 2, 3, 7):
        one = made_up.active(made_up.study(tmp_path / str(at_once), sampler=sampler), 30)
        made_up.work(one, at_once=at_once)
        proposed.append(params(one))
    assert len(proposed[0]) == 30
    assert all(other == proposed[0] for other in proposed[1:])


def test_a_study_that_was_killed_goes_on_as_if_it_had_not_been(tmp_path):
    quiet = made_up.active(made_up.study(tmp_path / "quiet"), 40)
    made_up.work(quiet)
    for most in (1, 4, 0, 7, 5, 2, 100):
        one = made_up.active(made_up.study(tmp_path / "killed"), 40)
        made_up.work(one, most=most, at_once=1 + most % 4)
    assert params(one) == params(quiet)


def test_seeds_change_what_is_proposed_and_tpe_learns_from_results(tmp_path):
    first = made_up.active(made_up.study(tmp_path / "a"), 40)
    other = made_up.active(made_up.study(tmp_path / "b", seed=1), 40)
    random = made_up.active(made_up.study(tmp_path / "c", sampler="random"), 40)
    for one in (first, other, random):
        made_up.work(one)
    assert params(first) != params(other)
    assert params(first)[1:STARTUP] == params(random)[1:STARTUP]
    losses = [
        [made_up.loss_of(one.study.trial(candidate, 0)) for candidate in one.study.candidates()[20:]]
        for one in (first, random)
    ]
    assert sum(losses[0]) < 0.7 * sum(losses[1])


def test_a_proposal_waits_for_the_results_it_is_made_from(tmp_path):
    one = made_up.active(made_up.study(tmp_path, in_flight=3), 30)
    proposer = Proposer(one.study.definition)
    assert [proposer.needs(n) for n in (0, 1, 10, 11, 12, 13)] == [0, 0, 0, 0, 10, 11]
    running = []
    while (trial := one.next()) is not None:
        running.append(trial)
    assert len(running) == 12
    for trial in running[1:]:
        made_up.write_done(one.study.run, trial)
        one.settle(trial.id)
    assert one.next() is None
    made_up.write_done(one.study.run, running[0])
    one.settle(running[0].id)
    assert one.next() is not None


def test_coupled_and_conditional_settings_reach_the_trial(tmp_path):
    one = made_up.active(made_up.study(tmp_path, sampler="random"), 30)
    made_up.work(one)
    for candidate in one.study.candidates():
        trial = one.study.trial(candidate, 0)
        assert trial.hyperparameters["encoder_hidden"] == trial.hyperparameters["hidden"]
        varied = "training.plateau_patience" in candidate.params
        assert varied == (trial.training.schedule == "plateau")
        assert varied or trial.training.plateau_patience == 10


def test_grid_entries_are_visited_in_turn_and_the_others_sampled(tmp_path):
    space = {"model.latents": {"grid": [0, 8, 16]}, "training.learning_rate": {"loguniform": [1e-4, 1e-1]}}
    one = made_up.active(made_up.study(tmp_path, space=space), 25)
    made_up.work(one)
    values = [candidate.params["model.latents"] for candidate in one.study.candidates()[1:]]
    assert all(set(values[i : i + 3]) == {0, 8, 16} for i in range(0, 24, 3))
    rates = {candidate.params["training.learning_rate"] for candidate in one.study.candidates()}
    assert len(rates) == 25


def test_the_grid_sampler_tries_every_combination_once(tmp_path):
    space = {"model.latents": {"choice": [0, 8]}, "model.dropout": {"uniform": [0, 0.2], "step": 0.1}}
    one = made_up.active(made_up.study(tmp_path, space=space, sampler="grid"), None)
    made_up.work(one)
    found = [tuple(sorted(candidate.params.items())) for candidate in one.study.candidates()]
    assert len(found) == len(set(found)) == 6
    assert one.over()


def test_settings_tried_before_are_not_run_again(tmp_path):
    one = made_up.active(made_up.study(tmp_path, space={"model.latents": {"choice": [0, 8]}}, sampler="random"), 12)
    ran = made_up.work(one)
    assert len(one.study.candidates()) == 12
    assert len(ran) == len(set(ran)) == 2


def test_failed_and_stopped_candidates_teach_the_sampler_what_they_can(tmp_path):
    one = made_up.active(made_up.study(tmp_path), 30)
    made_up.work(one, fails=lambda trial: trial.training.learning_rate > 0.03)
    assert len(one.study.candidates()) == 30
    assert one.over()


def test_several_objectives_are_searched_together(tmp_path):
    one = made_up.active(made_up.study(tmp_path, objectives=("validation_loss", "co-bps")), 20)
    made_up.work(one)
    again = made_up.active(one.study, 20)
    assert again.over()
    assert dataclasses.astuple(again.study.definition.space)
