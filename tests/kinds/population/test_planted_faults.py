"""Faults that are planted in real fits are told at the end, of these models alone."""

import pytest

from raysp.config.experiment import Experiment, ModelChoice, Training
from raysp.data.sources import lorenz_ndt
from raysp.data.splits import store
from raysp.driver.evaluate import evaluate_trial
from raysp.driver.plan import make_plan
from raysp.kinds.population.diagnosis import diagnoses
from raysp.runs.folder import trial_to
from raysp.runs.metrics_table import frame
from raysp.runs.trial_log import Setting
from raysp.trials.run_trial import run_trial

SMALL = {"encoder_hidden": 8, "initial": 4, "generator": 8, "inputs": 0, "samples": 2, "ramp": 0.0}
MODELS = (
    ModelChoice("mean_rate"),
    ModelChoice("smoothing", label="wide"),
    ModelChoice("smoothing", {"sigma_ms": 5.0}, label="narrow"),
    ModelChoice("lfads", {**SMALL, "beta_initial": 1e-3}, label="free"),
    ModelChoice("lfads", {**SMALL, "beta_initial": 1e5}, label="held"),
    ModelChoice("true_rates"),
)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    root, run = (str(tmp_path_factory.mktemp(name)) for name in ("data", "run"))
    config = lorenz_ndt.Config(conditions=12, trials_per_condition=5, units=12, ms=400, heldout=3)
    store.save(*lorenz_ndt.build(config, "lorenz"), root, {})
    training = Training(epochs=12, batch_size=16, learning_rate=1e-2)
    experiment = Experiment(name="x", models=MODELS, splits=("lorenz",), training=training)
    rows = []
    for trial in make_plan(experiment, ["lorenz"], root).trials:
        run_trial(trial, Setting(run=run, root=root))
        rows += evaluate_trial(run, root, trial_to(trial))
    return list(diagnoses(frame(rows)))


def test_a_collapsed_posterior_is_told_of_the_model_that_has_it(told):
    assert [line for line in told if "posterior collapsed" in line and line.startswith("lorenz: held: ")]
    assert not [line for line in told if "collapsed" in line and not line.startswith("lorenz: held: ")]


def test_a_narrow_kernel_copies_noise_and_a_chosen_one_does_not(told):
    assert [line.split(": ")[1] for line in told if "copies noise" in line] == ["narrow"]


def test_floor_and_ceiling_are_never_spoken_of(told):
    assert not [line for line in told if line.startswith(("lorenz: mean_rate", "lorenz: true_rates"))]
