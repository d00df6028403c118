"""ConvNeXt-V2 blocks in one dimension (Woo et al. 2023), as another inside of a U-Net."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from raysp.layers.convolution import Depthwise
from raysp.layers.doubling import Doubling
from raysp.layers.unet_blocks import Data, Style


class GlobalResponse(nn.Module):
    """Global response normalisation: channels compete by their norm over time (Woo et al. 2023, section 3.2)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(channels))
        self.shift = nn.Parameter(torch.zeros(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return scale * x * (norm / mean norm) + shift + x; (trials, bins, channels)."""
        norm = x.float().square().sum(dim=1, keepdim=True).clamp(min=1e-12).sqrt()
        share = norm / (norm.mean(dim=2, keepdim=True) + 1e-6)
        return self.scale * (x * share.to(x.dtype)) + self.shift + x


class Block(nn.Module):
    """Depth-wise convolution of 7 bins, layer norm, four times as many channels and back, dropped whole at times."""

    def __init__(self, channels: int, drop: float) -> None:
        super().__init__()
        self.depthwise = Depthwise(channels, width=7)
        self.norm = nn.LayerNorm(channels)
        self.wide, self.narrow = nn.Linear(channels, 4 * channels), nn.Linear(4 * channels, channels)
        self.response = GlobalResponse(4 * channels)
        self.drop = drop

    def forward(self, x: torch.Tensor, data: Data) -> torch.Tensor:
        """Return (trials, bins, channels); padding stays zero."""
        inside = _inside(x, data)
        found = self.norm(self.depthwise(x * inside))
        found = self.narrow(self.response(functional.gelu(self.wide(found)) * inside))
        if self.training and self.drop:
            kept = torch.rand(len(x), 1, 1, device=x.device) >= self.drop
            found = found * kept / (1.0 - self.drop)
        return (x + found) * inside


class Down(nn.Module):
    """A block, then layer norm and a mix of each bin with its neighbours, every second kept: n -> (n + 1) / 2 bins."""

    def __init__(self, channels: int, out: int, style: Style) -> None:
        super().__init__()
        self.block = Block(channels, style.dropout)
        self.norm = nn.LayerNorm(channels)
        self.shrink = Depthwise(channels, stride=2)
        self.mix = nn.Linear(channels, out)

    def forward(self, x: torch.Tensor, fine: Data, coarse: Data) -> torch.Tensor:
        """Return the coarse level."""
        x = self.norm(self.block(x, fine)) * _inside(x, fine)
        found = self.mix(self.shrink(x))
        return found * _inside(found, coarse)


class Up(nn.Module):
    """A mix of channels, bins between bins, a block."""

    def __init__(self, channels: int, out: int, style: Style) -> None:
        super().__init__()
        self.norm, self.mix = nn.LayerNorm(channels), nn.Linear(channels, out)
        self.doubling = Doubling(style.doubling, out)
        self.block = Block(out, style.dropout)

    def forward(self, x: torch.Tensor, coarse: Data, fine: Data) -> torch.Tensor:
        """Return the fine level."""
        found = self.mix(self.norm(x)) * _inside(x, coarse)
        return self.block(self.doubling(found), fine)


def _inside(x: torch.Tensor, data: Data) -> torch.Tensor:
    bins = torch.arange(x.shape[1], device=x.device)[None, :, None]
    return ((bins >= data[0]) & (bins < data[1])).to(x.dtype)
