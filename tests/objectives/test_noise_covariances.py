"""Noise covariances against sums by hand, in time and with gradients."""

import pytest
import torch

from raysp.evaluation import movie_statistics
from raysp.objectives.noise_covariances import RecordedCovariances, lagged_products, noise_covariances

GENERATOR = torch.Generator().manual_seed(0)
ONE, OTHER = (torch.rand(6, 15, 3, generator=GENERATOR, dtype=torch.float64) for _ in range(2))


def by_products(one, other, lags):
    return torch.stack([torch.einsum("rti,rtj->ij", one, other.roll(k, 1)) for k in range(lags)]) / one[..., 0].numel()


@pytest.mark.parametrize("times", [15, 14], ids=["odd", "even"])
def test_lags_are_circular_in_time_and_gradients_those_of_the_products(times):
    one, other = (each[:, :times].clone().requires_grad_() for each in (ONE, OTHER))
    known = movie_statistics.lagged(one.detach().numpy(), other.detach().numpy(), 4)
    torch.testing.assert_close(lagged_products(one, other, 4).detach().numpy(), known)
    upstream = torch.rand(4, 3, 3, generator=GENERATOR, dtype=torch.float64)
    for pair, wanted in (((one, other), (one, other)), ((one, one), (one,))):
        found, known = (
            torch.autograd.grad(form(*pair, 4), wanted, upstream) for form in (lagged_products, by_products)
        )  # fmt: skip
        torch.testing.assert_close(found, known)


def test_a_few_trials_are_corrected_for_what_their_mean_takes():
    found = noise_covariances(ONE, OTHER, 2, corrected=True)
    own, others = ONE - ONE.mean(dim=0), OTHER - OTHER.mean(dim=0)
    torch.testing.assert_close(found, by_products(own, others, 2) * 6 / 5)
    torch.testing.assert_close(
        noise_covariances(ONE, ONE, 2, corrected=False)[0],
        by_products(ONE - ONE.mean(dim=0), ONE - ONE.mean(dim=0), 1)[0],
    )


@pytest.mark.parametrize("times", [15, 2], ids=["kept", "too many to keep"])
def test_covariances_of_some_repeats_follow_from_products_of_each(times):
    spikes, chosen = (ONE < 0.3)[:, :times].to(torch.uint8), torch.tensor([4, 0, 2])
    some = spikes[chosen].float()
    found = RecordedCovariances(spikes, 3).of(chosen)
    torch.testing.assert_close(found, noise_covariances(some, some, 3, corrected=False))
