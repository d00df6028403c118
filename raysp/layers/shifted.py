"""A convolution over time of each channel by itself, (..., bins, channels), with its gradients written out.

It is a weighted sum of shifted inputs. Left to autograd, every shift is kept, and its gradient is first written into
zeros of the input's size; here only the input is kept, and all shifts are added in place. torch's grouped convolution
would want lanes beside channels, which is not how they lie.
"""

from __future__ import annotations

import torch
from torch.autograd.function import once_differentiable

from raysp.config.gradient import Context


def _pieces(width: int, bins: int, k: int) -> tuple[slice, slice]:
    """Return the bins out that tap k of the kernel reaches, and the bins in that it reads for them."""
    shift = k - width // 2
    begin, end = max(0, -shift), max(0, min(bins, bins - shift))
    return slice(begin, max(begin, end)), slice(begin + shift, max(begin, end) + shift)


def _middle_first(width: int) -> list[int]:
    """Return the taps, the one that reaches every bin first: it writes where the others add."""
    return [width // 2, *range(width // 2), *range(width // 2 + 1, width)]


class _Channelwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Context[None], x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        width = weight.shape[0]
        out = torch.addcmul(bias, x, weight[width // 2])
        for k in _middle_first(width)[1:]:
            there, here = _pieces(width, x.shape[-2], k)
            out[..., there, :].addcmul_(x[..., here, :], weight[k])
        ctx.save_for_backward(x, weight, bias)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Context[None], grad: torch.Tensor) -> tuple[torch.Tensor, ...]:
        x, weight, bias = ctx.saved_tensors
        width = weight.shape[0]
        to_input, to_weight = grad * weight[width // 2], torch.empty_like(weight)
        for k in _middle_first(width):
            there, here = _pieces(width, x.shape[-2], k)
            came = grad[..., there, :]
            if k != width // 2:
                to_input[..., here, :].addcmul_(came, weight[k])
            to_weight[k] = (came * x[..., here, :]).sum_to_size(weight.shape[1:])
        return to_input, to_weight, grad.sum_to_size(bias.shape)


class _PairSums(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Context[None], x: torch.Tensor) -> torch.Tensor:
        return x[..., 0::2] + x[..., 1::2]

    @staticmethod
    @once_differentiable
    def backward(ctx: Context[None], grad: torch.Tensor) -> torch.Tensor:
        return grad.repeat_interleave(2, dim=2)


def channelwise(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """Return each channel's own convolution over time, padded with zeros on both sides: the shape of x.

    Args:
        x: (lanes, windows, bins, channels).
        weight: (width, lanes, 1, 1, channels), width odd.
        bias: (lanes, 1, 1, channels).
    """
    return _Channelwise.apply(x.to(weight.dtype), weight, bias)


def pair_sums(x: torch.Tensor) -> torch.Tensor:
    """Return (trials, bins, channels / 2): the sums of neighbouring channels."""
    return _PairSums.apply(x)
