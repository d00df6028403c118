"""Bins outside of a trial, before its begin as after its end, count in no score."""

import dataclasses

import numpy as np
import pytest

from raysp.evaluation.behavior import decodings
from raysp.evaluation.nlb import benchmark_metrics
from raysp.evaluation.observed import observed
from raysp.kinds.population.average import average
from raysp.kinds.population.latent_scores import latent_scores
from raysp.kinds.population.latents_file import write_latents
from raysp.kinds.population.rates_file import read_rates, write_predictions
from raysp.models.prediction import Prediction
from raysp.runs.folder import RunFolder
from tests.collection.made_up import make_trial
from tests.kinds.population.made_up import make_split

BINS = 12
SPLIT, ANSWERS, _ = make_split("mine", bins=BINS, forward=0, trials=(40, 20), heldin=6, heldout=2)
RNG = np.random.default_rng(0)
BEGIN, END = RNG.integers(0, 4, 60), RNG.integers(8, BINS + 1, 60)
INSIDE = (np.arange(BINS) >= BEGIN[:, None]) & (np.arange(BINS) < END[:, None])


def masked(trials, inside, behavior):
    hidden = {name: np.where(inside[..., None], getattr(trials, name), np.nan) for name in ("heldin", "heldout")}
    return dataclasses.replace(trials, **hidden, behavior=behavior, heldin_forward=None, heldout_forward=None)


TRAIN = masked(SPLIT.train, INSIDE[:40], RNG.standard_normal((40, 1)))
KNOWN = masked(ANSWERS.trials, INSIDE[40:], RNG.standard_normal((20, 1)))
RATES = RNG.gamma(1.0, 1.0, (60, BINS, 8)).astype(np.float32)


def filled(value):
    return np.where(INSIDE[..., None], RATES, np.float32(value))


def test_no_score_hears_of_what_is_predicted_outside_of_a_trial(tmp_path):
    found, folder, trial = [], RunFolder(str(tmp_path)).trial("one"), make_trial()
    for value in (0.0, 50.0):
        rates = filled(value)
        of_counts = benchmark_metrics(dataclasses.replace(ANSWERS, trials=KNOWN), rates[40:])
        decoded = decodings("mine", TRAIN, KNOWN, rates[:40], rates[40:])
        write_latents(folder.latents, rates[40:], rates[:40], trial)
        faults = latent_scores(trial, KNOWN, folder)
        found.append([of_counts["psth R2"](), *decoded[0].r2, *(one.value for one in faults)])
    assert len(found[0]) == 3
    assert found[0] == pytest.approx(found[1], abs=1e-12)


def test_means_over_a_conditions_trials_are_of_those_that_were_observed(tmp_path):
    paths = [str(tmp_path / name / "predictions.parquet") for name in ("member", "mean")]
    split, trial = dataclasses.replace(SPLIT, train=TRAIN), make_trial()
    parts = {"train": Prediction(filled(9.0)[:40]), "eval": Prediction(filled(9.0)[40:])}
    write_predictions(paths[0], trial, split.sizes, parts)
    average(trial, split, paths[:1], [1.0], paths[1], dataclasses.replace(ANSWERS, trials=KNOWN))
    condition = np.concatenate([TRAIN.condition, KNOWN.condition])
    found = np.concatenate([read_rates(paths[1], part)[0] for part in ("train", "eval")])
    for row in range(60):
        for at in np.flatnonzero(INSIDE[row]):
            alike = (condition == condition[row]) & INSIDE[:, at]
            np.testing.assert_allclose(found[row, at], RATES[alike, at].mean(axis=0), rtol=1e-5)


def test_where_all_was_observed_or_windows_are_jittered_nothing_is_left_out():
    assert observed(SPLIT.train) is None
    np.testing.assert_array_equal(observed(KNOWN), INSIDE[40:])
    assert observed(dataclasses.replace(KNOWN, jitter=np.zeros(20, dtype=np.int64))) is None
