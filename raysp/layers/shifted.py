"""A convolution over time of each channel by itself, (..., bins, channels), with its gradients written out.

It is a weighted sum of shifted inputs. Left to autograd, every shift is kept, and its gradient is first written into
zeros of the input's size; here only the input is kept, and all shifts are added in place.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable


def _pieces(width: int, bins: int, stride: int, k: int) -> tuple[slice, slice]:
    """Return the bins out that tap k of the kernel reaches, and the bins in that it reads for them."""
    first = k - width // 2
    out = (bins - 1) // stride + 1
    begin = max(0, -(first // stride))
    end = min(out, (bins - 1 - first) // stride + 1)
    return slice(begin, end), slice(begin * stride + first, (end - 1) * stride + first + 1, stride)


class _Channelwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, stride: int) -> torch.Tensor:
        bins, channels, width, wide = *x.shape[-2:], weight.shape[0], weight.shape[-1]
        out = bias.expand(*x.shape[:-2], (bins - 1) // stride + 1, wide).contiguous()
        for k in range(width):
            there, here = _pieces(width, bins, stride, k)
            for first in range(0, wide if there.start < there.stop else 0, channels):
                part = slice(first, first + channels)
                out[..., there, part].addcmul_(x[..., here, :], weight[k][..., part])
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.bias_shape = stride, bias.shape
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        bins, channels, width, wide = *x.shape[-2:], weight.shape[0], weight.shape[-1]
        to_input, to_weight = torch.zeros_like(x), torch.zeros_like(weight)
        for k in range(width):
            there, here = _pieces(width, bins, ctx.stride, k)
            for first in range(0, wide if there.start < there.stop else 0, channels):
                part = slice(first, first + channels)
                one = weight[k][..., part]
                to_input[..., here, :].addcmul_(grad[..., there, part], one)
                to_weight[k][..., part] = (grad[..., there, part] * x[..., here, :]).sum_to_size(one.shape)
        return to_input, to_weight, grad.sum_to_size(ctx.bias_shape) if ctx.bias_shape else None, None


class _PairSums(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x[..., 0::2] + x[..., 1::2]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
        return grad.repeat_interleave(2, dim=2)


def channelwise(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, stride: int = 1) -> torch.Tensor:
    """Return each channel's own convolutions over time, padded with zeros on both sides.

    Args:
        x: (..., bins, channels), e.g. (trials, bins, channels) or (cells, windows, bins, channels).
        weight: (width, times * channels), width odd; of each channel's `times` results, the first ones of all channels
            come first. Or (width, cells, 1, 1, times * channels), where each cell has weights of its own.
        bias: (times * channels,) or (cells, 1, 1, times * channels); or a constant without axes, which gets no
            gradient.
        stride: every so many bins are kept.

    Returns:
        (..., ceil(bins / stride), times * channels).
    """
    return _Channelwise.apply(x.to(weight.dtype), weight, bias, stride)


def pair_sums(x: torch.Tensor) -> torch.Tensor:
    """Return (trials, bins, channels / 2): the sums of neighbouring channels."""
    return _PairSums.apply(x)
