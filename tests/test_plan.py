import dataclasses

import pytest

from raysp.config import Experiment, ModelChoice, Training
from raysp.data import prepare
from raysp.errors import BadInput, NotReady
from raysp.plan import check_not_empty, check_settings, make_plan

VAL, TEST = "standin-mc_maze_small-20ms-val", "standin-mc_maze_small-20ms-test"
SAE = ModelChoice("sae", {"hidden": 8})
EXPERIMENT = Experiment(name="x", models=(ModelChoice("mean_rate"), SAE), splits=("*",), seeds=(0, 1))


@pytest.fixture(scope="module")
def root(standin_root):
    prepare.prepare(["mc_maze_small-20ms-*"], standin_root)
    return standin_root


def test_models_by_splits_by_seeds_each_after_the_one_it_follows(root):
    trials = make_plan(EXPERIMENT, [VAL, TEST], root).trials
    assert len(trials) == len({trial.id for trial in trials}) == 8
    place = {trial.id: i for i, trial in enumerate(trials)}
    followers = [trial for trial in trials if trial.follows]
    assert [(trial.model, trial.split) for trial in followers] == [("sae", TEST)] * 2
    for trial in followers:
        before = trials[place[trial.follows]]
        assert (before.model, before.split, before.seed) == ("sae", VAL, trial.seed)
        assert place[before.id] < place[trial.id]


def test_a_test_split_alone_brings_the_val_trials_it_needs_and_no_others(root):
    trials = make_plan(EXPERIMENT, [TEST], root).trials
    found = sorted((trial.model, trial.split, trial.seed) for trial in trials)
    assert found == sorted(
        [("mean_rate", TEST, 0), ("mean_rate", TEST, 1)] + [("sae", split, s) for split in (VAL, TEST) for s in (0, 1)]
    )


def test_settings_of_val_change_the_trial_that_follows_it(root):
    wider = dataclasses.replace(EXPERIMENT, models=(ModelChoice("sae", {"hidden": 9}),))
    ids = {trial.id for trial in make_plan(EXPERIMENT, [VAL, TEST], root).trials}
    assert not ids & {trial.id for trial in make_plan(wider, [VAL, TEST], root).trials}


def test_defaults_are_written_into_the_trial(root):
    trial = next(t for t in make_plan(EXPERIMENT, [VAL], root).trials if t.model == "sae")
    assert "dropout" in trial.settings
    assert trial.training == Training()
    assert next(t for t in make_plan(EXPERIMENT, [VAL], root).trials if t.model == "mean_rate").training is None


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (ModelChoice("smothing"), "did you mean 'smoothing'"),
        (ModelChoice("sae", {"hiden": 3}), "did you mean 'hidden'"),
        (ModelChoice("sae", {"hidden": "many"}), "hidden expected int"),
        (ModelChoice("sae", training={"epoch": 3}), "did you mean 'epochs'"),
        (ModelChoice("sae", per_split={"*-val": {"settings": {"hiden": 3}}}), "did you mean 'hidden'"),
    ],
)
def test_settings_are_refused_before_anything_starts(choice, message):
    with pytest.raises(BadInput, match=message):
        check_settings(dataclasses.replace(EXPERIMENT, models=(choice,)))


def test_a_split_that_is_not_prepared_is_named_with_the_command_to_type(root):
    with pytest.raises(NotReady, match="raysp data prepare"):
        make_plan(EXPERIMENT, ["standin-mc_rtt-20ms-val"], root)


def test_an_empty_plan_says_what_was_left_out(root, tmp_path):
    ceiling = dataclasses.replace(EXPERIMENT, models=(ModelChoice("true_rates"),))
    plan = make_plan(ceiling, [VAL], root)
    assert len(plan.trials) == 2
    with pytest.raises(BadInput, match="at least one trial"):
        check_not_empty(dataclasses.replace(plan, trials=(), left_out=(("true_rates", VAL, "no truth"),)))


def test_a_network_that_the_splits_bins_cannot_hold_is_refused_before_anything_is_trained(root):
    deep = dataclasses.replace(EXPERIMENT, models=(ModelChoice("unet", {"layers": 9, "padding": "reflect"}),))
    with pytest.raises(BadInput, match=f"{VAL}: model unet: 9 halvings with reflected padding expected more than"):
        make_plan(deep, [VAL], root)
