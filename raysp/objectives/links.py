"""From a network's output to expected spikes per bin: stable in float32 and bfloat16 for any finite output."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn
from torch.nn import functional

from raysp.objectives import poisson

LinkName = Literal["exp", "softplus", "scaled_softplus", "identity"]

SMALL = -15.0
"""Below this output, ln(softplus(z)) is z - e^z / 2 to float32's last bit; above it the plain form is exact enough."""

LEAST_RATE = 1e-9


class Link(nn.Module):
    """The inverse link of a model's output.

    Args:
        name: "exp"; "softplus", log(1 + exp x); "scaled_softplus", log(1 + a exp x) = softplus(x + ln a) with a learned
            a > 0 for each unit, 1 at first; "identity", the output itself (for squared errors; held at 0 from below
            in predictions).
        units: how many outputs there are.
    """

    def __init__(self, name: LinkName, units: int) -> None:
        super().__init__()
        self.name = name
        if name == "scaled_softplus":
            self.log_scale: torch.Tensor = nn.Parameter(torch.zeros(units))

    def rates(self, output: torch.Tensor) -> torch.Tensor:
        """Return expected spikes per bin, float32, finite and >= 0; shape as the output, (..., units)."""
        output = output.float()
        if self.name == "exp":
            return poisson.rates(output)
        if self.name == "identity":
            return output.clamp(min=0.0)
        return functional.softplus(self._shifted(output))

    def log_rates(self, output: torch.Tensor) -> torch.Tensor:
        """Return the natural log of the same, with a gradient that is finite for any finite output."""
        output = output.float()
        if self.name == "exp":
            return output
        if self.name == "identity":
            return output.clamp(min=LEAST_RATE).log()
        return log_softplus(self._shifted(output))

    def mean_rates(self, output: torch.Tensor) -> torch.Tensor:
        """Return what enters the likelihood as expected counts: `rates`, exp continued by its tangent above a bound."""
        rates = self.rates(output)
        return rates * (1.0 + torch.relu(output.float() - poisson.MAX_LOG_RATE)) if self.name == "exp" else rates

    def output_for(self, rates: torch.Tensor) -> torch.Tensor:
        """Return the output that gives these rates (> 0): where a model starts from."""
        rates = rates.clamp(min=1e-6)
        if self.name == "exp":
            return rates.log()
        if self.name == "identity":
            return rates
        inverse = torch.where(rates > 20.0, rates, torch.expm1(rates.clamp(max=20.0)).log())
        return inverse - (self.log_scale.detach() if self.name == "scaled_softplus" else 0.0)

    def _shifted(self, output: torch.Tensor) -> torch.Tensor:
        return output + self.log_scale if self.name == "scaled_softplus" else output


def log_softplus(x: torch.Tensor) -> torch.Tensor:
    """Return ln(ln(1 + e^x)): x - e^x / 2 + ... far to the left, where softplus itself underflows; float32 in, out.

    The series is ln(e^x - e^2x / 2 + e^3x / 3 ...) = x + ln(1 - e^x / 2 + ...).
    """
    low = x < SMALL
    # Each branch sees only inputs it can bear: a NaN in the branch not taken would still reach the gradient.
    left = torch.where(low, x, SMALL)
    right = torch.where(low, SMALL, x)
    return torch.where(low, left - 0.5 * left.exp(), functional.softplus(right).log())
