"""Statistics of repeated spikes, against their definitions, and against numbers of sample-and-measure's own code."""

from math import prod

import numpy as np
import pytest

from raysp.evaluation.movie_statistics import covariances, lagged, pairs, pearson, r2

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


def frac(shape, key):
    """Return fractions of 24 bits that follow from a counter alone."""
    with np.errstate(over="ignore"):
        z = np.arange(prod(shape), dtype=np.uint64) + np.uint64((key << 32) + 1)
        z = z * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(40)) / 2**24).reshape(shape)


def sym(shape, key, most):
    return np.float32(most) * (2 * frac(shape, key) - 1)


def free_rates(frames=40, units=5, hidden=3, repeats=4, back=4, lags=3, features=6):
    """Return recorded spikes and the published network's rates in a free run, (repeats, 37, 5) each, of fixed draws."""
    import torch
    from torch.nn import functional

    def pool(x):
        total = max((-(-x.shape[2] // 2) - 1) * 2 + 3 - x.shape[2], 0)
        before = total // 2
        padded = functional.pad(x, (before, total - before) * 2, value=-np.inf)
        return functional.max_pool2d(padded, 3, 2)

    def layer(x, inputs, outputs, key):
        kernel = torch.tensor(sym((3, 3, inputs, outputs), key, np.sqrt(6 / (9 * (inputs + outputs)))))
        bias = torch.tensor(sym((outputs,), key + 1, 0.05))
        return pool(functional.relu(functional.conv2d(x, kernel.permute(3, 2, 0, 1), bias, padding="same")))

    n, times = units + hidden, frames - back + 1
    rate = 0.05 + 0.25 * frac((1, 1, units), 2) + 0.2 * frac((1, frames, units), 3)
    recorded = (frac((repeats, frames, units), 4) < rate)[:, back - 1 :].astype(float)
    movie = torch.tensor(frac((9, 9, frames), 1)).permute(2, 0, 1)
    windows = movie.unfold(0, back, 1).permute(0, 3, 1, 2)
    latent = layer(layer(windows, back, 4, 8), 4, features, 10).permute(0, 2, 3, 1).flatten(1).numpy()
    drive = latent @ sym((latent.shape[1], n), 5, np.sqrt(3 / latent.shape[1])) + sym((n,), 7, 0.2)
    weights, uniform = sym((n, n, lags), 6, np.sqrt(3 / (n * lags))), frac((times, repeats, n), 12)
    past, rates = np.zeros((repeats, n, lags)), []
    for t in range(times):
        rates.append(1 / (1 + np.exp(-(drive[t] + np.einsum("bil,jil->bj", past, weights) - 0.4) / 0.4)))
        past = np.concatenate([past[..., 1:], (rates[-1] > uniform[t])[..., None]], axis=2)
    return recorded, np.stack(rates, axis=1)[..., :units]


def test_noise_covariances_are_those_of_the_original():
    recorded, rates = free_rates()
    one, other = (lagged(own, own, 3) for own in (each - each.mean(axis=0) for each in (recorded, rates)))
    assert ((one - other) ** 2).mean() == pytest.approx(1.6550110e-3, rel=1e-5)
    course, simulated = recorded.mean(axis=0), rates.mean(axis=0)
    psth = -(course * np.log(simulated) + (1 - course) * np.log(1 - simulated)).mean()
    assert psth == pytest.approx(0.91867149, rel=1e-5)
