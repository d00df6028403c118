"""Spikes that gradient descent can see through: a step forward, the slope of an arctangent backward."""

from __future__ import annotations

import torch

from raysp.config.gradient import Context

STEEPNESS = 2.0
"""Of the arctangent (Fang et al. 2021)."""


class _Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Context[None], above: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(above)
        return (above > 0).to(above.dtype)

    @staticmethod
    def backward(ctx: Context[None], given: torch.Tensor) -> torch.Tensor:
        (above,) = ctx.saved_tensors
        return given * (STEEPNESS / 2) / (1 + (torch.pi / 2 * STEEPNESS * above).square())


def spike(above: torch.Tensor) -> torch.Tensor:
    """Return 1 where a potential is above its threshold, else 0; the gradient is that of atan(pi x) / pi + 1 / 2.

    Args:
        above: potential minus threshold, of any shape.

    >>> spike(torch.tensor([-0.5, 0.0, 0.5]))
    tensor([0., 0., 1.])
    """
    return _Spike.apply(above)
