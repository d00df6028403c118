"""The ways down and up of a U-Net over time; (trials, bins, channels) in and out."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from raysp.layers.convolution import Depthwise, Full, Shrinking
from raysp.layers.doubling import Doubling, DoublingName
from raysp.layers.norm import Norm, NormName

Data = tuple[int, int]


@dataclass(frozen=True)
class Style:
    """What all blocks of a network have in common.

    Attributes:
        norm: "batch", "layer" or "none".
        doubling: how bins are put between bins.
        inside: normalisation looks at data bins alone.
        dropout: share of channels dropped, over all bins, after each block.
    """

    norm: NormName = "batch"
    doubling: DoublingName = "mean"
    inside: bool = True
    dropout: float = 0.0


class ChannelDropout(nn.Module):
    """Drops whole channels of a trial, over all its bins (Tompson et al. 2015)."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (trials, bins, channels) with some channels zero and the others scaled up; in training only."""
        if not self.training or self.share == 0:
            return x
        kept = torch.rand(x.shape[0], 1, x.shape[2], device=x.device) >= self.share
        return x * kept / (1.0 - self.share)


class Step(nn.Module):
    """One convolution, normalised, ReLU."""

    def __init__(self, convolution: nn.Module, channels: int, style: Style) -> None:
        super().__init__()
        self.convolution = convolution
        self.norm = Norm(style.norm, channels, inside=style.inside, rectified=True)

    def forward(self, x: torch.Tensor, data: Data) -> torch.Tensor:
        """Return the step's output; bins that are no data are zero where normalisation looks inside only."""
        return self.norm(self.convolution(x), data)


class Down(nn.Module):
    """Channels in -> out (the same, or twice as many), n bins -> (n + 1) / 2.

    After unet-spikes: a convolution of each channel by itself, one over channels, one of each channel with stride 2.
    """

    def __init__(self, channels: int, out: int, style: Style) -> None:
        super().__init__()
        first = Depthwise(channels, 2) if out == 2 * channels else Full(channels, out)
        self.steps = nn.ModuleList(
            [
                Step(first, out, style),
                Step(nn.Linear(out, out), out, style),
                Step(Depthwise(out, stride=2), out, style),
            ]
        )
        self.dropout = ChannelDropout(style.dropout)

    def forward(self, x: torch.Tensor, fine: Data, coarse: Data) -> torch.Tensor:
        """Return the coarse level; `fine` and `coarse` are the data bins of both."""
        for step, data in zip(self.steps, (fine, fine, coarse), strict=True):
            x = step(x, data)
        return self.dropout(x)


class Up(nn.Module):
    """Channels in -> out (the same, or half as many), n bins -> 2 n - 1."""

    def __init__(self, channels: int, out: int, style: Style) -> None:
        super().__init__()
        first = Shrinking(channels) if channels == 2 * out else Full(channels, out)
        self.steps = nn.ModuleList([Step(first, out, style), Step(nn.Linear(out, out), out, style)])
        self.doubling = Doubling(style.doubling, out)
        self.last = Step(Full(out, out), out, style)
        self.dropout = ChannelDropout(style.dropout)

    def forward(self, x: torch.Tensor, coarse: Data, fine: Data) -> torch.Tensor:
        """Return the fine level."""
        for step in self.steps:
            x = step(x, coarse)
        return self.dropout(self.last(self.doubling(x), fine))
