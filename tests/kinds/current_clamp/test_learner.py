"""A person's own network of injected currents, from planning to scores; no test data reach it."""

import dataclasses
import pathlib

import numpy as np
import polars
import pytest
import torch

from raysp.config import own_code, plugins
from raysp.config.experiment import Experiment, ModelChoice
from raysp.data.splits import store
from raysp.data.splits.currents import Currents
from raysp.driver.plan import make_plan
from raysp.errors import BadInput
from raysp.io import files
from raysp.kinds.current_clamp.batches import CurrentBatches, rates_of
from raysp.kinds.current_clamp.rates_file import read_rates
from raysp.kinds.current_clamp.repeats import validated
from raysp.models import catalog
from raysp.runs.curve import read_curve
from tests.data.clamp_splits import made_up
from tests.kinds.current_clamp.made_up import MODELS, NAME, make_run

OWN = pathlib.Path(__file__).parents[2] / "own" / "models" / "current_gru.py"
TRAINING = {"epochs": 4, "batch_size": 8, "learning_rate": 0.02, "measure_every": 2}


@pytest.fixture(autouse=True)
def own():
    own_code.taken("models", str(OWN))
    yield
    plugins.plug({})


def network(**training):
    return ModelChoice("current_gru", {}, TRAINING | training)


def test_currents_are_distinct_and_carry_what_a_part_scores():
    split = made_up(3, timed=True)
    for parts in (("train",), ("validation",), ("train", "validation")):
        found = Currents.of(split, parts)
        scored = sum(split.bins_of(part) for part in parts)
        assert found.repeats.sum() == scored
        spikes = 0
        for part in parts:
            for sweep, (first, last) in enumerate(zip(*split.edges(part), strict=True)):
                spikes += int(split.counts_of(sweep)[first:last].sum())
        assert (found.counts * found.repeats).sum().item() == pytest.approx(spikes)
        padding = torch.arange(found.current.shape[1]) >= found.bins[:, None]
        assert not found.current[padding].any()
        assert not found.repeats[padding].any()
    pairs = {tuple(split.current_of(sweep).tolist()) for sweep in np.flatnonzero(split.sweep_parts[:, 0])}
    assert len(Currents.of(split, ("train",))) == len(pairs), "repeats of one current are one"


def test_a_network_is_fitted_predicted_and_scored_beside_the_floor(tmp_path):
    made = make_run(tmp_path, (MODELS[0], network(refit=True), MODELS[-1]), together=0)
    trial = made.of("current_gru")
    folder = made.run.trial(trial.id)
    found, sees_counts = read_rates(folder.predictions)
    assert not sees_counts
    assert all(np.isfinite(one.rates).all() for one in found)
    curve = read_curve(folder.curve)
    assert len(curve) == 4
    assert all(np.isfinite(row["unseen_loss"]) for row in curve)
    assert np.isfinite(curve[1]["validation EVR"])
    assert folder.read_done()["selected_on"] == "validation part"
    assert not files.exists(files.join(folder.path, "parameters.parquet"))
    scores = polars.read_parquet(made.run.metrics).filter(polars.col("model") == "current_gru")
    assert set(scores["unit"].drop_nulls()) == set(made.split.unit_ids.tolist())


def test_the_loss_that_models_are_compared_by_is_that_of_other_models():
    split = made_up(3, seed=2, timed=True)
    model = catalog.build("current_gru", {}, split.sizes).eval()
    unseen = CurrentBatches(split, torch.device("cpu"), 0).unseen(model)
    found = validated(model, split, rates_of(model, split, torch.device("cpu")))
    assert unseen == pytest.approx(found["unseen_loss"], rel=1e-5)


def test_no_bin_of_the_test_part_changes_a_fit(tmp_path):
    one = made_up(3, seed=3, timed=True, name=NAME)
    other = dataclasses.replace(one, counts=one.counts.copy())
    for sweep, (first, last) in enumerate(zip(*one.edges("test"), strict=True)):
        other.counts[other.sweep_ptr[sweep] + first : other.sweep_ptr[sweep] + last] += 3
    rates = []
    for folder, split in (("one", one), ("other", other)):
        made = make_run(tmp_path / folder, (network(),), split=split, together=0)
        found, _ = read_rates(made.run.trial(made.trials[0].id).predictions)
        rates.append(np.concatenate([each.rates for each in found]))
    np.testing.assert_array_equal(*rates)


def test_what_cannot_be_fitted_is_refused_at_planning(tmp_path):
    root = str(tmp_path / "data")
    store.save(made_up(2, timed=True, name=NAME), None, root, {})

    def plan(choice):
        make_plan(Experiment("one", (choice,), splits=(NAME,)), [NAME], root)

    with pytest.raises(BadInput, match="has a validation part of its own: expected"):
        plan(network(validate_on="eval"))
    text = OWN.read_text().replace("def predict(", "def forecast(")
    (tmp_path / "without.py").write_text(text)
    own_code.taken("models", str(tmp_path / "without.py"))
    with pytest.raises(
        BadInput, match=r"model without: .* gradient descent fits expected loss, predict, got no predict"
    ):
        plan(ModelChoice("without"))
