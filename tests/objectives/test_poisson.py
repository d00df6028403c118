from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammaln
from scipy.stats import poisson

from raysp.errors import BadInput
from raysp.objectives.poisson import MAX_LOG_RATE, negative_log_likelihood, poisson_loss, rates

log_rate = st.floats(-20, 6.75, width=32)
any_log_rate = st.floats(-1e6, 1e6, width=32)
count = st.integers(0, 50)


@settings(deadline=None)
@given(log_rate, count)
def test_it_is_scipys_poisson_law_without_the_factorial(l, y):
    ours = negative_log_likelihood(torch.tensor([l]), torch.tensor([float(y)])).item()
    theirs = -poisson.logpmf(y, math.exp(l)) - gammaln(y + 1)
    assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-4)


@settings(deadline=None)
@given(any_log_rate, count)
def test_loss_and_gradient_are_finite_for_any_log_rate(l, y):
    log_rates = torch.tensor([l], requires_grad=True)
    loss = negative_log_likelihood(log_rates, torch.tensor([float(y)])).sum()
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(log_rates.grad).all()


@settings(deadline=None)
@given(st.floats(-10, 30, width=32), st.floats(-10, 30, width=32), count)
def test_it_is_convex_also_beyond_the_largest_rate(a, b, y):
    l = torch.tensor([a, b, (a + b) / 2], dtype=torch.float32)
    at_a, at_b, middle = negative_log_likelihood(l, torch.full((3,), float(y))).double()
    assert middle <= (at_a + at_b) / 2 + 1e-3 * (1 + abs(at_a) + abs(at_b))


def test_beyond_the_largest_rate_the_gradient_still_points_back():
    log_rates = torch.tensor([MAX_LOG_RATE + 5.0], requires_grad=True)
    negative_log_likelihood(log_rates, torch.tensor([3.0])).sum().backward()
    assert log_rates.grad.item() == pytest.approx(math.exp(MAX_LOG_RATE) - 3.0, rel=1e-5)
    assert rates(log_rates).item() == pytest.approx(math.exp(MAX_LOG_RATE))


def test_the_minimum_is_at_the_count():
    log_rates = torch.tensor([4.0]).log().requires_grad_()
    negative_log_likelihood(log_rates, torch.tensor([4.0])).sum().backward()
    assert log_rates.grad.item() == pytest.approx(0.0, abs=1e-5)


@settings(deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 23))
def test_unknown_entries_change_neither_loss_nor_gradient(seed, unknown):
    rng = np.random.default_rng(seed)
    counts = torch.as_tensor(rng.poisson(1.0, (2, 3, 4)), dtype=torch.float32)
    hidden = torch.zeros(24, dtype=torch.bool)
    hidden[rng.permutation(24)[:unknown]] = True
    hidden = hidden.reshape(2, 3, 4)
    log_rates = torch.as_tensor(rng.normal(0, 1, (2, 3, 4)), dtype=torch.float32).requires_grad_()
    found = poisson_loss(log_rates, counts.masked_fill(hidden, math.nan))
    found.total.backward()
    expected = negative_log_likelihood(log_rates.detach()[~hidden], counts[~hidden]).mean()
    assert found.total.item() == pytest.approx(expected.item(), rel=1e-5, abs=1e-6)
    assert found.known == 24 - unknown
    assert (log_rates.grad[hidden] == 0).all()
    assert torch.isfinite(log_rates.grad).all()


def test_nothing_known_is_a_loss_of_zero_without_gradient():
    log_rates = torch.zeros(1, 2, 3, requires_grad=True)
    found = poisson_loss(log_rates, torch.full((1, 2, 3), math.nan))
    found.total.backward()
    assert found.total == 0
    assert (log_rates.grad == 0).all()


def test_the_loss_is_float32_whatever_the_model_computed_in():
    found = poisson_loss(torch.zeros(1, 2, 3, dtype=torch.bfloat16), torch.ones(1, 2, 3))
    assert found.total.dtype == torch.float32
    assert rates(torch.zeros(2, dtype=torch.bfloat16)).dtype == torch.float32


def test_other_shapes_are_refused():
    with pytest.raises(BadInput, match=r"expected one shape, got \(1, 2, 3\) and \(1, 2, 4\)"):
        poisson_loss(torch.zeros(1, 2, 3), torch.zeros(1, 2, 4))
