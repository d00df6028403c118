"""Statistics of repeated spikes, against their definitions."""

import numpy as np
import pytest

from raysp.evaluation.movie_statistics import covariances, lagged, mean_rates, pairs, pearson, r2

RNG = np.random.default_rng(0)
SPIKES = (RNG.random((9, 50, 4)) < 0.2 + 0.6 * RNG.random((1, 50, 4))).astype(float)


def test_covariances_are_means_over_trials_and_times_of_the_lag_circular_in_time():
    found = lagged(SPIKES, SPIKES, 3)
    i, j, lag = 1, 3, 2
    by_hand = np.mean([run[t, i] * run[(t - lag) % 50, j] for run in SPIKES for t in range(50)])
    assert found[lag, i, j] == pytest.approx(by_hand)
    np.testing.assert_allclose(found[0], found[0].T)


def test_total_is_signal_and_noise_at_every_lag_and_signal_has_no_noise_of_few_repeats():
    found = covariances([SPIKES], 4)
    np.testing.assert_allclose(found.total, found.signal + found.noise)
    around = SPIKES - SPIKES.mean(axis=(0, 1))
    np.testing.assert_allclose(found.total, lagged(around, around, 4))
    # Independent units: of the mean of nine repeats a ninth of each one's own variance is chance.
    rates = np.broadcast_to(np.linspace(0.2, 0.8, 50)[:, None], (50, 4))
    many = [covariances([(np.random.default_rng(i).random((5, 50, 4)) < rates).astype(float)], 1) for i in range(300)]
    assert np.mean([one.signal[0, 0, 0] for one in many]) == pytest.approx(rates[:, 0].var(), rel=0.05)
    assert np.mean([one.noise[0, 0, 0] for one in many]) == pytest.approx((rates * (1 - rates))[:, 0].mean(), rel=0.02)
    assert abs(np.mean([one.correlations("noise")[0, 0, 1] for one in many])) < 0.01


def test_repeats_shuffled_unit_by_unit_have_no_noise_correlation():
    shared = RNG.random((60, 200, 1))
    spikes = (0.6 * shared + 0.4 * RNG.random((60, 200, 5)) < 0.3).astype(float)
    shuffled = np.stack([spikes[RNG.permutation(60), :, i] for i in range(5)], axis=2)
    one, other = (pairs(covariances([each], 1).correlations("noise")[0]) for each in (spikes, shuffled))
    assert one.min() > 0.3
    assert abs(other).max() < 0.05


def test_movies_are_weighed_by_their_lengths():
    whole, parts = covariances([SPIKES], 1), covariances([SPIKES[:, :20], SPIKES[:, 20:]], 1)
    np.testing.assert_allclose(whole.total, parts.total)
    np.testing.assert_allclose(whole.noise, parts.noise)


def test_r2_and_r_say_what_they_say():
    recorded = np.array([0.1, 0.2, 0.4])
    assert r2(recorded, recorded) == 1
    assert r2(recorded, 3 * recorded) < 0
    assert pearson(recorded, 3 * recorded) == pytest.approx(1)
    assert np.isnan(pearson(recorded, np.ones(3)))


def test_a_movie_that_was_shown_more_often_weighs_as_much_in_rates():
    often, once = SPIKES, 1 - SPIKES[:1, :20]
    expected = (50 * often.mean(axis=(0, 1)) + 20 * once.mean(axis=(0, 1))) / 70
    np.testing.assert_allclose(mean_rates([often, once]), expected)
