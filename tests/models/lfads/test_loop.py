"""The fast loop over bins against its equations in torch's own operations."""

import itertools

import pytest
import torch

from raysp.models.lfads import loop
from tests.models.plain_lfads import plain_loop

BINS, TRIALS, CONTROLLER, GENERATOR, INPUTS, FACTORS = 6, 4, 5, 7, 2, 3


def arguments(lanes, *, fed, dropping):
    torch.manual_seed(0)

    def drawn(*shape):
        return torch.randn(shape, dtype=torch.double) / shape[-2] ** 0.5

    def scale(*shape):
        return (torch.rand(shape) > 0.3).double() / 0.7 if dropping else None

    drive = FACTORS if fed else 0
    tensors = [
        drawn(BINS, lanes, TRIALS, 3 * CONTROLLER),
        drawn(lanes, 3 * GENERATOR),
        drawn(lanes, TRIALS, CONTROLLER),
        # Far enough out that some states are clipped.
        8 * drawn(lanes, TRIALS, GENERATOR),
        drawn(lanes, drive + CONTROLLER, 2 * CONTROLLER),
        drawn(lanes, drive + CONTROLLER, CONTROLLER),
        drawn(lanes, INPUTS + GENERATOR, 2 * GENERATOR),
        drawn(lanes, INPUTS + GENERATOR, GENERATOR),
        drawn(lanes, CONTROLLER, 2 * INPUTS),
        drawn(lanes, 2 * INPUTS),
        drawn(lanes, GENERATOR, FACTORS),
    ]
    noise = torch.randn(BINS, lanes, TRIALS, INPUTS, dtype=torch.double)
    what = loop.Drawn(noise, scale(BINS + 1, lanes, TRIALS, GENERATOR), scale(BINS, lanes, TRIALS, FACTORS))
    return [one.requires_grad_() for one in tensors], what


def run(how, tensors, drawn):
    heard, bias, *pairs, to_factors = tensors
    return how(heard, bias, *zip(pairs[::2], pairs[1::2], strict=True), to_factors, drawn, 5.0)


@pytest.mark.parametrize(("lanes", "fed", "dropping"), [*itertools.product((1, 3), (False, True), (False, True))])
def test_values_and_gradients_are_those_of_the_equations(lanes, fed, dropping):
    tensors, drawn = arguments(lanes, fed=fed, dropping=dropping)
    both = [run(how, tensors, drawn) for how in (loop.run, plain_loop)]
    weights = [torch.randn_like(one) for one in both[0]]
    for one, other in zip(*both, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)
    gradients = [
        torch.autograd.grad(sum((one * weight).sum() for one, weight in zip(found, weights, strict=True)), tensors)
        for found in both
    ]
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


def test_only_what_is_asked_for_moves_weights():
    tensors, drawn = arguments(1, fed=True, dropping=False)
    _, given, _ = run(loop.run, tensors, drawn)
    found = torch.autograd.grad(given[0].sum(), tensors)
    # In the first bin the generator has given the factors before it, and nothing of its own dynamics.
    assert found[6].abs().max() == 0
    assert found[3].abs().max() > 0
    assert found[4].abs().max() > 0
