"""A model fitted at hand has the numbers of a run's trial."""

import dataclasses

import numpy as np
import polars
import pytest
import torch

import raysp
from raysp.config import plugins
from raysp.config.experiment import Experiment, ModelChoice, Training
from raysp.driver.evaluate import evaluate_trial
from raysp.driver.plan import make_plan
from raysp.errors import BadInput, NotReady
from raysp.io import files
from raysp.kinds.population import rates_file
from raysp.runs.curve import read_curve
from raysp.runs.folder import RunFolder, trial_to
from raysp.runs.metrics_table import as_read, frame
from raysp.runs.trial_log import Setting
from raysp.training.process_limits import limited
from raysp.trials.run_trial import run_trial
from tests.data.nlb_files import prepared

VAL = "standin-mc_maze_small-20ms-val"


@pytest.fixture(scope="module")
def root(standin_root):
    prepared(standin_root, "mc_maze_small-20ms-*")
    return standin_root


def as_a_run(root, folder, choice, split=VAL, **more):
    """Run the one trial of an experiment as a worker does; return it, its folder, and its rows of metrics.parquet."""
    experiment = Experiment("x", (choice,), (split,), (1,), **more)
    (trial,) = make_plan(experiment, [split], root).trials
    with limited(1):
        run_trial(trial, Setting(run=folder, root=root))
        rows = evaluate_trial(folder, root, trial_to(trial))
    return trial, RunFolder(folder).trial(trial.id), as_read(frame(rows))


@pytest.mark.parametrize(
    ("model", "own", "training"),
    [
        ("sae", {"hidden": 8, "encoder_hidden": 8, "dropout": 0.2}, {"epochs": 4, "measure_every": 2}),
        ("masked_gru", {"hidden": 8}, {"epochs": 3, "refit": True}),
        ("smoothing", {}, {}),
    ],
)
def test_a_fit_has_the_numbers_of_a_runs_trial_to_the_bit(root, tmp_path, model, own, training):
    trial, folder, rows = as_a_run(root, str(tmp_path), ModelChoice(model, own, training))
    split = raysp.load_split(VAL, root=root)
    fitted = raysp.fit(model, split, seed=1, progress=False, **own, **training)
    assert fitted.trial == trial
    assert fitted.trial.id == trial.id
    for part in ("train", "eval"):
        rates, forward = rates_file.read_rates(folder.predictions, part)
        found = fitted.predict(getattr(split, part))
        np.testing.assert_array_equal(found.rates, rates)
        np.testing.assert_array_equal(found.rates_forward, forward)
    assert fitted.scores(split).equals(rows)
    mine, theirs = (
        [{name: value for name, value in row.items() if name != "seconds" and value is not None} for row in curve]
        for curve in (fitted.fitted.curve, read_curve(folder.curve))
    )
    assert mine == theirs
    assert fitted.curve.height == len(mine)


def test_only_some_units_are_fitted_as_an_experiment_has_them(root, tmp_path):
    trial, folder, rows = as_a_run(root, str(tmp_path), ModelChoice("mean_rate"), units="every 3")
    split = raysp.load_split(VAL, root=root)
    fitted = raysp.fit("mean_rate", split, seed=1, units="every 3", progress=False)
    assert fitted.trial.id == trial.id
    np.testing.assert_array_equal(fitted.predict(split).rates, rates_file.read_rates(folder.predictions, "eval")[0])
    assert fitted.scores(split).equals(rows)


def test_other_kinds_of_data_are_fitted_the_same_way(tmp_path):
    cells = raysp.load_split(source="clamp_standin", count=2, bin_ms=20, steps=4, name="cells")
    fitted = raysp.fit("clamp_static", cells, progress=False)
    assert {one.unit for one in fitted.predict(cells)} == set(cells.unit_ids.tolist())
    assert set(fitted.scores(cells)["unit"].drop_nulls()) == set(cells.unit_ids.tolist())


def test_torch_and_the_callers_draws_are_as_before(root):
    split = raysp.load_split(VAL, root=root)
    torch.manual_seed(5)
    torch.set_num_threads(2)
    before = torch.get_rng_state()
    raysp.fit("sae", split, epochs=1, hidden=8, progress=False)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)


def test_progress_is_shown_and_silence_is_silent(root, capsys):
    split = raysp.load_split(VAL, root=root)
    raysp.fit("sae", split, epochs=2, hidden=8)
    assert "sae on standin-mc_maze_small-20ms-val: epoch 2/2  train " in "".join(capsys.readouterr())
    raysp.fit("sae", split, epochs=2, hidden=8, progress=False)
    assert "".join(capsys.readouterr()) == ""


def test_another_split_is_predicted_and_scored_under_its_own_name(root):
    split = raysp.load_split(VAL, root=root)
    other = dataclasses.replace(split, split=dataclasses.replace(split.split, name="other"))
    scores = raysp.fit("mean_rate", split, progress=False).scores(other)
    assert scores["split"].unique().to_list() == ["other"]
    assert scores.filter(polars.col("unit").is_null(), metric="co-bps")["value"].is_not_null().all()
    assert "training co-bps" not in scores["metric"]
    assert "training trials" not in scores["parameter"]


@pytest.mark.parametrize(
    ("model", "settings", "says"),
    [
        ("sea", {}, "unknown model 'sea': did you mean 'sae'"),
        ("sae", {"epoch": 3}, "unknown setting of model sae or of training 'epoch': did you mean 'epochs'"),
        ("sae", {"epochs": 2.5}, "epochs expected int, got 2.5"),
        ("sae", {"epochs": 2, "training": {"epochs": 3}}, "epochs expected once, got it twice"),
        ("sae", {"hyperparameters": {"hiden": 3}}, "did you mean 'hidden'"),
        ("gfr", {}, "the model reads current_clamp splits, this is a population split"),
    ],
)
def test_a_fit_that_cannot_be_is_refused_before_anything_is_trained(root, model, settings, says):
    split = raysp.load_split(VAL, root=root)
    with pytest.raises(BadInput, match=says):
        raysp.fit(model, split, progress=False, **settings)


def test_a_split_with_other_units_or_bins_is_not_scored():
    counts = np.random.default_rng(0).poisson(0.3, size=(24, 10, 8))
    split, others, wider = (
        raysp.load_split(counts, **how) for how in ({"bin_ms": 10}, {"bin_ms": 10, "seed": 5}, {"bin_ms": 20})
    )
    fitted = raysp.fit("mean_rate", split, progress=False)
    with pytest.raises(BadInput, match="expected its 8 units in their order, got 8 of counts, where 2 is in the place"):
        fitted.scores(others)
    with pytest.raises(BadInput, match=r"expected bins of 10.0 ms, got 20.0 of counts"):
        fitted.predict(wider)
    with pytest.raises(BadInput, match=r"expected a split of raysp.load_split, or a part of one, got an array"):
        fitted.predict(counts)
    with pytest.raises(BadInput, match="at least one trial to predict, got a part of none"):
        fitted.predict(split.eval.take(np.array([], dtype=int)))


def test_a_part_in_place_of_the_split_is_refused(root):
    split = raysp.load_split(VAL, root=root)
    with pytest.raises(BadInput, match="expected the split that load_split gives, got TrialArrays"):
        raysp.fit("mean_rate", split.train)
    with pytest.raises(BadInput, match="expected the split that load_split gives, got TrialArrays"):
        raysp.fit("mean_rate", split, progress=False).scores(split.eval)
    with pytest.raises(BadInput, match="model expected a name or a fitted model, got type"):
        raysp.fit(dict, split)


def test_a_test_phase_is_left_to_runs(root):
    split = raysp.load_split("mc_maze_small-20ms-test", root=root)
    with pytest.raises(BadInput, match=f"takes its epochs from the one on {VAL}"):
        raysp.fit("sae", split, progress=False)
    with pytest.raises(NotReady, match="the answers of standin-mc_maze_small-20ms-test are not here"):
        raysp.fit("mean_rate", raysp.load_split(VAL, root=root), progress=False).scores(split)


@pytest.mark.parametrize("model", ["sae", "masked_gru", "mean_rate"])
def test_what_was_fitted_to_the_validation_phase_is_fitted_to_the_test_phase_as_a_run_does(root, tmp_path, model):
    splits = [VAL, VAL.replace("-val", "-test")]
    own = {} if model == "mean_rate" else {"hidden": 8}
    experiment = Experiment("x", (ModelChoice(model, own),), tuple(splits), (1,), training=Training(epochs=3))
    trials = make_plan(experiment, splits, root).trials
    with limited(1):
        for trial in trials:
            run_trial(trial, Setting(run=str(tmp_path), root=root))
    val, test = (raysp.load_split(name, root=root) for name in splits)
    first = raysp.fit(model, val, seed=1, progress=False, **own, **({} if model == "mean_rate" else {"epochs": 3}))
    second = raysp.fit(first, test, progress=False)
    assert (second.trial, second.trial.id) == (trials[1], trials[1].id)
    rates = rates_file.read_rates(RunFolder(str(tmp_path)).trial(second.trial.id).predictions, "eval")[0]
    np.testing.assert_array_equal(second.predict(test).rates, rates)
    with pytest.raises(BadInput, match="has its settings: expected none beside it, got epochs"):
        raysp.fit(first, test, epochs=5)
    with pytest.raises(BadInput, match="takes its epochs from no other, got a model fitted to"):
        raysp.fit(first, val)


def test_nothing_is_left_behind(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    split = raysp.load_split(VAL, root=root)
    raysp.fit("mean_rate", split, progress=False).scores(split)
    assert files.listing(str(tmp_path)) == []
    assert Training() == raysp.Training()


OWN = """
from dataclasses import dataclass
from raysp.models import mean_rate

@dataclass(frozen=True)
class Config:
    times: float = 1.0

class Model(mean_rate.Model):
    def predict(self, batch):
        found = super().predict(batch)
        return type(found)(found.rates * TIMES, found.rates_forward)
"""


def test_a_model_of_ones_own_is_read_anew_and_an_earlier_fit_stays_what_it_was(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    split, path, fits = raysp.load_split(VAL, root=root), tmp_path / "my_mean.py", []
    for times in (1, 2):
        path.write_text(OWN.replace("TIMES", str(times)))
        fits.append(raysp.fit("my_mean.py", split, progress=False))
    first, second = (one.predict(split.eval).rates for one in fits)
    np.testing.assert_array_equal(second, 2 * first)
    assert fits[0].trial.id != fits[1].trial.id
    plugins.plug({})
    assert fits[0].scores(split)["model"].unique().to_list() == ["my_mean"]
    with pytest.raises(BadInput, match=r"other.py"):
        raysp.fit("other.py", split, progress=False)
    plugins.plug({})
