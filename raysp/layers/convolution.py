"""Convolutions over time on (trials, bins, channels), in the forms that are fastest there on a CPU."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from raysp.layers.shifted import pair_sums


def uniform(shape: tuple[int, ...], inputs: int) -> torch.Tensor:
    """Draw from U(-1/sqrt(inputs), 1/sqrt(inputs)), as torch's own layers start."""
    bound = 1.0 / math.sqrt(inputs)
    return torch.empty(shape).uniform_(-bound, bound)


class Depthwise(nn.Module):
    """A convolution over time of each channel by itself, each giving `times` channels out (groups = channels in).

    The numbers are those of torch's Conv1d with groups, but the first outputs of all channels come first.

    Args:
        channels: in.
        times: channels out for each channel in.
        width: bins of the kernel, odd; padded with zeros on both sides.
        stride: every so many bins are kept.
    """

    def __init__(self, channels: int, times: int = 1, width: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.weight = nn.Parameter(uniform((width, channels * times), width))
        self.bias = nn.Parameter(uniform((channels * times,), width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (trials, ceil(bins / stride), channels * times)."""
        times = self.bias.shape[0] // x.shape[2]
        # Together: convolutions of the copies one by one take twice as long.
        return _each(x if times == 1 else torch.cat([x] * times, dim=2), self.weight, self.bias, self.stride)


class Shrinking(nn.Module):
    """A convolution over time in which each channel out reads its own pair of channels in (groups = channels out)."""

    def __init__(self, channels: int, width: int = 3) -> None:
        super().__init__()
        self.weight = nn.Parameter(uniform((width, channels), 2 * width))
        self.bias = nn.Parameter(uniform((channels // 2,), 2 * width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (trials, bins, channels / 2)."""
        return pair_sums(_each(x, self.weight)) + self.bias


class Full(nn.Module):
    """A convolution over time that mixes all channels: torch's, given the data as an image of one row."""

    def __init__(self, channels: int, out: int, width: int = 3) -> None:
        super().__init__()
        self.row = nn.Conv2d(channels, out, (1, width), padding=(0, width // 2))
        self.row.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's types lack this one

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (trials, bins, out)."""
        return _of_row(self.row(_as_row(x)))


def _each(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None, stride: int = 1) -> torch.Tensor:
    """Convolve each channel of (trials, bins, channels) with its own (width, channels)."""
    width, channels = weight.shape
    kernel = weight.T[:, None, None].contiguous(memory_format=torch.channels_last)
    return _of_row(functional.conv2d(_as_row(x), kernel, bias, (1, stride), (0, width // 2), groups=channels))


def _as_row(x: torch.Tensor) -> torch.Tensor:
    """Return (trials, bins, channels) as images of one row: with channels last, as they lie; nothing is copied."""
    return x.transpose(1, 2).unsqueeze(2)


def _of_row(x: torch.Tensor) -> torch.Tensor:
    return x.squeeze(2).transpose(1, 2)
