"""Losses of summary statistics: where they are lowest, and what they leave out."""

from __future__ import annotations

import pytest
import torch

from raysp.objectives.noise_covariances import noise_covariances
from raysp.objectives.sample_measure import hidden_loss, noise_loss, psth_loss, rate_loss


def spikes(trials, bins=60, units=3, seed=0, rates=0.3):
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(trials, bins, units, generator=generator) < rates).float()


def test_the_psth_loss_is_the_means_own_entropy_at_best_and_finite_for_certain_rates():
    recorded = spikes(8)
    mean = recorded.mean(dim=0)
    entropy = torch.special.entr(mean) + torch.special.entr(1 - mean)
    rates = mean.expand(5, -1, -1).clone().requires_grad_()
    best = psth_loss(rates, recorded)
    assert best.item() == pytest.approx(entropy.mean().item(), rel=1e-4)
    (slope,) = torch.autograd.grad(best, rates)
    inside = (mean > 0) & (mean < 1)
    assert slope[:, inside].abs().max() < 1e-6
    for shift in (-0.05, 0.05):
        assert psth_loss(rates.detach() * (1 - abs(shift)) + max(shift, 0), recorded) > best
    assert torch.isfinite(psth_loss(torch.zeros_like(rates), recorded))


def noise(rates, samples, recorded, lags, statistic, *, relative):
    known = noise_covariances(recorded, recorded, lags + 1, corrected=False)
    return noise_loss(rates, samples, known, len(recorded), statistic, relative=relative)


@pytest.mark.parametrize("relative", [False, True])
def test_noise_loss_is_nothing_where_the_model_does_what_was_recorded(relative):
    recorded = spikes(6)
    assert noise(recorded, recorded, recorded, 4, "published", relative=relative) < 1e-12
    assert noise(recorded, recorded, recorded, 4, "consistent", relative=relative) < 1e-12


def test_the_published_statistic_is_the_published_equation():
    rates, recorded = torch.rand(7, 20, 3, generator=torch.Generator().manual_seed(1)), spikes(7, 20)

    def covariance(values, lag):
        own = values - values.mean(dim=0)
        return torch.einsum("bti,btj->ij", own, own.roll(lag, 1)) / (7 * 20)

    errors = [(covariance(rates, lag) - covariance(recorded, lag)).square().mean() for lag in range(4)]
    found = noise(rates, spikes(7, 20, seed=9), recorded, 4, "published", relative=False)
    torch.testing.assert_close(found, torch.stack(errors).mean())


def test_right_rates_of_independent_units_cost_the_published_statistic_what_spikes_vary_by_themselves():
    """The consistent one sees what chance leaves alone, whatever the numbers of trials."""
    recorded, samples, rates = spikes(400, 40), spikes(300, 40, seed=1), torch.full((300, 40, 3), 0.3)
    published = noise(rates, samples, recorded, 2, "published", relative=False)
    assert published.item() == pytest.approx((0.3 * 0.7) ** 2 * 3 / 18, rel=0.05)
    assert noise(rates, samples, recorded, 2, "consistent", relative=False) < 1e-5


def test_the_consistent_statistic_sees_what_a_spike_does_to_the_next_bin_and_the_published_one_does_not():
    """Unit 0 follows unit 1's last spike: rates know it, and vary with it, but not with themselves a bin before."""
    before = spikes(400, 40, 1, rates=0.4)
    rates = torch.cat([0.1 + 0.5 * before.roll(1, 1), torch.full_like(before, 0.4)], dim=2)
    samples = torch.cat([spikes(400, 40, 1, seed=2, rates=rates[..., :1]), before], dim=2)
    covariance = noise_covariances(samples, samples, 2, corrected=True)[1, 0, 1]
    assert covariance.item() == pytest.approx(0.5 * 0.4 * 0.6, rel=0.05)
    assert noise(rates, samples, samples, 1, "consistent", relative=True) < 1e-3
    assert noise(rates, samples, samples, 2, "published", relative=True) > 0.5


def test_few_simulated_trials_cost_as_much_as_many_on_average():
    """Rates that vary by themselves have no covariance, and few trials find one by chance."""
    generator, recorded = torch.Generator().manual_seed(3), torch.zeros(3, 3, 3)
    draws = torch.rand(400, 4, 10, 3, generator=generator), torch.rand(400, 4, 10, 3, generator=generator)
    found = torch.stack([
        noise_loss(rates, (uniforms < rates).float(), recorded, 6, "consistent", relative=False)
        for rates, uniforms in zip(*draws, strict=True)
    ])  # fmt: skip
    assert found.mean().abs() < 3 * found.std() / 400**0.5


def test_a_relative_error_knows_no_scale_of_covariances():
    """Units that are silent nine bins of ten have a tenth of the covariance; the relative error stays."""
    recorded, rates = spikes(9, 50), torch.full((9, 50, 3), 0.3)
    seldom = torch.zeros(9, 500, 3)
    seldom[:, ::10] = recorded
    few = torch.zeros(9, 500, 3)
    few[:, ::10] = rates
    one = noise(rates, recorded, recorded, 1, "published", relative=True)
    other = noise(few, seldom, seldom, 1, "published", relative=True)
    torch.testing.assert_close(one, other, rtol=1e-4, atol=0)


def test_rates_cost_their_error_whatever_their_scale_and_few_trials_as_much_as_many_on_average():
    recorded = spikes(6)
    exact = recorded.mean(dim=(0, 1)).expand(5, 60, 3)
    assert rate_loss(exact, recorded) < 1e-12
    torch.testing.assert_close(rate_loss(1.2 * exact, recorded), rate_loss(0.6 * exact, recorded / 2))
    factors = 2 * torch.rand(3000, 4, 1, 1, generator=torch.Generator().manual_seed(4))
    found = torch.stack([rate_loss(exact[:1] * factor, recorded) for factor in factors])
    assert found.mean().abs() < 3 * found.std() / 3000**0.5


def test_hidden_neurons_are_drawn_to_their_rate():
    samples = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])
    assert hidden_loss(samples, 0.17).item() == pytest.approx(((0.5 - 0.17) ** 2 + 0.17**2) / 2)
