"""Convolutions over time as sums of shifted inputs: on (trials, bins, channels) these beat grouped ones on a CPU."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional


class Depthwise(nn.Module):
    """A convolution over time of each channel by itself, each giving `times` channels out (groups = channels in).

    The numbers are those of torch's Conv1d with groups; outputs 2c and 2c + 1 come from input c when `times` is 2.

    Args:
        channels: in.
        times: channels out for each channel in.
        width: bins of the kernel, odd; padded with zeros on both sides.
        stride: every so many bins are kept.
    """

    def __init__(self, channels: int, times: int = 1, width: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.times, self.width, self.stride = times, width, stride
        bound = 1.0 / math.sqrt(width)
        self.weight = nn.Parameter(torch.empty(width, channels * times).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(channels * times).uniform_(-bound, bound))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (trials, ceil(bins / stride), channels * times)."""
        bins, side = x.shape[1], self.width // 2
        wide = x if self.times == 1 else x.repeat_interleave(self.times, dim=2)
        padded = functional.pad(wide, (0, 0, side, side))
        out = self.bias
        for k in range(self.width):
            out = out + padded[:, k : k + bins : self.stride] * self.weight[k]
        return out


class Shrinking(nn.Module):
    """A convolution over time in which each channel out reads its own pair of channels in (groups = channels out)."""

    def __init__(self, channels: int, width: int = 3) -> None:
        super().__init__()
        self.width = width
        bound = 1.0 / math.sqrt(2 * width)
        self.weight = nn.Parameter(torch.empty(width, channels).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(channels // 2).uniform_(-bound, bound))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (trials, bins, channels / 2)."""
        trials, bins, channels = x.shape
        padded = functional.pad(x, (0, 0, self.width // 2, self.width // 2))
        total = sum(padded[:, k : k + bins] * self.weight[k] for k in range(self.width))
        return total.reshape(trials, bins, channels // 2, 2).sum(dim=3) + self.bias


class Full(nn.Module):
    """A convolution over time that mixes all channels, as one matrix product per bin of the kernel."""

    def __init__(self, channels: int, out: int, width: int = 3) -> None:
        super().__init__()
        self.width = width
        bound = 1.0 / math.sqrt(channels * width)
        self.weight = nn.Parameter(torch.empty(out, channels * width).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(out).uniform_(-bound, bound))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (trials, bins, out)."""
        bins = x.shape[1]
        padded = functional.pad(x, (0, 0, self.width // 2, self.width // 2))
        beside = torch.cat([padded[:, k : k + bins] for k in range(self.width)], dim=2)
        return functional.linear(beside, self.weight, self.bias)
