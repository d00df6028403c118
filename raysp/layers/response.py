"""GELU and global response normalisation in one step, with their gradient written out.

Left to autograd, the norm over time keeps and writes several more arrays of the size of the widest layer, which is
where a small network spends its time.
"""

from __future__ import annotations

import torch
from torch.autograd.function import once_differentiable

from raysp.config.gradient import Context

EPS = 1e-6
SMALLEST = 1e-6
"""Of a norm: the square root has no slope at zero."""


class _Response(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Context[None], x: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        found = torch.nn.functional.gelu(x)
        # Not linalg.vector_norm: over an axis that is not the last it takes five to ten times as long on a CPU.
        norm = found.float().square().sum(dim=-2, keepdim=True).sqrt_().clamp_(min=SMALLEST)
        mean = norm.mean(dim=-1, keepdim=True) + EPS
        factor = (1.0 + scale * (norm / mean)).to(x.dtype)
        ctx.save_for_backward(x, found, norm, mean, factor, scale)
        return found * factor

    @staticmethod
    @once_differentiable
    def backward(ctx: Context[None], grad: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x, found, norm, mean, factor, scale = ctx.saved_tensors
        to_factor = (grad * found).sum(dim=-2, keepdim=True, dtype=torch.float32)
        to_scale = (to_factor * (norm / mean)).sum_to_size(scale.shape)
        to_share = to_factor * scale
        inside = (to_share * norm).mean(dim=-1, keepdim=True)
        to_norm = to_share / mean - inside / mean.square()
        # A norm that was held at the smallest has no slope.
        slope = torch.where(norm > SMALLEST, to_norm / norm, 0.0).to(found.dtype)
        to_found = (grad * factor).addcmul_(found, slope)
        return torch.ops.aten.gelu_backward(to_found, x), to_scale


def gelu_response(x: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Return g + scale * g * (g's norm over time / the mean of the channels' norms), g = gelu(x).

    The shift of the normalisation (Woo et al. 2023, ConvNeXt V2, section 3.2) is left to what follows.

    Args:
        x: (..., bins, channels).
        scale: broadcasts against (..., 1, channels).
    """
    return _Response.apply(x, scale)
