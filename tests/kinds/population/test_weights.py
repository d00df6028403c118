"""A network is believed against the mean rate as far as trials that did not train it say."""

import numpy as np
import pytest

from raysp.kinds.population.weights import chosen_weight, scaling
from raysp.models.calibration import Calibration, powered
from raysp.models.prediction import Prediction
from raysp.objectives.sureness import GRID


def trials(many, seed, sure=1.0):
    """Rates of a network that is `sure` times as far from the mean, in logs, as the truth, and counts of the truth."""
    rng = np.random.default_rng(seed)
    log = rng.normal(0, 0.6, (many, 20, 4))
    return np.exp(sure * log - 1).astype(np.float32), rng.poisson(np.exp(log - 1)).astype(np.float32)


@pytest.mark.parametrize(("sure", "least", "most"), [(1.0, 0.85, 1.0), (2.0, 0.42, 0.55), (-1.0, 0.0, 0.0)])
def test_the_weight_is_the_one_of_the_truth_and_0_of_a_network_that_knows_nothing(sure, least, most):
    weight = chosen_weight(trials(80, 0, sure), trials(40, 1, sure))
    assert least <= weight <= most
    assert weight in GRID


def test_few_trials_that_are_sure_take_nothing_from_a_network_that_knows_the_truth():
    for seed in range(5):
        before, aside = trials(24, seed), trials(6, 100 + seed)
        rates, counts = aside
        means = before[1].mean(axis=(0, 1))
        losses = [(own - counts * np.log(own)).sum() for own in (powered(rates, means, np.full(4, w)) for w in GRID)]
        assert abs(chosen_weight(before, aside) - GRID[np.argmin(losses)]) < 0.051, "as far as the loss itself says"


def test_few_trials_must_show_more():
    before, aside = trials(80, 0, 1.5), trials(40, 3, 1.5)
    assert chosen_weight(before, aside) > 0
    assert chosen_weight(before, tuple(array[:2, :3] for array in aside)) == 0


def test_noise_is_believed_in_few_of_many_draws():
    rng = np.random.default_rng(5)
    noise = [
        (np.exp(rng.normal(-1, 0.3, (40, 5, 2))), rng.poisson(np.exp(-1), (40, 5, 2)).astype(float)) for _ in range(60)
    ]
    assert sum(chosen_weight(noise[0], pair) > 0 for pair in noise[1:]) <= 6


def test_unknown_counts_and_silent_units_say_nothing():
    before, aside = trials(80, 0), trials(40, 1)
    whole = chosen_weight(before, aside)
    silent, more = ([np.concatenate([a, a[..., :1]], axis=2) for a in pair] for pair in (before, aside))
    silent[1][..., -1] = 0
    assert chosen_weight(tuple(silent), tuple(more)) == whole
    for pair in (before, aside):
        pair[0][-1], pair[1][-1] = 1e9, np.nan
    assert chosen_weight(before, aside) == pytest.approx(whole, abs=0.051)
    before[1][:] = 0
    assert chosen_weight(before, aside) == 0


def test_at_weight_0_rates_are_the_means_and_at_1_they_stay_but_for_gains():
    rates, counts = trials(30, 0, 1.3)
    means = counts.mean(axis=(0, 1), dtype=np.float64)
    scaled = scaling(rates, counts, means, np.array([0.0, 0.0, 1.0, 0.5]))
    found = Calibration(scaled).of(Prediction(rates)).rates
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[..., :2], np.broadcast_to(means[:2], found[..., :2].shape), rtol=1e-6)
    np.testing.assert_allclose(found[..., 2] / rates[..., 2], scaled.gain[2], rtol=1e-5)
    np.testing.assert_allclose(found.sum(axis=(0, 1))[2:], counts.sum(axis=(0, 1))[2:], rtol=0.01)
    np.testing.assert_allclose(powered(rates, means, np.full(4, 0.5)) ** 2, rates * means, rtol=1e-5)
