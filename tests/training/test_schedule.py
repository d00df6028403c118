from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from raysp.config.experiment import Training
from raysp.training.schedule import halvings, is_over, learning_rate


def test_constant_after_a_linear_rise():
    training = Training(learning_rate=1.0, warmup_epochs=3)
    assert [learning_rate(training, epoch, []) for epoch in (1, 2, 3, 4, 9)] == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_the_cosine_is_torchs():
    training = Training(learning_rate=0.1, schedule="cosine", epochs=20)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)
    for epoch in range(1, 21):
        assert learning_rate(training, epoch, []) == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-12)
        optimizer.step()
        theirs.step()


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), max_size=60), st.integers(1, 5))
def test_the_plateau_is_torchs(losses, patience):
    training = Training(learning_rate=0.1, schedule="plateau", plateau_patience=patience)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    # torch waits for more than `patience` epochs, ours for as many; and it sets a least change unless told not to.
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=0.5, patience=patience - 1, threshold=0, eps=0
    )
    for epoch, loss in enumerate(losses, start=1):
        assert learning_rate(training, epoch, losses[: epoch - 1]) == pytest.approx(optimizer.param_groups[0]["lr"])
        theirs.step(loss)


def test_warm_up_losses_do_not_count_for_the_plateau():
    training = Training(learning_rate=1.0, schedule="plateau", plateau_patience=2, warmup_epochs=2)
    assert learning_rate(training, 5, [0.1, 0.1, 5.0, 4.0]) == 1.0


def test_halvings_start_to_wait_anew():
    assert halvings([1.0] * 7, 2) == 3
    assert halvings([math.inf], 1) == 1
    assert halvings([], 1) == 0


def test_the_end_is_the_last_epoch_or_lost_patience():
    assert not is_over(Training(epochs=10), 9, 1)
    assert is_over(Training(epochs=10), 10, 1)
    assert not is_over(Training(epochs=10, patience=4), 5, 2)
    assert is_over(Training(epochs=10, patience=4), 6, 2)
