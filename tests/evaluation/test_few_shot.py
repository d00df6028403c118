"""Few-shot co-smoothing prefers latents without extraneous dynamics."""

from __future__ import annotations

import numpy as np
import pytest

from raysp.errors import BadInput
from raysp.evaluation.bits_per_spike import bits_per_spike
from raysp.evaluation.few_shot import draws_of, few_shot_bits_per_spike, grid_of_shots, mean_rate_bits_per_spike


@pytest.fixture(scope="module")
def recording():
    rng = np.random.default_rng(0)
    latents = rng.standard_normal((60, 20, 2))
    rates = np.exp(latents @ rng.standard_normal((2, 4)) * 0.7 - 1)
    return latents[:30], rng.poisson(rates[:30]), latents[30:], rng.poisson(rates[30:]), rates[30:]


def with_noise(latents, seed):
    noise = np.random.default_rng(seed).standard_normal((*latents.shape[:2], 20))
    return np.concatenate([latents, noise], axis=2)


def test_all_trials_reach_the_true_rates_and_few_do_not(recording):
    *parts, rates = recording
    ceiling = bits_per_spike(rates, parts[3])
    (full,) = few_shot_bits_per_spike(*parts, shots=30, draws=1)
    few = few_shot_bits_per_spike(*parts, shots=2, draws=8)
    assert ceiling - 0.03 < full < ceiling + 0.01
    assert few.mean() < full


def test_extraneous_latents_cost_little_with_many_trials_and_much_with_few(recording):
    train, counts, evaluation, answers, _ = recording
    losses = []
    for shots in (30, 2):
        plain = few_shot_bits_per_spike(train, counts, evaluation, answers, shots=shots, draws=5).mean()
        noisy = few_shot_bits_per_spike(
            with_noise(train, 1), counts, with_noise(evaluation, 2), answers, shots=shots, draws=5
        ).mean()
        losses.append(plain - noisy)
    assert 0 <= losses[0] < 0.1
    assert losses[1] > 3 * losses[0]


def test_scale_and_offset_of_latents_do_not_matter_and_seeds_repeat(recording):
    train, counts, evaluation, answers, _ = recording
    once = few_shot_bits_per_spike(train, counts, evaluation, answers, shots=3, draws=3)
    moved = few_shot_bits_per_spike(5 * train - 2, counts, 5 * evaluation - 2, answers, shots=3, draws=3)
    np.testing.assert_allclose(moved, once, atol=1e-8)
    assert len(set(once)) == 3
    assert (few_shot_bits_per_spike(train, counts, evaluation, answers, shots=3, draws=3, seed=1) != once).all()


def test_silent_units_and_unobserved_bins_are_survived(recording):
    train, counts, evaluation, answers, _ = recording
    counts = counts.astype(float)
    counts[..., 0] = 0
    counts[:, :3] = np.nan
    assert np.isfinite(few_shot_bits_per_spike(train, counts, evaluation, answers, shots=1, draws=2)).all()


def test_bad_input_is_refused(recording):
    train, counts, evaluation, answers, _ = recording
    with pytest.raises(BadInput, match="1 to 30 shots"):
        few_shot_bits_per_spike(train, counts, evaluation, answers, shots=31)
    with pytest.raises(BadInput, match=r"training: expected latents \(trials, bins, dimensions\)"):
        few_shot_bits_per_spike(train[1:], counts, evaluation, answers, shots=1)
    with pytest.raises(BadInput, match="same dimensions and units"):
        few_shot_bits_per_spike(train, counts, evaluation[..., 1:], answers, shots=1)
    with pytest.raises(BadInput, match="finite latents"):
        few_shot_bits_per_spike(np.full_like(train, np.nan), counts, evaluation, answers, shots=1)


def test_turning_latents_changes_nothing(recording):
    train, counts, evaluation, answers, _ = recording
    wide = [with_noise(part, seed) for part, seed in ((train, 1), (evaluation, 2))]
    turn = np.linalg.qr(np.random.default_rng(3).standard_normal((22, 22)))[0]
    before, after = (
        few_shot_bits_per_spike(one[0], counts, one[1], answers, shots=4, draws=2)
        for one in (wide, [part @ turn for part in wide])
    )
    np.testing.assert_allclose(after, before, atol=1e-3)


def test_latents_that_say_nothing_come_to_the_mean_of_the_same_trials(recording):
    _, counts, _, answers, _ = recording
    noise = [np.random.default_rng(seed).standard_normal((30, 20, 40)) for seed in (4, 5)]
    found = few_shot_bits_per_spike(noise[0], counts, noise[1], answers, shots=8, draws=4)
    floor = mean_rate_bits_per_spike(counts, answers, shots=8, draws=4)
    assert floor.mean() - 0.15 < found.mean() < floor.mean() + 0.01
    rng = np.random.default_rng(0)
    chosen = rng.choice(30, 8, replace=False)
    mean = np.broadcast_to(counts[chosen].mean(axis=(0, 1)), answers.shape)
    assert floor[0] == pytest.approx(bits_per_spike(mean, answers))


def test_the_grid_ends_with_the_trials_and_many_shots_have_fewer_draws():
    assert grid_of_shots(8) == (4, 8)
    assert grid_of_shots(5000) == (4, 8, 16, 32, 64, 128)
    assert [draws_of(k) for k in (4, 32, 128)] == [20, 5, 3]
    assert draws_of(4, 5) == 5
    with pytest.raises(BadInput, match="8 or more training trials, got 7"):
        grid_of_shots(7)


def test_latents_of_bins_that_were_not_observed_count_nowhere():
    rng = np.random.default_rng(0)
    latents = rng.standard_normal((20, 15, 2))
    counts = rng.poisson(np.exp(0.6 * latents @ rng.standard_normal((2, 3)) - 1)).astype(np.float64)
    outside = np.arange(15) >= rng.integers(9, 16, 20)[:, None]
    counts[outside] = np.nan
    found = []
    for value in (0.0, 30.0):
        shown = np.where(outside[..., None], value, latents)
        found.append(few_shot_bits_per_spike(shown[:12], counts[:12], shown[12:], counts[12:], shots=4, draws=2))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-9)
