"""The rows of one trial: who judged, what is undefined and why, which units cost what."""

from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest

from raysp.config.experiment import Training, Trial
from raysp.data.splits import store
from raysp.driver import finish
from raysp.driver.evaluate import check_data, evaluate_trial
from raysp.errors import BadInput, NotReady
from raysp.evaluation import nlb
from raysp.evaluation.bits_per_spike import bits_per_spike
from raysp.evaluation.velocity import decode
from raysp.io import files
from raysp.kinds.population.calibration import RATIO
from raysp.kinds.population.latents_file import read_latents, write_latents
from raysp.kinds.population.rates_file import write_predictions
from raysp.kinds.population.remarks import remarks
from raysp.models.prediction import Prediction
from raysp.runs.folder import RunFolder, trial_to
from raysp.runs.metrics_table import frame
from tests.kinds.population.made_up import make_run, make_split

BENCHMARK = {"co-bps", "fp-bps", "vel R2", "psth R2"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_run(
        tmp_path_factory.mktemp("scored"), splits=("mc_maze_small-20ms-val",), models=("mean_rate", "sae"), seeds=(0,)
    )


def rows_of(run, root, trial):
    return evaluate_trial(run.path, root, trial_to(trial))


def one(rows, metric, parameter=None, unit_index=None):
    place = (metric, parameter, unit_index)
    (found,) = [row for row in rows if (row["metric"], row["parameter"], row["unit_index"]) == place]
    return found


def scored_split(folder, change, name="mine", rates=None, training=None):
    """Evaluate a recording of one's own, made up and then changed."""
    split, targets, _ = make_split(name, bins=20, forward=4, trials=(40, 20))
    split, targets, predicted = change(split, targets)
    store.save(split, targets, str(folder), {"made": "up"})
    trial = Trial("sae", {}, training, name, store.header(str(folder), name).fingerprint)
    run = RunFolder(str(folder / "run"))
    write_predictions(run.trial(trial.id).predictions, trial, split.sizes, predicted)
    return rows_of(run, str(folder), trial), split, targets, predicted


def truth(split, targets):
    """Return the true rates as predictions."""
    bins = split.sizes.bins
    return {
        part: Prediction(trials.rates[:, :bins], trials.rates[:, bins:]).numpy()
        for part, trials in (("train", split.train), ("eval", targets.trials))
    }


def missing():
    raise NotReady("the benchmark's judge, nlb_tools, is not installed: type `pip install nlb_tools`")


def broken(*_):
    raise RuntimeError("DataFrame has no attribute ix")


@pytest.mark.parametrize(
    ("evaluate", "said"), [(missing, "not installed"), (lambda: broken, "RuntimeError: DataFrame has no attribute ix")]
)
def test_without_its_judge_a_benchmark_split_is_scored_by_the_same_forms(made, monkeypatch, evaluate, said):
    trial = made.trial("sae")
    judged = rows_of(made.run, made.root, trial)
    monkeypatch.setattr(nlb, "_nlb_evaluate", evaluate)
    own = rows_of(made.run, made.root, trial)
    for metric in BENCHMARK:
        before, after = one(judged, metric), one(own, metric)
        assert (before["judge"], before["note"], after["judge"]) == ("nlb_tools", None, "raysp")
        assert after["value"] == pytest.approx(before["value"], abs=1e-9)
        assert said in after["note"]
    (warning,) = [line for line in remarks(frame(own)) if line.startswith("WARNING")]
    assert all(metric in warning for metric in BENCHMARK)
    assert len(own) == len(judged)


def test_a_judge_that_cannot_be_imported_says_how_to_mend_it(monkeypatch):
    import builtins

    plain = builtins.__import__

    def importing(name, *rest):
        if name == "nlb_tools.evaluation":
            raise AttributeError("module 'numpy' has no attribute 'bool8'")
        return plain(name, *rest)

    monkeypatch.setattr(builtins, "__import__", importing)
    with pytest.raises(
        NotReady, match=r"cannot be imported \(AttributeError: .*bool8.*pip install --no-deps nlb_tools"
    ):
        nlb._nlb_evaluate()


def test_a_unit_that_was_silent_in_training_alone_is_named_with_what_it_cost(tmp_path):
    def silence(split, targets):
        heldin = split.sizes.heldin
        split.train.heldout[..., 2] = 0
        predicted = truth(split, targets)
        predicted["eval"].rates[..., heldin + 2] = 0
        return dataclasses.replace(split, units=np.arange(100, 124)), targets, predicted

    rows, split, targets, predicted = scored_split(tmp_path, silence)
    heldin, counts = split.sizes.heldin, targets.trials.heldout
    rest = [0, 1, 3, 4, 5]
    expected = bits_per_spike(predicted["eval"].rates[..., [heldin + k for k in rest]], counts[..., rest])
    found = one(rows, "co-bps without units silent in training")
    assert found["value"] == pytest.approx(expected)
    assert one(rows, "co-bps")["value"] < expected - 0.1
    assert f"unit {100 + heldin + 2} without a spike in the 40 training trials of the fit" in found["note"]
    assert f"{counts[..., 2].sum():.0f} on the evaluation trials" in found["note"]
    assert one(rows, "co-bps", unit_index=heldin + 2)["unit"] == 100 + heldin + 2
    (line,) = [line for line in remarks(frame(rows)) if "without a spike" in line]
    whole = one(rows, "co-bps")["value"]
    assert line == f"mine: {found['note']}; co-bps of sae {whole:.4f} with them, {expected:.4f} without"


def test_each_unit_has_its_true_rate_r2_and_a_constant_one_has_none(tmp_path):
    def flatten(split, targets):
        targets.trials.rates[..., 3] = 0.25
        return split, targets, truth(split, targets)

    rows, split, *_ = scored_split(tmp_path, flatten)
    each = {row["unit_index"]: row["value"] for row in rows if row["metric"] == "true-rate R2"}
    assert set(each) == {None, *range(split.sizes.units)} - {3}
    assert list(each.values()) == pytest.approx([1.0] * len(each))


def test_where_every_unit_was_silent_in_training_none_is_left(tmp_path):
    def silence(split, targets):
        split.train.heldout[:] = 0
        return split, targets, truth(split, targets)

    rows, *_ = scored_split(tmp_path, silence)
    found = one(rows, "co-bps without units silent in training")
    assert found["value"] is None
    assert found["note"].startswith("units 18-23 (by position) without a spike")
    assert found["note"].endswith("; no unit is left")


def test_a_unit_that_spiked_in_validation_trials_alone_was_silent_for_the_fit(tmp_path):
    training = Training(epochs=1)

    def silence(split, targets):
        from raysp.training.validation import validation_mask

        split.train.heldout[~validation_mask(split.train, training), :, 1] = 0
        return split, targets, truth(split, targets)

    rows, *_ = scored_split(tmp_path, silence, training=training)
    assert one(rows, "co-bps without units silent in training")["note"].startswith("unit 19 (by position)")


def test_units_without_a_spike_in_evaluation_are_null_with_the_reason(tmp_path):
    def silence(split, targets):
        targets.trials.heldout[..., 4] = 0
        return split, targets, truth(split, targets)

    rows, split, *_ = scored_split(tmp_path, silence)
    found = one(rows, "co-bps", unit_index=split.sizes.heldin + 4)
    assert found["value"] is None
    assert "no spike was recorded" in found["note"]
    assert any("co-bps of single units (22)" in line for line in remarks(frame(rows)))
    assert not any(row["metric"].endswith("silent in training") for row in rows)


def test_nothing_recorded_makes_null_and_drops_no_row(tmp_path):
    def silence(split, targets):
        for name in ("heldin", "heldout", "heldin_forward", "heldout_forward"):
            getattr(targets.trials, name)[:] = 0
        return split, targets, truth(split, targets)

    rows, *_ = scored_split(tmp_path, silence)
    for metric in ("co-bps", "fp-bps", "reconstruction bits/spike", "predicted / recorded spikes"):
        assert one(rows, metric)["value"] is None
        assert "no spike was recorded" in one(rows, metric)["note"]


def test_spikes_predicted_for_each_recorded_one(tmp_path):
    def double(split, targets):
        predicted = truth(split, targets)
        counts = targets.trials
        predicted["eval"].rates[:] = 2 * np.concatenate([counts.heldin, counts.heldout], axis=2)
        predicted["eval"].rates_forward[:] = np.concatenate([counts.heldin_forward, counts.heldout_forward], axis=2)
        return split, targets, predicted

    rows, *_ = scored_split(tmp_path, double)
    assert one(rows, "predicted / recorded spikes", "held-in units")["value"] == pytest.approx(2)
    assert one(rows, "predicted / recorded spikes", "held-out units")["value"] == pytest.approx(2)
    assert one(rows, "predicted / recorded spikes", "forward bins")["value"] == pytest.approx(1)
    assert 0.8 < one(rows, "predicted / recorded spikes", "training trials")["value"] < 1.25
    of_units = [row for row in rows if row["metric"] == RATIO and row["unit_index"] is not None]
    assert {row["parameter"] for row in of_units} == {"training trials"}
    share = one(rows, "predicted / recorded spikes")["value"]
    assert 1.5 < share < 2
    assert f"mine: sae predicted {share - 1:.0%} more spikes than were recorded on the evaluation trials" in remarks(
        frame(rows)
    )


def test_each_variable_of_behaviour_is_scored_by_itself(tmp_path):
    def position_and_velocity(split, targets):
        rng = np.random.default_rng(0)
        for trials in (split.train, targets.trials):
            velocity = trials.behavior
            noise = rng.normal(size=velocity.shape[:2])[..., None]
            object.__setattr__(trials, "behavior", np.concatenate([velocity, noise], axis=2))
            trials.behavior[:2, :3, 1] = np.nan
        sizes = dataclasses.replace(split.sizes, behavior=3)
        split = dataclasses.replace(split, sizes=sizes)
        return split, dataclasses.replace(targets, sizes=sizes), truth(split, targets)

    rows, split, targets, predicted = scored_split(tmp_path, position_and_velocity)
    parts = split.train.behavior, targets.trials.behavior
    expected = [
        decode(predicted["train"].rates, parts[0][..., [k]], predicted["eval"].rates, parts[1][..., [k]]).mean
        for k in range(3)
    ]
    found = [one(rows, "behavior R2", f"variable {k}")["value"] for k in range(3)]
    assert found == pytest.approx(expected)
    assert found[0] > 0.8 > 0.2 > found[2]
    assert one(rows, "behavior R2, mean over variables")["value"] == pytest.approx(np.mean(expected))
    assert not any(row["metric"] == "vel R2" for row in rows)


def test_a_decoder_with_too_few_rows_is_null_with_the_reason_and_takes_no_other_along(tmp_path):
    def unknown(split, targets):
        split.train.behavior[..., 1] = np.nan
        return split, targets, truth(split, targets)

    rows, *_ = scored_split(tmp_path, unknown)
    assert one(rows, "behavior R2", "variable 0")["value"] > 0.8
    assert one(rows, "behavior R2", "variable 1")["value"] is None
    assert "expected at least 5 bins" in one(rows, "behavior R2", "variable 1")["note"]
    assert one(rows, "behavior R2, mean over variables")["note"] == "1 of 2 variables have no R2"
    assert one(rows, "co-bps")["value"] > 0


def test_true_rates_that_never_change_stop_no_other_score(tmp_path):
    def constant(split, targets):
        targets.trials.rates[:] = 0.5
        return split, targets, truth(split, targets)

    rows, *_ = scored_split(tmp_path, constant)
    assert one(rows, "true-rate R2")["value"] is None
    assert "constants only" in one(rows, "true-rate R2")["note"]
    assert one(rows, "true-rate Pearson r squared, pooled")["note"] == "predicted or true rates never change"
    assert one(rows, "co-bps")["value"] is not None


def test_predictions_are_not_scored_against_other_data(made, tmp_path):
    trial, name = made.trial("sae"), "mc_maze_small-20ms-val"
    split, targets, _ = make_split(name, seed=5)
    store.save(split, targets, str(tmp_path), {})
    for refused in (lambda: rows_of(made.run, str(tmp_path), trial), lambda: check_data(str(tmp_path), [trial])):
        with pytest.raises(BadInput, match=f"is no longer what {trial.id} was trained on.*--root"):
            refused()
    check_data(made.root, [trial])
    # Answers alone of other data, under the right split.
    shutil.copytree(f"{made.root}/prepared", tmp_path / "both" / "prepared")
    shutil.copy(store.answers_path(str(tmp_path), name), store.answers_path(str(tmp_path / "both"), name))
    with pytest.raises(BadInput, match="answers to other data"):
        rows_of(made.run, str(tmp_path / "both"), trial)


@pytest.mark.parametrize("product", ["predictions.parquet", "latents.h5"])
def test_another_trials_predictions_are_not_scored(made, tmp_path, product):
    run, trial, other = RunFolder(str(tmp_path / "run")), made.trial("sae"), made.trial("mean_rate")
    shutil.copytree(made.run.path, run.path)
    if product == "latents.h5":
        write_latents(run.trial(trial.id).latents, np.ones((2, 3, 1)), trial=other)
        with pytest.raises(BadInput, match=f"expected latents of {trial.id}, got those of {other.id}"):
            read_latents(run.trial(trial.id).latents, "eval", trial)
        return
    shutil.copy(run.trial(other.id).predictions, run.trial(trial.id).predictions)
    with pytest.raises(BadInput, match=f"expected predictions of {trial.id}, got those of {other.id}"):
        rows_of(run, made.root, trial)


def test_forward_bins_that_a_model_does_not_predict_are_null_with_the_reason(tmp_path):
    def bare(split, targets):
        found = {part: dataclasses.replace(one, rates_forward=None) for part, one in truth(split, targets).items()}
        return split, targets, found

    rows, *_ = scored_split(tmp_path, bare)
    assert one(rows, "fp-bps")["value"] is None
    assert one(rows, "fp-bps")["note"] == "the model predicts no bins after the observed ones"


def test_one_metric_that_the_judge_cannot_compute_takes_no_other_along(tmp_path):
    def unknown(split, targets):
        targets.trials.behavior[:] = np.nan
        return split, targets, truth(split, targets)

    rows, *_ = scored_split(tmp_path, unknown, name="mc_maze_small-20ms-val")
    assert one(rows, "vel R2")["value"] is None
    assert "expected at least 2 bins" in one(rows, "vel R2")["note"]
    assert all(one(rows, metric)["value"] is not None for metric in BENCHMARK - {"vel R2"})
    assert sum(line.startswith("WARNING") for line in remarks(frame(rows))) == 1


def test_scores_that_were_there_stay_where_the_data_are_others(made, tmp_path):
    run, name = RunFolder(str(tmp_path / "run")), "mc_maze_small-20ms-val"
    shutil.copytree(made.run.path, run.path)
    split, targets, _ = make_split(name, seed=5)
    store.save(split, targets, str(tmp_path), {})
    before = files.read_bytes(run.metrics)
    with pytest.raises(BadInput, match="is no longer what"):
        finish.evaluate(run, str(tmp_path), "val")
    assert files.read_bytes(run.metrics) == before
