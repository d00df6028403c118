"""Clipped units over all bins, against their equations in numpy and in torch's own operations."""

import numpy as np
import pytest
import torch

from raysp.layers import clipped_gru
from tests.models.plain_lfads import plain_gru

BINS, TRIALS, HIDDEN = 7, 4, 5


def arguments(lanes, *, far=False):
    torch.manual_seed(0)
    shapes = (
        (BINS, lanes, TRIALS, 3 * HIDDEN),
        (lanes, TRIALS, HIDDEN),
        (lanes, HIDDEN, 2 * HIDDEN),
        (lanes, HIDDEN, HIDDEN),
    )
    found = [torch.randn(shape, dtype=torch.double) for shape in shapes]
    found[1] *= 8 if far else 1
    return [one.requires_grad_() for one in found]


def numpy_states(heard, start, gates, candidate):
    """The equations, a trial and a bin at a time."""

    def logistic(x):
        return 1 / (1 + np.exp(-x))

    found, state = [], start
    for now in heard:
        r, q = np.split(logistic(now[:, : 2 * HIDDEN] + state @ gates), 2, axis=1)
        c = np.tanh(now[:, 2 * HIDDEN :] + (r * state) @ candidate)
        state = np.clip(q * state + (1 - q) * c, -5, 5)
        found.append(state)
    return np.stack(found)


@pytest.mark.parametrize("far", [False, True])
def test_states_are_those_of_the_equations(far):
    given = arguments(2, far=far)
    found = clipped_gru.run(*given).detach().numpy()
    heard, *others = (one.detach().numpy() for one in given)
    for lane in range(2):
        expected = numpy_states(heard[:, lane], *(one[lane] for one in others))
        np.testing.assert_allclose(found[:, lane], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("lanes", [1, 3])
@pytest.mark.parametrize("far", [False, True])
def test_gradients_are_those_of_torchs_own_operations(lanes, far):
    given = arguments(lanes, far=far)
    weight = torch.randn(BINS, lanes, TRIALS, HIDDEN, dtype=torch.double)
    ours, plain = (torch.autograd.grad((of(*given) * weight).sum(), given) for of in (clipped_gru.run, plain_gru))
    for one, other in zip(ours, plain, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


def test_a_state_is_held_at_the_limit_and_nothing_reaches_it_there():
    heard = torch.zeros(1, 1, 1, 3 * HIDDEN)
    # The keep gate is shut open: the state stays.
    heard[..., HIDDEN : 2 * HIDDEN] = 50.0
    start = torch.tensor([[[4.0, 5.5, -7.0, 0.0, -4.9]]], requires_grad=True)
    found = clipped_gru.run(heard, start, torch.zeros(1, HIDDEN, 2 * HIDDEN), torch.zeros(1, HIDDEN, HIDDEN))
    assert found[0, 0, 0].tolist() == pytest.approx([4.0, 5.0, -5.0, 0.0, -4.9])
    found.sum().backward()
    assert start.grad[0, 0].tolist() == [1.0, 0.0, 0.0, 1.0, 1.0]


def test_lanes_do_not_know_of_each_other():
    given = arguments(3)
    whole = clipped_gru.run(*given)
    heard, *others = given
    for lane in range(3):
        alone = clipped_gru.run(heard[:, lane : lane + 1], *(one[lane : lane + 1] for one in others))
        torch.testing.assert_close(whole[:, lane : lane + 1], alone, rtol=0, atol=1e-12)
