"""Few-shot co-smoothing prefers latents without extraneous dynamics."""

from __future__ import annotations

import numpy as np
import pytest

from raysp.errors import BadInput
from raysp.evaluation.bits_per_spike import bits_per_spike
from raysp.evaluation.few_shot import few_shot_bits_per_spike


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
