"""From n bins to 2 n - 1: the way up of a U-Net."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn
from torch.autograd.function import once_differentiable

from raysp.config.gradient import Context
from raysp.layers.convolution import uniform

DoublingName = Literal["mean", "sum", "deconv"]


class Doubling(nn.Module):
    """Bins between bins.

    Args:
        name: "mean" puts the mean of both neighbours between them; "sum" their sum, as unet-spikes does, so that a
            constant becomes 1, 2, 1, 2 ...; "deconv" learns a transposed convolution (width 3, stride 2, padding 1).
        channels: of the input.
    """

    def __init__(self, name: DoublingName, channels: int) -> None:
        super().__init__()
        self.name = name
        if name == "deconv":
            self.weight = nn.Parameter(uniform((3, channels, channels), 3 * channels))
            self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (trials, 2 bins - 1, channels)."""
        if self.name == "deconv":
            even = x @ self.weight[1]
            between = x[:, 1:] @ self.weight[0] + x[:, :-1] @ self.weight[2]
            return _woven(even, between) + self.bias
        return _Between.apply(x, 0.5 if self.name == "mean" else 1.0)


class _Between(torch.autograd.Function):
    """Puts share * (left + right) between neighbouring bins; a stack and two joins would copy all of it twice more."""

    @staticmethod
    def forward(ctx: Context[float], x: torch.Tensor, share: float) -> torch.Tensor:
        trials, bins, channels = x.shape
        ctx.kept = share
        found = x.new_empty(trials, 2 * bins - 1, channels)
        found[:, ::2] = x
        torch.add(x[:, 1:], x[:, :-1], out=found[:, 1::2]).mul_(share)
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Context[float], grad: torch.Tensor) -> tuple[torch.Tensor, None]:
        to_input, between = grad[:, ::2].clone(), grad[:, 1::2]
        to_input[:, 1:].add_(between, alpha=ctx.kept)
        to_input[:, :-1].add_(between, alpha=ctx.kept)
        return to_input, None


def _woven(even: torch.Tensor, odd: torch.Tensor) -> torch.Tensor:
    trials, bins, channels = even.shape
    pairs = torch.stack([even[:, : bins - 1], odd], dim=2).reshape(trials, 2 * bins - 2, channels)
    return torch.cat([pairs, even[:, -1:]], dim=1)
