"""A ReLU and a maximum over squares at once, with "same" padding."""

from __future__ import annotations

import numpy as np
import torch
from torch.autograd.function import once_differentiable
from torch.nn import functional

from raysp.config.gradient import Context
from raysp.layers.pool_kernels import backward, forward


def padding(size: int, side: int, stride: int) -> tuple[int, int]:
    """Return what "same" pads before and after, so that ceil(size / stride) numbers come out.

    >>> padding(27, 3, 2), padding(14, 3, 2)
    ((1, 1), (0, 1))
    """
    total = max((-(-size // stride) - 1) * stride + side - size, 0)
    return total // 2, total - total // 2


def relu_pool(x: torch.Tensor, side: int, stride: int) -> torch.Tensor:
    """Return the maximum over squares of (images, channels, y, x), or 0 where that is larger.

    The maximum of ReLUs is the ReLU of the maximum, of which there are fewer. Single precision on a CPU runs compiled;
    the numbers are the same.

    Args:
        x: best with channels last, as they lie.
        side: of a square, at most 15.
        stride: from one to the next.
    """
    if x.device.type == "cpu" and x.dtype == torch.float32:
        return _Fused.apply(x, side, stride)
    rows, columns = (padding(size, side, stride) for size in x.shape[2:])
    padded = functional.pad(x, (*columns, *rows), value=-torch.inf)
    return functional.max_pool2d(padded, side, stride).relu()


Sizes = tuple[int, ...]


class _Fused(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Context[tuple[Sizes, Sizes]], x: torch.Tensor, side: int, stride: int) -> torch.Tensor:
        images, channels, height, width = x.shape
        found = x.new_empty(images, -(-height // stride), -(-width // stride), channels)
        place = torch.empty_like(found, dtype=torch.uint8)
        top, left = (padding(size, side, stride)[0] for size in (height, width))
        forward(_channels_last(x), side, stride, top, left, found.numpy(), place.numpy())
        ctx.save_for_backward(found, place)
        ctx.kept = (images, height, width, channels), (side, stride, top, left)
        return found.permute(0, 3, 1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Context[tuple[Sizes, Sizes]], given: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        found, place = ctx.saved_tensors
        # numpy asks for large pages, which come four times as fast as torch's.
        size, (side, stride, top, left) = ctx.kept
        into = np.zeros(size, np.float32)
        backward(_channels_last(given), found.numpy(), place.numpy(), side, stride, top, left, into)
        return torch.from_numpy(into).permute(0, 3, 1, 2), None, None


def _channels_last(images: torch.Tensor) -> np.ndarray:
    return images.detach().permute(0, 2, 3, 1).contiguous().numpy()
