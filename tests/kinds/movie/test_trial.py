"""Trials of movies, from planning to scores, without Ray."""

import dataclasses

import numpy as np
import polars
import pytest

from raysp.config.experiment import Experiment, ModelChoice
from raysp.driver.plan import make_plan
from raysp.driver.score_table import lines, remarks_of
from raysp.errors import BadInput
from raysp.evaluation.movie_statistics import covariances, pairs
from raysp.io import files
from raysp.io.terminal import Terminal
from raysp.kinds import catalog as kinds
from raysp.kinds.movie.made_up import made_up
from raysp.kinds.movie.runs_file import read_runs, write_runs
from raysp.kinds.movie.score import rows
from raysp.runs.folder import TrialFolder
from raysp.runs.metrics_table import frame
from raysp.runs.trial_log import Setting
from raysp.trials.fitted_again import fitted_again
from tests.kinds.movie.made_up import MODELS, NAME, make_run


def value(made, model, metric, parameter=None, unit=None):
    table = polars.read_parquet(made.run.metrics).filter(model=model, metric=metric, seed=0)
    same = [polars.col(name).eq_missing(one) for name, one in (("parameter", parameter), ("unit", unit))]
    (one,) = table.filter(*same)["value"].to_list()
    return one


def test_predictions_are_free_runs_and_rates_one_bin_ahead_of_each_test_repeat(clips):
    path = clips.run.trial(clips.of("movie_psth").id).predictions
    table = polars.read_parquet(path)
    assert table.columns[5:] == ["movie", "mode", "repeat", "unit", "spikes", "rates"]
    shapes = {place: len(rows) for place, rows in table.group_by("movie", "mode")}
    repeats = len(clips.split.test[0])
    assert shapes == {(0, "free"): 400, (0, "clamped"): 4 * repeats, (1, "free"): 16, (1, "clamped"): 4}
    assert table.filter(mode="clamped")["spikes"].list.len().max() == 0
    known, new = read_runs(path)
    np.testing.assert_array_equal(known.numbers, clips.split.test[0].numbers)
    assert known.spikes.shape == known.rates.shape == (100, 120, 4)
    assert new.clamped.shape == (1, 120, 4)
    row = table.filter(movie=0, mode="free", repeat=7, unit=2)
    assert np.flatnonzero(known.spikes[7, :, 2]).tolist() == row["spikes"][0].to_list()
    np.testing.assert_array_equal(known.rates[7, :, 2], row["rates"][0].to_numpy())


def test_scores_are_those_of_free_runs_and_of_rates_one_bin_ahead(clips):
    first, test = clips.split.sizes.first, clips.answers.test[0].spikes[:, clips.split.sizes.first :].astype(float)
    found = read_runs(clips.run.trial(clips.of("movie_psth").id).predictions)[0]
    rates, clamped = (one[:, first:].astype(float) for one in (found.rates, found.clamped))
    course = [np.corrcoef(test.mean(axis=0)[:, i], rates.mean(axis=0)[:, i])[0, 1] for i in range(4)]
    assert value(clips, "movie_psth", "PSTH r") == pytest.approx(np.mean(course))
    assert value(clips, "movie_psth", "PSTH r", unit=2) == pytest.approx(course[2])
    loss = -(test * np.log(clamped) + (1 - test) * np.log(1 - clamped))
    assert value(clips, "movie_psth", "nats per bin") == pytest.approx(loss.mean())
    mean = clips.split.train[0].spikes[:, first:].mean(axis=(0, 1))
    null = -(test * np.log(mean) + (1 - test) * np.log(1 - mean))
    bits = (null - loss).sum() / test.sum() / np.log(2)
    assert value(clips, "movie_psth", "bits per spike") == pytest.approx(bits)
    assert value(clips, "movie_mean_rate", "bits per spike") == pytest.approx(0, abs=1e-6)
    assert value(clips, "movie_psth", "rate error") == pytest.approx(abs(rates.mean() / test.mean() - 1))
    one, other = (
        covariances([each], 9).correlations("noise") for each in (test, found.spikes[:, first:].astype(float))
    )
    expected = np.corrcoef(pairs(one[0]), pairs(other[0]))[0, 1]
    assert value(clips, "movie_psth", "noise correlation r") == pytest.approx(expected)
    free = -np.mean([
        [(spikes * np.log(run) + (1 - spikes) * np.log(1 - run)).mean() for run in rates] for spikes in test
    ])  # fmt: skip
    assert value(clips, "movie_psth", "free-run cross-entropy") == pytest.approx(free)


def test_the_ceiling_is_of_the_training_repeats_and_beside_every_model(clips):
    for metric in ("PSTH r", "noise correlation R2", "noise correlation r"):
        one, other = (value(clips, model.name, metric, "ceiling") for model in MODELS)
        assert one == other
    assert value(clips, "movie_psth", "PSTH r", "ceiling") == pytest.approx(value(clips, "movie_psth", "PSTH r"))
    # Units that share what each repeat has of its own: independent ones miss that.
    assert value(clips, "movie_psth", "noise correlation R2", "ceiling") > 0
    assert value(clips, "movie_psth", "noise correlation R2") < 0
    assert value(clips, "movie_psth", "signal correlation r") > 0.9


def test_correlations_have_a_row_for_each_lag_and_vanish_where_runs_are_shuffled(clips):
    first, test = clips.split.sizes.first, clips.answers.test[0].spikes[:, clips.split.sizes.first :].astype(float)
    found = read_runs(clips.run.trial(clips.of("movie_psth").id).predictions)[0].spikes[:, first:].astype(float)
    one, other = (pairs(covariances([each], 9).correlations("noise")[3][None]) for each in (test, found))
    by_lag = value(clips, "movie_psth", "noise correlation r by lag", "3")
    assert by_lag == pytest.approx(np.corrcoef(one, other)[0, 1])
    assert value(clips, "movie_psth", "noise correlation R2 by lag", "8, ceiling") < 1
    metrics = ("noise correlation size", "shuffled noise correlation")
    recorded, shuffled = (value(clips, "movie_psth", metric, "ceiling") for metric in metrics)
    chance = 1 / np.sqrt(clips.split.train[0].spikes[:, first:, 0].size)
    assert shuffled < 3 * chance < recorded


def test_a_movie_that_was_not_trained_on_is_scored_apart(clips):
    assert value(clips, "movie_psth", "bits per spike", "new movies") == pytest.approx(0, abs=1e-6)
    assert value(clips, "movie_psth", "rate error", "new movies") < 0.2


def test_the_terminal_has_floor_and_ceiling_and_says_nothing_of_shortfalls(clips):
    shown = lines(clips.run, "val", clips.root, Terminal(500))
    said = [line.split()[0] for line in shown if line[:2] == "  " and line[2] != " "]
    assert said == ["movie_mean_rate", "movie_psth"]
    assert not remarks_of(clips.run, "val", clips.root)


def test_a_fitted_model_comes_back_and_says_the_same_in_a_notebook(clips):
    trial = clips.of("movie_psth")
    job, fitted, split = fitted_again(trial, Setting(clips.run.path, clips.root))
    found = kinds.of("movie").predicted(job, fitted, split)
    for one, other in zip(found, read_runs(clips.run.trial(trial.id).predictions), strict=True):
        np.testing.assert_array_equal(one.spikes, other.spikes)
        np.testing.assert_array_equal(one.clamped, other.clamped)


@pytest.mark.parametrize("settings", [{"counts": True}, {"units": 1}], ids=["counts", "one unit"])
def test_odd_movies_are_scored_and_what_is_undefined_says_why(tmp_path, settings):
    made = make_run(tmp_path, seeds=(0,), built=made_up(repeats=20, name=NAME, **settings))
    assert value(made, "movie_psth", "bits per spike") > -0.02
    table = polars.read_parquet(made.run.metrics).filter(polars.col("value").is_nan())
    assert all(note.startswith("undefined: ") for note in table["note"])
    if "units" in settings:
        assert "fewer than three pairs" in table.filter(metric="noise correlation r")["note"][0]


def test_units_of_an_experiment_are_a_trial_of_their_own(clips):
    experiment = Experiment("two", MODELS, splits=(NAME,), units="1,3")
    trials = make_plan(experiment, [NAME], clips.root).trials
    assert {trial.units for trial in trials} == {(1, 3)}


def test_couplings_stand_beside_the_true_ones(teacher):
    made = teacher
    folder = made.run.trial(made.of("coupled_glm").id)
    table = polars.read_parquet(files.join(folder.path, "connectivity.parquet"))
    assert table.columns == ["run_trial", "post", "pre", "lag", "weight"]
    assert table["lag"].unique().sort().to_list() == [1, 2, 3, 4]
    summed = (
        table.filter(polars.col("post") != polars.col("pre")).group_by("post", "pre").agg(polars.col("weight").sum())
    )
    true = made.answers.truth.couplings.sum(axis=2)
    known = [true[post, pre] for post, pre, _ in summed.iter_rows()]
    expected = np.corrcoef(known, summed["weight"])[0, 1]
    assert value(made, "coupled_glm", "connectivity r") == pytest.approx(expected, rel=1e-4)
    assert expected > 0.4
    assert value(made, "coupled_glm", "bits per spike") > 0
    assert polars.read_parquet(made.run.metrics).filter(metric="connectivity r")["model"].to_list() == ["coupled_glm"]


def test_predictions_of_other_repeats_are_refused(clips):
    trial = clips.of("movie_psth")
    fewer = dataclasses.replace(
        clips.answers.test[0], numbers=clips.answers.test[0].numbers[1:], spikes=clips.answers.test[0].spikes[1:]
    )
    answers = dataclasses.replace(clips.answers, test=(fewer,))
    with pytest.raises(BadInput, match="expected rates of movie 0 of shape"):
        kinds.of("movie").score(trial, clips.split, answers, clips.run.trial(trial.id))


def test_probabilities_that_are_none_are_refused(tmp_path, clips):
    trial, folder = clips.of("movie_psth"), TrialFolder(str(tmp_path))
    found = read_runs(clips.run.trial(trial.id).predictions)
    sure = found[1].clamped.copy()
    sure[0, 7, 2] = 1.0
    others = [found[0], dataclasses.replace(found[1], clamped=sure)]
    write_runs(folder.predictions, trial, clips.split.unit_ids, others)
    with pytest.raises(BadInput, match=r"inside \(0, 1\), got 1 \(movie 1, clamped, run, bin and unit \(0, 7, 2\)\)"):
        kinds.of("movie").score(trial, clips.split, clips.answers, folder)


def test_units_that_are_not_there_are_refused_at_planning(clips):
    with pytest.raises(BadInput, match="unknown unit 9"):
        make_plan(Experiment("one", (ModelChoice("movie_psth"),), splits=(NAME,), units="9"), [NAME], clips.root)


def test_scores_of_fewer_units_say_so_beside_their_table(clips, tmp_path):
    trial, folder = clips.of("movie_psth"), TrialFolder(str(tmp_path))
    found = read_runs(clips.run.trial(trial.id).predictions)
    silent = np.arange(4) == 2
    changed = [
        dataclasses.replace(
            one,
            spikes=np.where(silent, 0, one.spikes).astype(np.uint8),
            rates=np.where(silent, 0.1, one.rates).astype(np.float32),
        )
        for one in found
    ]
    write_runs(folder.predictions, trial, clips.split.unit_ids, changed)
    table = frame(rows(trial, clips.split, clips.answers, folder))
    said = kinds.of("movie").remarks(table, "movie_mean_rate", [trial], {})
    assert any("movie_psth, PSTH r of 3 of 4 units" in one for one in said)
    assert any("noise correlation r of 3 of 6 pairs of units" in one for one in said)
