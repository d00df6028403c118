"""Trials that are paired: what the loss does not depend on, and what it sees that means and covariances do not."""

import itertools

import pytest
import torch

from raysp.objectives.trial_matching import matching_loss


def spikes(seed, trials=6, bins=12, units=5):
    return torch.rand(trials, bins, units, generator=torch.Generator().manual_seed(seed)).lt(0.4).double()


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_trials_changes_nothing_and_equal_sets_give_0(seed):
    one, other = spikes(seed), spikes(seed + 100)
    order = torch.randperm(6, generator=torch.Generator().manual_seed(seed))
    expected = matching_loss(one, other, 3)
    torch.testing.assert_close(matching_loss(one[order], other, 3), expected)
    torch.testing.assert_close(matching_loss(one, other[order], 3), expected)
    assert matching_loss(other[order], other, 3) == 0


def test_it_is_the_least_of_all_pairings_and_does_not_depend_on_rates():
    one, other = spikes(0, 4), spikes(1, 4)
    activity = [each.mean(dim=2).unfold(1, 3, 1).mean(dim=2) for each in (one, other)]
    spread = activity[1].std(correction=0)
    least = min(
        ((activity[0][list(order)] - activity[1]) / spread).square().mean()
        for order in itertools.permutations(range(4))
    )
    torch.testing.assert_close(matching_loss(one, other, 3), least)
    torch.testing.assert_close(matching_loss(0.5 * one, 0.5 * other, 3), least)


def test_two_sorts_of_trials_are_not_taken_for_their_mean():
    up, down = torch.full((1, 20, 3), 0.8), torch.full((1, 20, 3), 0.2)
    two, mean = torch.cat([up, down, up, down]), torch.full((4, 20, 3), 0.5)
    assert matching_loss(two.flip(0), two) == 0
    assert matching_loss(mean, two) == pytest.approx(1.0)


def test_gradients_pull_a_trial_to_its_own_pair_and_the_first_of_more_are_taken():
    simulated, recorded = spikes(2, 8).requires_grad_(), spikes(3, 5)
    matching_loss(simulated, recorded).backward()
    assert simulated.grad[:5].abs().sum() > 0
    assert simulated.grad[5:].abs().sum() == 0
    torch.testing.assert_close(matching_loss(simulated, recorded), matching_loss(simulated[:5], recorded))
    silent = torch.zeros(5, 12, 5, dtype=torch.float64)
    assert torch.isfinite(matching_loss(simulated, silent))
