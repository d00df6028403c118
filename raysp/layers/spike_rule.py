"""When a stochastic binary neuron spikes, and what a gradient sees of that (Bellec et al. 2021)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from raysp.config.gradient import Context


@dataclass(frozen=True)
class Sampling:
    """From input to spike: v = (input - threshold) / threshold, and a spike where sigmoid(temperature v) > uniform.

    Attributes:
        threshold: above 0.
        temperature: what v is multiplied by.
        damping: height of the triangle.
        surrogate: a spike's derivative in v: "triangle" is damping * max(0, 1 - |v|), as published; "sigmoid" is that
            of the expected spike, temperature * p (1 - p), which is nowhere 0.
    """

    threshold: float = 0.4
    temperature: float = 1.0
    damping: float = 0.3
    surrogate: Literal["triangle", "sigmoid"] = "triangle"

    def slope(self, voltages: torch.Tensor) -> torch.Tensor:
        """Return what stands for the derivative of a spike in v.

        >>> Sampling().slope(torch.tensor([-1.0, 0.0, 0.5]))
        tensor([0.0000, 0.3000, 0.1500])
        """
        if self.surrogate == "triangle":
            return self.damping * (1 - voltages.abs()).clamp(min=0)
        rates = (self.temperature * voltages).sigmoid()
        return self.temperature * rates * (1 - rates)


class _Spikes(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Context[Sampling], voltages: torch.Tensor, uniforms: torch.Tensor, rule: Sampling) -> torch.Tensor:
        ctx.save_for_backward(voltages)
        ctx.kept = rule
        return ((rule.temperature * voltages).sigmoid() > uniforms).to(voltages.dtype)

    @staticmethod
    def backward(ctx: Context[Sampling], given: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (voltages,) = ctx.saved_tensors
        return given * ctx.kept.slope(voltages), None, None


def spikes(voltages: torch.Tensor, uniforms: torch.Tensor, rule: Sampling) -> torch.Tensor:
    """Return 1 where a neuron spikes, else 0; the gradient in the voltages is that of `rule.slope`."""
    return _Spikes.apply(voltages, uniforms, rule)
