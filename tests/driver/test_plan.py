import dataclasses
import pathlib
import runpy

import pytest

from raysp.config.experiment import Experiment, ModelChoice, Recording, Training
from raysp.data.splits import store
from raysp.data.splits.split import header_of
from raysp.driver.plan import check_names, check_not_empty, check_settings, make_plan, plan_of, settings_on, with_sets
from raysp.errors import BadInput, NotReady
from raysp.kinds import catalog as kinds
from tests.collection.made_up import make_split
from tests.data.nlb_files import prepared
from tests.models.made_up_stimulus import made_up_recording
from tests.training.made_up import made_up_split

VAL, TEST = "standin-mc_maze_small-20ms-val", "standin-mc_maze_small-20ms-test"
SAE = ModelChoice("sae", {"hidden": 8})
EXPERIMENT = Experiment(name="x", models=(ModelChoice("mean_rate"), SAE), splits=("*",), seeds=(0, 1))


@pytest.fixture(scope="module")
def root(standin_root):
    prepared(standin_root, "mc_maze_small-20ms-*")
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


def test_settings_of_models_that_a_command_leaves_out_are_looked_at_too():
    with pytest.raises(BadInput, match="setting of model mean_rate 'nope'"):
        with_sets(EXPERIMENT, ("mean_rate.nope=3",))
    (_, choice) = with_sets(EXPERIMENT, ("sae.hidden=9",)).models
    assert choice.hyperparameters == {"hidden": 9}


def test_a_network_of_more_weights_than_can_be_counted_is_refused(root):
    huge = dataclasses.replace(EXPERIMENT, models=(ModelChoice("sae", {"hidden": 10**11}),))
    with pytest.raises(BadInput, match=r"model sae expected weights that fit into a machine.*layers smaller"):
        make_plan(huge, [VAL], root)


@pytest.mark.parametrize(("trials", "left"), [(1, ["sae"]), (2, [])])
def test_where_no_training_trial_can_be_set_aside_networks_are_left_out(trials, left):
    header = header_of(made_up_split())
    few = dataclasses.replace(header, trials={**header.trials, "train": trials})
    plan = plan_of(dataclasses.replace(EXPERIMENT, seeds=(0,)), {few.name: few}, [few.name])
    assert [model for model, _, _ in plan.left_out] == left
    assert {trial.model for trial in plan.trials} == {"mean_rate", "sae"} - set(left)
    if left:
        assert "models that fit themselves need none" in plan.left_out[0][2]


@pytest.mark.parametrize(
    ("model", "hyperparameters", "training", "rate"),
    [
        ("sae", {}, {}, 4e-3),
        ("masked_gru", {}, {}, 1e-3),
        ("masked_cnn", {}, {}, 1e-3),
        ("unet", {}, {}, 1e-3),
        ("masked_gru", {}, {"learning_rate": 5e-3}, 5e-3),
        ("masked_gru", {}, {"epochs": 9}, 4e-3),
        ("ensemble", {}, {}, 1e-3),
        ("ensemble", {"member": "sae"}, {}, 4e-3),
    ],
)
def test_a_model_is_trained_its_own_way_where_nobody_says_how(model, hyperparameters, training, rate):
    choice = ModelChoice(model, hyperparameters, training)
    _, found = settings_on(dataclasses.replace(EXPERIMENT, models=(choice,)), choice, "any")
    assert found.learning_rate == rate
    assert found.steps_per_epoch == (0 if "epochs" in training else 20)
    asked = dataclasses.replace(EXPERIMENT, models=(choice,), training=Training(learning_rate=0.02))
    assert settings_on(asked, choice, "any")[1].learning_rate == training.get("learning_rate", 0.02)


def test_defaults_are_written_into_the_trial(root):
    trial = next(t for t in make_plan(EXPERIMENT, [VAL], root).trials if t.model == "sae")
    assert "dropout" in trial.hyperparameters
    assert trial.training == Training(**{**vars(Training()), **kinds.of("population").training})
    assert next(t for t in make_plan(EXPERIMENT, [VAL], root).trials if t.model == "mean_rate").training is None


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (ModelChoice("smothing"), "did you mean 'smoothing'"),
        (ModelChoice("sae", {"hiden": 3}), "did you mean 'hidden'"),
        (ModelChoice("sae", {"hidden": "many"}), "hidden expected int"),
        (ModelChoice("sae", training={"epoch": 3}), "did you mean 'epochs'"),
        (ModelChoice("sae", per_split={"*-val": {"hyperparameters": {"hiden": 3}}}), "did you mean 'hidden'"),
    ],
)
def test_settings_are_refused_before_anything_starts(choice, message):
    with pytest.raises(BadInput, match=message):
        check_settings(dataclasses.replace(EXPERIMENT, models=(choice,)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"floor": "mean_rates"}, "unknown floor of experiment x 'mean_rates': did you mean 'mean_rate'"),
        ({"ceiling": "-"}, "unknown ceiling of experiment x"),
        (
            {"models": (ModelChoice("sae", per_split={"mc_mase_small-*": {}}),)},
            "unknown split in per_split of model sae",
        ),
        ({"models": (ModelChoice("sae", per_split={VAL: {}}),)}, "did you mean 'mc_maze_small-20ms-val'"),
    ],
)
def test_names_that_would_silently_change_nothing_are_refused(changes, message):
    with pytest.raises(BadInput, match=message):
        check_names(dataclasses.replace(EXPERIMENT, **changes))
    right = ModelChoice("sae", label="mine", per_split={"mc_maze_small-*": {}, "own": {}})
    own = Recording("own", "population", {"path": "own.npz"})
    check_names(dataclasses.replace(EXPERIMENT, models=(right,), floor="mine", ceiling="true_rates", recordings=(own,)))


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


RECORDED = Experiment(
    name="y",
    models=(ModelChoice("no_spikes"), ModelChoice("poisson_counts", {"interval": 5}, label="poisson_5")),
    splits=("*",),
)


HELDIN = make_split("population").sizes.heldin


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """A root with a continuous recording, "made_up", and a population, "population"."""
    root = str(tmp_path_factory.mktemp("data"))
    slow = ((11, "has fewer than 9 spikes in training"),)
    store.save(dataclasses.replace(made_up_recording(bins=14_000, units=5), left_out=slow), None, root, {})
    store.save(make_split("population"), None, root, {})
    return root


@pytest.mark.parametrize(
    ("units", "size", "expected"),
    [
        ("all", 0, [(10, 13, 16, 19, 22)]),
        ("all", 2, [(10, 13), (16, 19), (22,)]),
        ("all", 99, [(10, 13, 16, 19, 22)]),
        ("first 3", 2, [(10, 13), (16,)]),
        ("22,11-17", 0, [(13, 16, 22)]),
        ("every 2", 1, [(10,), (16,), (22,)]),
    ],
)
def test_a_recordings_units_are_chosen_by_a_pattern_and_shared_out_over_trials(both, units, size, expected):
    experiment = dataclasses.replace(RECORDED, units=units, units_per_trial=size, seeds=(0, 4))
    trials = make_plan(experiment, ["made_up"], both).trials
    for label in ("no_spikes", "poisson_5"):
        for seed in (0, 4):
            found = [trial.units for trial in trials if trial.shown == label and trial.seed == seed]
            assert found == expected
    assert len({trial.id for trial in trials}) == len(trials) == 4 * len(expected)
    assert all(f"_{len(trial.units)}n_s" in trial.id for trial in trials)


def test_units_may_be_given_as_numbers(both):
    trials = make_plan(dataclasses.replace(RECORDED, units=(16, 10)), ["made_up"], both).trials
    assert {trial.units for trial in trials} == {(10, 16)}


@pytest.mark.parametrize(
    ("units", "message"),
    [
        ("12", "unknown unit 12: the nearest is 13"),
        ("11", "unit 11 was left out: it has fewer than 9 spikes in training"),
        ("first 6", "expected a number from 1 to 5"),
        ("10,10-12", "got 10 more than once"),
        ("some", "units expected numbers and ranges"),
    ],
)
def test_units_that_are_not_there_are_refused_before_anything_starts(both, units, message):
    with pytest.raises(BadInput, match=message):
        make_plan(dataclasses.replace(RECORDED, units=units), ["made_up"], both)


@pytest.mark.parametrize(
    ("units", "message"),
    [
        ((), "units expected at least one"),
        ((0, 99), "unknown unit 99: the nearest is"),
        ((0, 0), "got 0 more than once"),
        ("99", "unknown unit 99"),
        ((HELDIN,), "a subset needs one held-in unit"),
    ],
)
def test_units_of_trials_are_refused_before_anything_starts_and_come_in_any_order(both, units, message):
    experiment = dataclasses.replace(EXPERIMENT, units=units)
    with pytest.raises(BadInput, match=message):
        make_plan(experiment, ["population"], both)
    trials = make_plan(dataclasses.replace(EXPERIMENT, units=(HELDIN, 1, 0)), ["population"], both).trials
    assert {trial.units for trial in trials} == {(0, 1, HELDIN)}


def test_models_are_left_out_of_splits_of_the_other_kind_and_the_plan_says_why(both):
    experiment = dataclasses.replace(RECORDED, models=(ModelChoice("mean_rate"), *RECORDED.models))
    plan = make_plan(experiment, ["made_up", "population"], both)
    assert sorted((t.shown, t.split) for t in plan.trials) == [
        ("mean_rate", "population"),
        ("no_spikes", "made_up"),
        ("poisson_5", "made_up"),
    ]
    assert sorted(plan.left_out) == [
        ("mean_rate", "made_up", "the model reads population splits, this is a stimulus split"),
        ("no_spikes", "population", "the model reads stimulus splits, this is a population split"),
        ("poisson_5", "population", "the model reads stimulus splits, this is a population split"),
    ]


def test_a_label_is_in_the_id_and_one_model_comes_under_several(both):
    choices = [ModelChoice("poisson_counts", {"interval": k}, label=f"poisson_{k}") for k in (5, 10)]
    again = ModelChoice("poisson_counts", {"interval": 5}, label="again")
    plan = make_plan(dataclasses.replace(RECORDED, models=(*choices, again)), ["made_up"], both)
    assert [trial.id.rpartition("_")[0] for trial in plan.trials] == [
        f"{label}_made_up_5n_s0" for label in ("poisson_5", "poisson_10", "again")
    ]
    five, ten, other = (trial.id.rpartition("_")[2] for trial in plan.trials)
    assert five == other != ten
    assert [trial.hyperparameters["interval"] for trial in plan.trials] == [5, 10, 5]


def test_settings_that_networks_of_windows_cannot_have_are_refused_before_anything_starts(both):
    wrong = dataclasses.replace(RECORDED, models=(ModelChoice("distance_unet", {"output_bins": 160}),))
    with pytest.raises(BadInput, match="output_bins expected 8"):
        make_plan(wrong, ["made_up"], both)


def test_the_comparison_of_spike_distance_with_poisson_counts_is_planned_whole(both):
    path = pathlib.Path(__file__).parent.parent.parent / "experiments" / "spike_distance.py"
    experiment = runpy.run_path(str(path))["experiment"]()
    plan = make_plan(experiment, ["made_up"], both)
    trained = [trial.shown for trial in plan.trials if trial.training is not None]
    assert not plan.left_out
    assert {f"poisson_{k}" for k in (5, 10, 20, 40, 80, 160)} | {"distance_unet"} <= set(trained)
    assert {"no_spikes", "perfect_distance"} <= {trial.shown for trial in plan.trials} - set(trained)
    distance = next(trial for trial in plan.trials if trial.shown == "distance_unet")
    asked = {"input_bins": 992, "past": 32, "output_bins": 128, "lookahead": 198, "clamp": 198, "step": 80}
    asked |= {"channels": 64, "halvings": 6, "middle": 5, "dropout": 0.2, "train_stride": 13, "output_channels": 16}
    assert {name: distance.hyperparameters[name] for name in asked} == asked
    training = distance.training
    assert (training.epochs, training.batch_size, training.learning_rate) == (80, 256, 5e-4)
    assert (training.weight_decay, training.schedule, training.optimizer) == (0.3, "one_cycle", "adamw")
    assert training.clip_norm == 0
