"""Layers that hold the weights of many small networks, one lane each, and run them side by side on one device.

Values are (lanes, windows, bins, channels), and every weight has the lanes in front. All lanes start from the same
draw, and what is dropped is dropped in all of them: so nothing of a lane depends on which others are trained beside it.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from raysp.layers.convolution import uniform
from raysp.layers.response import gelu_response
from raysp.layers.shifted import channelwise

EPS = 1e-6


def alike(lanes: int, drawn: torch.Tensor) -> nn.Parameter:
    """Return a parameter (lanes, ...) that starts from the same values for every lane."""
    return nn.Parameter(drawn.expand(lanes, *drawn.shape).clone())


def affine(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """Return x @ weight + bias for each lane: (lanes, ..., inputs), (lanes, inputs, outputs), (lanes, outputs)."""
    flat = x.reshape(x.shape[0], -1, x.shape[-1])
    return torch.baddbmm(bias[:, None], flat, weight).view(*x.shape[:-1], weight.shape[2])


class Linear(nn.Module):
    """A linear map of channels for each lane."""

    def __init__(self, lanes: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = alike(lanes, uniform((inputs, outputs), inputs))
        self.bias = alike(lanes, uniform((outputs,), inputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (lanes, ..., outputs)."""
        return affine(x, self.weight, self.bias)


class ChannelNorm(nn.Module):
    """Layer normalisation over channels (Ba et al. 2016), with a scale and a shift for each lane."""

    def __init__(self, lanes: int, channels: int) -> None:
        super().__init__()
        self.scale = alike(lanes, torch.ones(channels))
        self.shift = alike(lanes, torch.zeros(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (lanes, windows, bins, channels)."""
        found = functional.layer_norm(x, x.shape[-1:], eps=EPS)
        return torch.addcmul(self.shift[:, None, None], found, self.scale[:, None, None])


class Halving(nn.Module):
    """A convolution of 3 bins, every second kept: n -> ceil(n / 2) bins."""

    def __init__(self, lanes: int, channels: int) -> None:
        super().__init__()
        self.weight = alike(lanes, uniform((3 * channels, channels), 3 * channels))
        self.bias = alike(lanes, uniform((channels,), 3 * channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (lanes, windows, ceil(bins / 2), channels)."""
        bins = x.shape[2]
        padded = functional.pad(x, (0, 0, 1, 1))
        taps = [padded[:, :, k : k + bins : 2] for k in range(3)]
        return affine(torch.cat(taps, dim=-1), self.weight, self.bias)


def doubled(x: torch.Tensor) -> torch.Tensor:
    """Return twice the bins, linearly interpolated between bin centres: (lanes, windows, 2 bins, channels)."""
    before = torch.cat([x[:, :, :1], x[:, :, :-1]], dim=2)
    after = torch.cat([x[:, :, 1:], x[:, :, -1:]], dim=2)
    pairs = torch.stack([torch.lerp(x, before, 0.25), torch.lerp(x, after, 0.25)], dim=3)
    return pairs.view(*x.shape[:2], 2 * x.shape[2], x.shape[3])


class Dropout(nn.Module):
    """Drops single entries, the same ones in every lane; the share is rounded to 256ths.

    One random number of 64 bits decides eight entries: a draw for each would take longer than the convolutions do.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.dropped = round(share * 256)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (lanes, windows, bins, channels); unchanged in evaluation."""
        if not self.training or self.dropped == 0:
            return x
        shape = x.shape[1:]
        drawn = torch.empty((shape.numel() + 7) // 8, dtype=torch.int64, device=x.device)
        drawn.random_(-(2**63), None)
        kept = drawn.view(torch.uint8)[: shape.numel()].view(shape) >= self.dropped
        return x * kept.to(x.dtype).mul_(256.0 / (256.0 - self.dropped))


class Block(nn.Module):
    """A ConvNeXt-V2 block (Woo et al. 2023) for each lane, whose last scale starts almost at zero.

    Channel scales and shifts that stand before a linear map are multiplied into its weights, which are far smaller
    than the values that they would be multiplied with.

    Args:
        lanes: how many.
        channels: in and out; where there are fewer out, the shortcut keeps the first ones.
        width: of the convolution, bins.
        expansion: times as many channels inside.
        dropout: share of entries dropped.
    """

    def __init__(self, lanes: int, channels: tuple[int, int], width: int, expansion: int, dropout: float) -> None:
        super().__init__()
        inputs, outputs = channels
        wide = expansion * inputs
        self.depthwise = alike(lanes, uniform((width, inputs), width))
        self.depthwise_bias = alike(lanes, uniform((inputs,), width))
        self.norm_scale = alike(lanes, torch.ones(inputs))
        self.norm_shift = alike(lanes, torch.zeros(inputs))
        self.wide = Linear(lanes, inputs, wide)
        self.response_scale = alike(lanes, torch.zeros(wide))
        self.response_shift = alike(lanes, torch.zeros(wide))
        self.narrow = Linear(lanes, wide, outputs)
        self.scale = alike(lanes, torch.full((outputs,), 1e-6))
        self.dropout = Dropout(dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (lanes, windows, bins, channels out)."""
        weight = self.depthwise.transpose(0, 1)[:, :, None, None]
        found = channelwise(x, weight, self.depthwise_bias[:, None, None])
        found = functional.layer_norm(found, found.shape[-1:], eps=EPS)
        found = gelu_response(affine(found, *self._wide()), self.response_scale[:, None, None])
        found = affine(found, *self._narrow())
        return x[..., : found.shape[-1]] + self.dropout(found)

    def _wide(self) -> tuple[torch.Tensor, torch.Tensor]:
        wide = self.wide
        shift = torch.bmm(self.norm_shift[:, None], wide.weight)[:, 0]
        return wide.weight * self.norm_scale[:, :, None], wide.bias + shift

    def _narrow(self) -> tuple[torch.Tensor, torch.Tensor]:
        weight = self.narrow.weight * self.scale[:, None]
        shift = torch.bmm(self.response_shift[:, None], weight)[:, 0]
        return weight, self.narrow.bias * self.scale + shift
