"""The one-cycle schedule against torch's own, and at the steps whose values are known."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from raysp.training.one_cycle import one_cycle


@pytest.mark.parametrize(
    ("step", "rate", "momentum"),
    [
        (0, 2.0e-5, 0.95),
        (2256, 2.60084e-4, 0.89998),
        (4511, 5e-4, 0.85),
        (9022, 2e-5, 0.95),
        (12000, 1.01602e-5, 0.95),
        (15038, 2.0e-9, 0.95),
        (15039, 2.0e-9, 0.95),
    ],
)
def test_a_published_training_of_15040_steps_has_these_rates(step, rate, momentum):
    found = one_cycle(step, 15_040, 5e-4)
    assert found == (pytest.approx(rate, rel=2e-3 if step == 15038 else 1e-5), pytest.approx(momentum, rel=1e-5))


@settings(max_examples=30)
@given(st.integers(4, 120), st.floats(1e-6, 1.0))
def test_it_is_torchs_one_cycle_in_three_phases_at_every_step(steps, peak):
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, peak, total_steps=steps, three_phase=True)
    for step in range(steps):
        (group,) = optimizer.param_groups
        expected = (group["lr"], group["betas"][0])
        assert one_cycle(step, steps, peak) == pytest.approx(expected, rel=1e-9, abs=1e-15)
        optimizer.step()
        if step < steps - 1:
            schedule.step()


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_a_training_of_a_few_steps_has_rates_between_nothing_and_the_peak(steps):
    for step in range(steps):
        rate, momentum = one_cycle(step, steps, 0.1)
        assert 0 < rate <= 0.1
        assert 0.85 <= momentum <= 0.95
