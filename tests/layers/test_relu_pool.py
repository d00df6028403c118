"""Maxima of ReLUs against torch's own operations, and their gradients."""

import pytest
import torch
from torch.nn import functional

from raysp.layers.relu_pool import padding, relu_pool


@pytest.mark.parametrize(("side", "stride"), [(3, 2), (2, 2), (3, 1), (2, 3)])
@pytest.mark.parametrize("kind", [torch.float32, torch.float64], ids=["compiled", "torch"])
def test_maxima_and_their_gradient_are_those_of_torchs_operations(side, stride, kind):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, 4, 6, 7, generator=generator, dtype=kind)
    x[0, :, 2:4] = 0.5
    x[1, 0, 3, 3] = torch.nan
    x.requires_grad_()
    before = [one for size in (7, 6) for one in padding(size, side, stride)]
    known = functional.max_pool2d(functional.pad(x.relu(), before), side, stride)
    upstream = torch.randn(known.shape, generator=generator, dtype=kind)
    found = relu_pool(x, side, stride)
    torch.testing.assert_close(found, known, rtol=0, atol=0, equal_nan=True)
    for one, other in zip(*(torch.autograd.grad(each, x, upstream) for each in (found, known)), strict=True):
        torch.testing.assert_close(one, other)
