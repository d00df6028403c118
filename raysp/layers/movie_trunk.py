"""Convolutions over the last frames of a movie, each followed by a pool: what a network of neurons sees of it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from raysp.errors import expect
from raysp.layers.relu_pool import padding, relu_pool


class MovieTrunk(nn.Module):
    """Layers of a convolution, a ReLU and a maximum over places, all with "same" padding (Bellec et al. 2021).

    Args:
        frames: of the movie that are seen at once, as channels, the oldest first.
        height: of a frame, pixels.
        width: likewise.
        filters: of each layer.
        kernels: sides of each layer's kernels, pixels.
        pools: sides of the squares whose maximum is taken; 1 for none.
        strides: pixels from one such square to the next.

    Attributes:
        latent: numbers that come out for a frame.

    >>> MovieTrunk(10, 27, 27, (16, 32), (7, 7), (3, 3), (2, 2)).latent
    1568
    """

    def __init__(
        self, frames: int, height: int, width: int, filters: Sequence[int], kernels: Sequence[int],
        pools: Sequence[int], strides: Sequence[int],
    ) -> None:  # fmt: skip
        super().__init__()
        counts = {len(one) for one in (filters, kernels, pools, strides)}
        expect(len(counts) == 1, f"filters, kernels, pools and strides expected of as many layers, got {counts}")
        expect(all(pool <= 15 for pool in pools), f"pools expected at most 15, got {tuple(pools)}")
        self.frames, self.pools = frames, tuple(zip(pools, strides, strict=True))
        channels = (frames, *filters)
        self.convolutions = nn.ModuleList(map(Convolution, channels[:-1], filters, kernels))
        for stride in strides:
            height, width = -(-height // stride), -(-width // stride)
        self.latent = height * width * channels[-1]

    def forward(self, movie: torch.Tensor) -> torch.Tensor:
        """Return (frames of the movie - frames + 1, latent), the first of which is of the first whole window.

        Args:
            movie: (frames, y, x).
        """
        x = movie.unfold(0, self.frames, 1).contiguous().permute(0, 3, 1, 2)
        for convolution, (pool, stride) in zip(self.convolutions, self.pools, strict=True):
            x = relu_pool(convolution(x), pool, stride)
        return x.permute(0, 2, 3, 1).flatten(1)


class Convolution(nn.Conv2d):
    """One that leaves images' size as it is, and begins as Glorot and Bengio's (2010), without bias.

    An even kernel sees one pixel more after than before.
    """

    def __init__(self, channels: int, filters: int, side: int) -> None:
        super().__init__(channels, filters, side, padding=side // 2 if side % 2 else 0)
        self.side = side
        nn.init.xavier_uniform_(self.weight)
        self.bias = nn.Parameter(torch.zeros(filters))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's types lack this one

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (images, filters, y, x) of (images, channels, y, x)."""
        return super().forward(x if self.side % 2 else functional.pad(x, padding(self.side, self.side, 1) * 2))
