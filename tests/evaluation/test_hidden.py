"""Masked deviance: no model sees what it is asked for; every model is asked for the same."""

import dataclasses

import numpy as np
import pytest
from scipy.special import xlogy

from raysp.data.splits.population import TrialArrays
from raysp.evaluation.hidden import SHARE, hidden_entries, hidden_scores
from raysp.models.prediction import Prediction

COUNTS = np.random.default_rng(1).poisson(0.4, size=(20, 30, 6)).astype(np.float32)


def masked_deviance(predict, trials):
    return hidden_scores(predict, trials, np.ones(COUNTS.shape))["masked deviance"]


def test_it_is_the_mean_deviance_of_the_hidden_entries():
    hidden = hidden_entries(COUNTS.shape)
    asked = COUNTS[hidden].astype(np.float64)
    by_hand = np.mean(2 * (xlogy(asked, asked / 0.4) - (asked - 0.4)))
    got = masked_deviance(lambda trials: Prediction(np.full(COUNTS.shape, 0.4)), TrialArrays(heldin=COUNTS))
    assert got == pytest.approx(by_hand, rel=1e-8)


def test_a_copy_of_the_input_has_nothing_to_copy():
    copied = masked_deviance(lambda trials: Prediction(np.nan_to_num(trials.heldin)), TrialArrays(heldin=COUNTS))
    mean = masked_deviance(lambda trials: Prediction(np.full(COUNTS.shape, 0.4)), TrialArrays(heldin=COUNTS))
    assert copied > 5 * mean


def test_the_model_sees_no_hidden_count_and_every_other_one():
    seen = []
    masked_deviance(lambda trials: seen.append(trials) or Prediction(np.ones(COUNTS.shape)), TrialArrays(heldin=COUNTS))
    hidden = hidden_entries(COUNTS.shape)
    assert np.isnan(seen[0].heldin[hidden]).all()
    np.testing.assert_array_equal(seen[0].heldin[~hidden], COUNTS[~hidden])
    assert abs(hidden.mean() - SHARE) < 3 * np.sqrt(SHARE * (1 - SHARE) / hidden.size)


def test_what_was_never_observed_is_not_asked_for():
    trials = TrialArrays(heldin=np.full_like(COUNTS, np.nan))
    assert np.isnan(masked_deviance(lambda shown: Prediction(np.ones(COUNTS.shape)), trials))
    half = np.where(np.arange(6) < 3, COUNTS, np.nan).astype(np.float32)
    rates = np.full(COUNTS.shape, 0.4)
    other = np.where(np.arange(6) < 3, rates, 50.0)
    both = [masked_deviance(lambda shown, r=r: Prediction(r), TrialArrays(heldin=half)) for r in (rates, other)]
    assert both[0] == both[1]


def test_the_trials_stay_as_they_were():
    trials = TrialArrays(heldin=COUNTS.copy())
    before = dataclasses.replace(trials, heldin=COUNTS.copy())
    masked_deviance(lambda shown: Prediction(np.ones(COUNTS.shape)), trials)
    np.testing.assert_array_equal(trials.heldin, before.heldin)


def test_a_copy_follows_single_spikes_and_an_honest_rate_does_not():
    def gain(copied):
        def predict(trials):
            # What is not known is the mean; a share of what is known is copied.
            return Prediction(0.4 + copied * (np.nan_to_num(trials.heldin, nan=0.4) - 0.4))

        trials = TrialArrays(heldin=COUNTS)
        return hidden_scores(predict, trials, predict(trials).rates)["own-spike gain"]

    assert gain(0.0) == 1.0
    assert 1.0 < gain(0.05) < 1.3
    assert gain(0.5) > 3.0
