import math

import pytest
import torch

from raysp.objectives.deviance import hidden_loss
from raysp.objectives.links import Link, log_softplus

NAMES = ["exp", "softplus", "scaled_softplus"]
EXTREME = torch.tensor([0.0, 1e-8, -1e-8, 20.0, -20.0, 88.0, -88.0, 1e3, -1e3, 1e4, -1e4])


def link(name, units=1):
    made = Link(name, units)
    if name == "scaled_softplus":
        made.log_scale.data.fill_(0.7)
    return made


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_values_and_gradients_are_finite_and_monotone_for_any_output(name, kind):
    output = EXTREME.sort().values.to(kind)[:, None].requires_grad_()
    made = link(name)
    rates, logs = made.rates(output), made.log_rates(output)
    assert rates.dtype == logs.dtype == torch.float32
    assert torch.isfinite(rates).all()
    assert torch.isfinite(logs).all()
    assert (rates.diff(dim=0) >= 0).all()
    assert (logs.diff(dim=0) >= 0).all()
    loss = hidden_loss(output[None], torch.ones(1, len(output), 1), made, "poisson").total
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(output.grad).all()


def test_softplus_agrees_with_float64():
    x = torch.linspace(-30, 30, 4001)
    exact = torch.log(torch.log1p(torch.exp(x.double())))
    torch.testing.assert_close(log_softplus(x).double(), exact, rtol=1e-6, atol=1e-6)


def test_far_to_the_left_the_log_is_the_output_itself():
    assert log_softplus(torch.tensor(-1e4)).item() == -1e4
    assert link("scaled_softplus").log_rates(torch.tensor([-1e4])).item() == pytest.approx(-1e4 + 0.7)


@pytest.mark.parametrize("name", [*NAMES, "identity"])
@pytest.mark.parametrize("rate", [1e-3, 0.2, 5.0, 60.0])
def test_the_output_for_a_rate_gives_that_rate(name, rate):
    made = link(name)
    assert made.rates(made.output_for(torch.tensor([rate]))).item() == pytest.approx(rate, rel=1e-5)


def test_the_loss_is_the_mean_deviance_of_what_counts_by_hand():
    output = torch.tensor([[[0.3, -1.0], [0.5, 2.0]]])
    targets = torch.tensor([[[2.0, math.nan], [0.0, math.nan]]])
    found = hidden_loss(output, targets, Link("exp", 2), "poisson")
    one = 2 * (math.exp(0.3) - 2 * 0.3 - 2 + 2 * math.log(2))
    two = 2 * math.exp(0.5)
    assert found.total.item() == pytest.approx((one + two) / 2)
    assert found.known == 2


def test_it_is_zero_for_a_perfect_model_and_positive_elsewhere():
    counts = torch.tensor([[[1.0, 3.0]]])
    perfect = hidden_loss(counts.log(), counts, Link("exp", 2), "poisson").total.item()
    assert perfect == pytest.approx(0.0, abs=1e-6)
    assert hidden_loss(counts.log() + 0.1, counts, Link("exp", 2), "poisson").total > 0


def test_what_does_not_count_changes_nothing_and_nothing_at_all_is_zero():
    output = torch.zeros(1, 2, 1, requires_grad=True)
    loss = hidden_loss(output, torch.full((1, 2, 1), torch.nan), Link("exp", 1), "poisson").total
    loss.backward()
    assert loss == 0
    assert not output.grad.any()


def test_squared_errors():
    found = hidden_loss(torch.tensor([[[0.5]]]), torch.tensor([[[2.0]]]), Link("identity", 1), "mse")
    assert found.total.item() == pytest.approx(2.25)
