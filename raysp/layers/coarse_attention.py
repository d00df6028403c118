"""Transformers over time and over channels at a U-Net's coarsest level, gated so that training starts without them."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn
from torch.nn import functional

from raysp.layers.attention import Block

AttentionName = Literal["none", "time", "space", "sequential", "parallel"]

POINTS = 16
"""Bins that a channel is resampled to before attention over channels, so that it fits trials of any length."""


class TimeAttention(nn.Module):
    """Tokens are bins; positions are learned on a grid and interpolated, padding is never attended to."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.randn(1, channels, POINTS) * 0.02)
        self.block = Block(channels, heads, 2 * channels)
        self.gate = nn.Parameter(torch.zeros(()))

    def forward(self, x: torch.Tensor, data: tuple[int, int]) -> torch.Tensor:
        """Return what to add to (trials, bins, channels)."""
        first, end = data
        inner = x[:, first:end]
        positions = functional.interpolate(self.positions, size=end - first, mode="linear", align_corners=True)
        found = self.block(inner + positions.transpose(1, 2)) - inner
        return self.gate * functional.pad(found, (0, 0, first, x.shape[1] - end))


class SpaceAttention(nn.Module):
    """Tokens are channels, each resampled to a fixed number of bins and projected."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        width = POINTS * 2
        self.enter, self.leave = nn.Linear(POINTS, width), nn.Linear(width, POINTS)
        self.names = nn.Parameter(torch.randn(1, channels, width) * 0.02)
        self.block = Block(width, heads, 2 * width)
        self.gate = nn.Parameter(torch.zeros(()))

    def forward(self, x: torch.Tensor, data: tuple[int, int]) -> torch.Tensor:
        """Return what to add to (trials, bins, channels)."""
        first, end = data
        series = _resampled(x[:, first:end].transpose(1, 2), POINTS)
        found = self.leave(self.block(self.enter(series) + self.names))
        found = _resampled(found, end - first).transpose(1, 2)
        return self.gate * functional.pad(found, (0, 0, first, x.shape[1] - end))


class CoarseAttention(nn.Module):
    """One or both of the above: one after the other, or side by side.

    Args:
        name: "time", "space", "sequential" (time, then space) or "parallel".
        channels: of the level; must divide by `heads` for attention over time.
        heads: of the attention.
    """

    def __init__(self, name: AttentionName, channels: int, heads: int) -> None:
        super().__init__()
        self.name = name
        self.time = TimeAttention(channels, heads) if name != "space" else None
        self.space = SpaceAttention(channels, heads) if name != "time" else None

    def forward(self, x: torch.Tensor, data: tuple[int, int]) -> torch.Tensor:
        """Return (trials, bins, channels); at first exactly the input, since both gates are 0."""
        if self.name == "parallel" and self.time is not None and self.space is not None:
            return x + self.time(x, data) + self.space(x, data)
        if self.time is not None:
            x = x + self.time(x, data)
        if self.space is not None:
            x = x + self.space(x, data)
        return x


def _resampled(x: torch.Tensor, points: int) -> torch.Tensor:
    return x if x.shape[2] == points else functional.interpolate(x, size=points, mode="linear", align_corners=True)
