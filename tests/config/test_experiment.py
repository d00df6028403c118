import dataclasses

import pytest

from raysp.config.experiment import Experiment, ModelChoice, Recording, Resources, Training, Trial
from raysp.config.sets import apply_sets, values
from raysp.errors import BadInput
from raysp.runs.folder import trial_from, trial_to

SAE = ModelChoice("sae", {"hidden": 8}, per_split={"mc_rtt-*": {"hyperparameters": {"hidden": 16}}})
EXPERIMENT = Experiment(name="x", models=(ModelChoice("mean_rate"), SAE), splits=("*",))
TRIAL = Trial("sae", {"hidden": 8}, Training(), "mc_rtt-20ms-val", "abc", seed=1)


@pytest.mark.parametrize(
    "change",
    [
        {"model": "sae2"},
        {"hyperparameters": {"hidden": 9}},
        {"training": Training(epochs=3)},
        {"split": "mc_rtt-05ms-val"},
        {"data": "abd"},
        {"seed": 2},
        {"units": (0, 1)},
        {"follows": "other"},
        {"label": "mine"},
        {"code": "f" * 64},
    ],
)
def test_id_changes_with_whatever_changes_the_result(change):
    assert dataclasses.replace(TRIAL, **change).id != TRIAL.id


def test_id_is_readable_and_stable():
    assert TRIAL.id.startswith("sae_mc_rtt-20ms-val_s1_")
    assert TRIAL.id == dataclasses.replace(TRIAL).id


def test_a_field_that_came_later_leaves_the_names_as_they_were_while_it_says_what_was_done_before():
    @dataclasses.dataclass(frozen=True)
    class LaterTraining(Training):
        warm_restarts: int = dataclasses.field(default=3, metadata={"before": 0})

    @dataclasses.dataclass(frozen=True)
    class LaterTrial(Trial):
        starts_from: tuple[str, ...] = ()

    later = LaterTrial(
        **{k: v for k, v in vars(TRIAL).items() if k != "recorded"} | {"training": LaterTraining(warm_restarts=0)}
    )
    assert later.id == TRIAL.id
    assert dataclasses.replace(later, training=LaterTraining()).id != TRIAL.id
    assert dataclasses.replace(later, starts_from=("a",)).id != TRIAL.id


def test_a_changed_default_of_the_training_is_another_trial():
    @dataclasses.dataclass(frozen=True)
    class OtherDefault(Training):
        epochs: int = 400

    assert dataclasses.replace(TRIAL, training=OtherDefault()).id != TRIAL.id
    assert dataclasses.replace(TRIAL, training=OtherDefault(epochs=500)).id == TRIAL.id


def test_a_trial_of_a_record_keeps_its_name_and_a_changed_copy_has_its_own():
    read = trial_from(trial_to(TRIAL) | {"id": "sae_mc_rtt-20ms-val_s1_0123456789"})
    assert read == TRIAL
    assert read.id == "sae_mc_rtt-20ms-val_s1_0123456789"
    assert trial_to(read)["id"] == read.id
    assert dataclasses.replace(read).id == TRIAL.id


def test_per_split_settings_also_hold_for_the_stand_in():
    assert SAE.for_split("standin-mc_rtt-05ms-val")[0] == {"hidden": 16}
    assert SAE.for_split("mc_maze-05ms-val")[0] == {"hidden": 8}


def test_sets_change_training_resources_seeds_and_models():
    sets = ("training.epochs=7", "resources.workers=3", "seeds=[1, 2]", "sae.hidden=5", "sae.training.patience=4")
    found = apply_sets(EXPERIMENT, sets)
    assert (found.resources.workers, found.seeds) == (3, (1, 2))
    assert [one.training for one in found.models] == [{"epochs": 7}, {"epochs": 7, "patience": 4}]
    assert found.models[1].hyperparameters == {"hidden": 5}


def test_numbers_in_scientific_notation_are_numbers():
    found = apply_sets(EXPERIMENT, ("training.learning_rate=1e-3", "training.optimizer=adam"))
    assert found.models[0].training == {"learning_rate": 1e-3, "optimizer": "adam"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("training.epoch=3", "did you mean 'epochs'"),
        ("training.epochs=many", "epochs expected int"),
        ("training.epochs", "expected key=value"),
        ("sea.hidden=3", "--set sea.hidden: unknown model or part of the experiment 'sea': did you mean 'sae'"),
        ("train.epochs=3", "did you mean 'training'"),
        ("epochs=3", "unknown setting 'epochs': did you mean 'training.epochs'"),
        ("resources.workers=0", "at least 1"),
        ("training.epochs=[", "not YAML"),
        ("sae.training.epoch=3", "did you mean 'epochs'"),
    ],
)
def test_sets_refuse(text, message):
    with pytest.raises(BadInput, match=message):
        apply_sets(EXPERIMENT, (text,))


@pytest.mark.parametrize(
    ("make", "given", "message"),
    [
        (Experiment, {"name": "x", "seed": 3}, "unknown setting of Experiment 'seed': did you mean 'seeds'"),
        (ModelChoice, {"name": "sae", "settings": {}}, "'settings': it is called 'hyperparameters' now"),
        (Training, {"epoch": 3}, "unknown setting of Training 'epoch': did you mean 'epochs'"),
        (Recording, {"nme": "x"}, "did you mean 'name'"),
        (Resources, {"worker": 3}, "did you mean 'workers'"),
    ],
)
def test_a_name_that_no_field_has_is_answered_with_the_nearest(make, given, message):
    with pytest.raises(BadInput, match=message):
        make(**given)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Training(epochs=0), "epochs expected at least 1"),
        (lambda: Training(learning_rate=0.0), "learning_rate expected a number > 0"),
        (lambda: Training(validation_every=1), "validation_every expected at least 2"),
        (lambda: Training(learning_rate=float("nan")), "learning_rate"),
        (lambda: Resources(gpus_per_worker=0.3), "1/n"),
        (lambda: Resources(gpus_per_worker=1.5), "whole GPUs"),
        (lambda: Experiment(name="a/b", models=(SAE,), splits=("*",)), "experiment name"),
        (lambda: Experiment(name="a", models=(), splits=("*",)), "at least one of models"),
        (lambda: Experiment(name="a", models=(SAE, SAE), splits=("*",)), "each once"),
        (lambda: Experiment(name="a", models=(SAE,)), "splits or recordings"),
        (lambda: Experiment(name="a", models=(SAE, ModelChoice("unet", label="sae")), splits=("*",)), "each once"),
        (lambda: ModelChoice("sae", label="my model"), "model sae, label name expected letters"),
        (lambda: dataclasses.replace(EXPERIMENT, units_per_trial=-1), "units_per_trial expected at least 0"),
        (lambda: Recording("a b", "population"), "recording name"),
        (lambda: EXPERIMENT.choose(("smothing",)), "unknown model"),
        (lambda: dataclasses.replace(EXPERIMENT, seeds=(0, -1)), r"seeds\[1\] expected at least 0, got -1"),
        (lambda: Training(validation_seed=-1), "validation_seed expected at least 0"),
        (lambda: ModelChoice("sae", per_split={3: {}}), "per_split expected globs of names of splits, got 3"),
    ],
)
def test_refuses(make, message):
    with pytest.raises(BadInput, match=message):
        make()


def test_gpu_shares_of_one_over_n_are_accepted():
    assert Resources(gpus_per_worker=1 / 3).gpus_per_worker == pytest.approx(1 / 3)


LABELLED = dataclasses.replace(
    EXPERIMENT, models=tuple(ModelChoice("poisson_counts", {"interval": k}, label=f"poisson_{k}") for k in (5, 80))
)


def test_a_model_may_come_several_times_under_labels_and_is_chosen_by_them():
    chosen = LABELLED.choose(("poisson_5",))
    assert [(choice.shown, choice.hyperparameters) for choice in chosen.models] == [("poisson_5", {"interval": 5})]
    with pytest.raises(BadInput, match="unknown model of experiment x 'poisson_6': did you mean 'poisson_5'"):
        LABELLED.choose(("poisson_6",))
    with pytest.raises(BadInput, match="unknown model"):
        LABELLED.choose(("poisson_counts",))


def test_sets_change_the_model_of_that_label_alone():
    found = apply_sets(LABELLED, ("poisson_80.interval=40", "poisson_80.training.epochs=3"))
    assert [choice.hyperparameters["interval"] for choice in found.models] == [5, 40]
    assert [dict(choice.training) for choice in found.models] == [{}, {"epochs": 3}]
    assert [choice.shown for choice in found.models] == ["poisson_5", "poisson_80"]
    with pytest.raises(
        BadInput, match=r"poisson_counts\.interval: unknown model or part of the experiment 'poisson_counts'"
    ):
        apply_sets(LABELLED, ("poisson_counts.interval=40",))


def test_a_label_is_the_front_of_the_id_and_not_in_its_hash():
    named = dataclasses.replace(TRIAL, label="mine")
    assert (TRIAL.shown, named.shown) == ("sae", "mine")
    assert named.id == TRIAL.id.replace("sae_", "mine_", 1)


@pytest.mark.parametrize(
    ("text", "field", "expected"),
    [
        ("units=first 12", "units", "first 12"),
        ("units=1,5,20-40", "units", "1,5,20-40"),
        ("units=56", "units", "56"),
        ("units_per_trial=12", "units_per_trial", 12),
    ],
)
def test_sets_choose_units(text, field, expected):
    assert getattr(apply_sets(EXPERIMENT, (text,)), field) == expected


@pytest.mark.parametrize("label", ["poisson.5", "training", "resources"])
def test_a_label_that_set_could_not_reach_is_refused(label):
    with pytest.raises(BadInput, match="--set takes for its own"):
        ModelChoice("poisson_counts", label=label)


@pytest.mark.parametrize(("text", "seeds"), [("0", (0,)), ("3,4", (3, 4)), ("[3, 4]", (3, 4)), (" 1, 2 ", (1, 2))])
def test_seeds_are_given_as_a_person_writes_them(text, seeds):
    assert apply_sets(EXPERIMENT, (f"seeds={text}",)).seeds == seeds


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        (("seeds=true",), r"seeds expected several values, e.g. \(True,\), got True"),
        (("seeds=0,0",), "seeds expected each once"),
        (("seeds=",), "seeds expected several values"),
        (("seeds=-1",), r"seeds\[0\] expected at least 0, got -1"),
        (("splits=a",), "--set splits: splits cannot be set here; narrow them with --splits"),
        (("models=a",), "narrow them with --models"),
        (("sae=3",), "expected a setting of model sae: sae.SETTING"),
        (("sae.training=3",), "sae.training expected a field of it"),
        (("sae.hidden=3", "sae.hidden=4"), "--set sae.hidden expected one value, got 3 and 4"),
    ],
)
def test_the_right_reason_is_given(sets, message):
    with pytest.raises(BadInput, match=message):
        apply_sets(EXPERIMENT, sets)


@pytest.mark.parametrize("order", [1, -1])
def test_what_is_set_for_all_models_holds_for_all_but_those_that_are_named(order):
    own = ModelChoice("ndt", training={"epochs": 9, "patience": 3}, per_split={"*": {"training": {"epochs": 8}}})
    found = dataclasses.replace(EXPERIMENT, models=(*EXPERIMENT.models, own))
    found = apply_sets(found, ("training.epochs=2", "sae.training.epochs=4")[::order])
    epochs = {one.name: one.for_split("a-val")[1]["epochs"] for one in found.models}
    assert epochs == {"mean_rate": 2, "sae": 4, "ndt": 2}
    assert found.models[-1].training == {"epochs": 2, "patience": 3}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"models": (ModelChoice("sae"), ModelChoice("sae", label="Sae"))},
            "models expected names that differ",
        ),
        (
            {"recordings": (Recording("a", "population"), Recording("A", "population"))},
            "recordings expected names",
        ),
        ({"recordings": (Recording("a", "population"), Recording("a", "retina"))}, "recordings expected each once"),
        ({"splits": ("a", "a")}, "splits expected each once"),
        ({"splits": ("a",), "recordings": (Recording("a", "population"),)}, "a is a recording of its own, and so one"),
        ({"models": ("sae",)}, r"models\[0\] expected settings by name, got 'sae'"),
    ],
)
def test_names_that_are_one_on_many_disks_are_refused(changes, message):
    with pytest.raises(BadInput, match=message):
        dataclasses.replace(EXPERIMENT, **changes)


def test_parts_of_per_split_are_checked_before_a_split_matches():
    with pytest.raises(BadInput, match="did you mean 'hyperparameters'"):
        ModelChoice("sae", per_split={"x": {"hyperparameter": {}}})
    with pytest.raises(BadInput, match="per_split 'x' of model sae expected settings by name"):
        ModelChoice("sae", per_split={"x": {"hyperparameters": 3}, "y": {}} | {"x": 3})


def test_a_value_that_can_be_no_yaml_is_text_a_name_with_a_star_in_front_say():
    assert values(("time=*/unit_*/times", "keep={a: 1}", "unit=5")) == {
        "time": "*/unit_*/times",
        "keep": {"a": 1},
        "unit": 5,
    }
