"""Spikes with a gradient."""

import torch

from raysp.objectives.surrogate import spike


def test_its_slope_is_that_of_an_arctangent():
    above = torch.linspace(-2, 2, 41, dtype=torch.float64, requires_grad=True)
    spike(above).sum().backward()
    smooth = above.detach().clone().requires_grad_()
    (torch.atan(torch.pi * smooth) / torch.pi).sum().backward()
    torch.testing.assert_close(above.grad, smooth.grad)
