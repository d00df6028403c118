import dataclasses

import pytest

from raysp.config import Experiment, ModelChoice, Recording, Resources, Training, Trial, apply_sets
from raysp.errors import BadInput

SAE = ModelChoice("sae", {"hidden": 8}, per_split={"mc_rtt-*": {"settings": {"hidden": 16}}})
EXPERIMENT = Experiment(name="x", models=(ModelChoice("mean_rate"), SAE), splits=("*",))
TRIAL = Trial("sae", {"hidden": 8}, Training(), "mc_rtt-20ms-val", "abc", seed=1)


@pytest.mark.parametrize(
    "change",
    [
        {"model": "sae2"},
        {"settings": {"hidden": 9}},
        {"training": Training(epochs=3)},
        {"split": "mc_rtt-05ms-val"},
        {"data": "abd"},
        {"seed": 2},
        {"neurons": (0, 1)},
        {"follows": "other"},
    ],
)
def test_id_changes_with_whatever_changes_the_result(change):
    assert dataclasses.replace(TRIAL, **change).id != TRIAL.id


def test_id_is_readable_and_stable():
    assert TRIAL.id.startswith("sae_mc_rtt-20ms-val_s1_")
    assert TRIAL.id == dataclasses.replace(TRIAL).id


def test_per_split_settings_also_hold_for_the_stand_in():
    assert SAE.for_split("standin-mc_rtt-05ms-val")[0] == {"hidden": 16}
    assert SAE.for_split("mc_maze-05ms-val")[0] == {"hidden": 8}


def test_sets_change_training_resources_seeds_and_models():
    sets = ("training.epochs=7", "resources.workers=3", "seeds=[1, 2]", "sae.hidden=5", "sae.training.patience=4")
    found = apply_sets(EXPERIMENT, sets)
    assert (found.training.epochs, found.resources.workers, found.seeds) == (7, 3, (1, 2))
    assert found.models[1].settings == {"hidden": 5}
    assert found.models[1].training == {"patience": 4}


def test_numbers_in_scientific_notation_are_numbers():
    found = apply_sets(EXPERIMENT, ("training.learning_rate=1e-3", "training.optimizer=adam"))
    assert (found.training.learning_rate, found.training.optimizer) == (1e-3, "adam")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("training.epoch=3", "did you mean 'epochs'"),
        ("training.epochs=many", "epochs expected int"),
        ("training.epochs", "expected key=value"),
        ("sea.hidden=3", "unknown setting 'sea.hidden'"),
        ("resources.workers=0", "at least 1"),
        ("training.epochs=[", "not YAML"),
        ("sae.training.epoch=3", "did you mean 'epochs'"),
    ],
)
def test_sets_refuse(text, message):
    with pytest.raises(BadInput, match=message):
        apply_sets(EXPERIMENT, (text,))


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
        (lambda: Recording("a b", "population"), "recording name"),
        (lambda: EXPERIMENT.choose(("smothing",)), "unknown model"),
    ],
)
def test_refuses(make, message):
    with pytest.raises(BadInput, match=message):
        make()


def test_gpu_shares_of_one_over_n_are_accepted():
    assert Resources(gpus_per_worker=1 / 3).gpus_per_worker == pytest.approx(1 / 3)
