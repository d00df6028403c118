"""Figures of masked models, drawn of trials that were really trained; and the numbers that come with known truth."""

import dataclasses

import numpy as np
import polars
import pytest

from raysp.config.experiment import Experiment, ModelChoice, Training
from raysp.data.sources import known_truth, lorenz_ndt
from raysp.data.splits import store
from raysp.driver.evaluate import evaluate_trial
from raysp.driver.plan import make_plan
from raysp.errors import NotReady
from raysp.io import files
from raysp.kinds.population.case import open_case
from raysp.kinds.population.page.masking import example_mask, inside, masked
from raysp.runs.folder import RunFolder, trial_to
from raysp.runs.trial_log import Setting
from raysp.trials.run_trial import run_trial

MODELS = (
    ModelChoice("mean_rate"),
    ModelChoice("unet", {"layers": 1, "width": 4}),
    ModelChoice("masked_cnn", {"layers": 1, "width": 4}),
    ModelChoice("masked_gru", {"hidden": 4}),
    ModelChoice("true_rates"),
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    root, run = (str(tmp_path_factory.mktemp(name)) for name in ("data", "run"))
    config = lorenz_ndt.Config(conditions=6, trials_per_condition=5, units=7, ms=200, heldout=2, forward=1)
    split, targets = lorenz_ndt.build(config, "lorenz")
    store.save(split, targets, root, {})
    training = Training(epochs=2, batch_size=8)
    experiment = Experiment(name="x", models=MODELS, splits=("lorenz",), training=training)
    trials = {trial.model: trial for trial in make_plan(experiment, ["lorenz"], root).trials}
    for trial in trials.values():
        run_trial(trial, Setting(run=run, root=root))
    return run, root, trials


def case_of(trained, model):
    run, root, trials = trained
    return open_case(RunFolder(run), root, trials[model], answers=True)


@pytest.mark.parametrize("model", ["unet", "masked_cnn"])
def test_a_convolutional_models_masks_and_inside_are_drawn(trained, model):
    case = case_of(trained, model)
    for picture in (masked(case), inside(case)):
        assert picture.png.startswith(b"\x89PNG")
    assert f"{case.trial.hyperparameters['mask_ratio']:.0%} of the input counts" in masked(case).caption


def test_a_recurrent_model_has_masks_but_no_embedding(trained):
    case = case_of(trained, "masked_gru")
    assert masked(case).png.startswith(b"\x89PNG")
    with pytest.raises(NotReady, match="no embedding and no convolution"):
        inside(case)


def test_a_model_without_masks_has_no_such_figure(trained):
    with pytest.raises(NotReady, match="is not trained on hidden counts"):
        masked(case_of(trained, "mean_rate"))


def test_the_example_mask_is_one_of_the_models_own_and_shows_what_is_no_input(trained):
    case = case_of(trained, "unet")
    sizes, found = case.split.sizes, example_mask(case)
    assert found.shape == (sizes.bins + sizes.forward, sizes.units)
    assert np.isnan(found[:, sizes.heldin :]).all()
    assert np.isnan(found[sizes.bins :]).all()
    assert set(np.unique(found[: sizes.bins, : sizes.heldin])) == {0.0, 1.0}


def test_known_truth_gives_every_number_between_floor_and_ceiling(trained):
    run, root, trials = trained
    rows = [row for trial in trials.values() for row in evaluate_trial(run, root, trial_to(trial))]
    table = polars.DataFrame(rows, schema_overrides={"parameter": polars.String, "unit": polars.Int64})
    whole = table.filter(polars.col("unit").is_null() & polars.col("parameter").is_null())

    def value(model, metric):
        return whole.filter((polars.col("model") == model) & (polars.col("metric") == metric))["value"].item()

    for metric in (
        "true-rate R2",
        "true-rate R2 pooled",
        "true-rate Pearson r squared, pooled",
        "masked deviance",
        "roughness",
    ):
        assert np.isfinite(value("unet", metric)), metric
    assert value("true_rates", "true-rate R2") == pytest.approx(1.0)
    assert value("mean_rate", "true-rate R2") < 0.05
    assert value("true_rates", "masked deviance") < value("mean_rate", "masked deviance")
    states = table.filter((polars.col("model") == "unet") & (polars.col("metric") == "state R2"))
    assert states["parameter"].to_list() == [None, "dimension 0", "dimension 1", "dimension 2"]
    assert states["value"][0] == pytest.approx(states["value"][1:].mean())


def test_an_older_trial_without_numbers_of_its_own_is_still_evaluated(trained, tmp_path):
    _, root, trials = trained
    other = str(tmp_path / "run")
    run_trial(trials["mean_rate"], Setting(run=other, root=root))
    files.remove(RunFolder(other).trial(trials["mean_rate"].id).metrics)
    metrics = {row["metric"] for row in evaluate_trial(other, root, trial_to(trials["mean_rate"]))}
    assert "masked deviance" not in metrics
    assert "co-bps" in metrics


def test_conditions_held_out_are_other_conditions_than_those_trained_on():
    config = lorenz_ndt.Config(conditions=6, trials_per_condition=5, units=7, ms=200)
    split, targets = lorenz_ndt.build(dataclasses.replace(config, split="conditions"), "lorenz")
    assert not set(split.train.condition) & set(targets.trials.condition)
    assert isinstance(config, known_truth.Cut)
