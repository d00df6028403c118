"""The generalised firing rate neuron as a torch module: a layer of networks, and the compiled kernels' yardstick."""

from __future__ import annotations

import torch
from torch import nn

from raysp.models.gfr.parameters import Parameters


class Neurons(nn.Module):
    """Neurons that run side by side, each driven by a current of its own; the parameters may be trained further.

    Args:
        parameters: of the neurons.
        dtype: of weights and rates.
    """

    alpha: nn.Parameter
    beta: nn.Parameter
    poly: nn.Parameter
    threshold: nn.Parameter
    gamma: nn.Parameter
    bent: nn.Parameter
    sigma: torch.Tensor
    decay: torch.Tensor
    bend: torch.Tensor
    bent_decay: torch.Tensor

    def __init__(self, parameters: Parameters, dtype: torch.dtype = torch.float64) -> None:
        super().__init__()
        for name in ("alpha", "beta", "poly", "threshold", "gamma", "bent"):
            self.register_parameter(name, nn.Parameter(torch.tensor(getattr(parameters, name), dtype=dtype)))
        for name in ("sigma", "decay", "bend", "bent_decay"):
            self.register_buffer(name, torch.tensor(getattr(parameters, name), dtype=dtype))
        self.feedback = parameters.feedback

    def activation(self, drive: torch.Tensor) -> torch.Tensor:
        """Return the rate, spikes/ms, at a drive of (..., neurons) pA."""
        x = (drive - self.threshold) / self.sigma
        inner = torch.zeros_like(x)
        for root in self.poly.T.flip(0):
            inner = inner * x + root**2
        return self.gamma * torch.relu(torch.tanh(inner))

    def step(self, current: torch.Tensor, rate: torch.Tensor, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return rate and state after a bin.

        Args:
            current: (..., neurons) pA.
            rate: (..., neurons) of the bin before, spikes/ms.
            state: (..., neurons, terms and bent inputs) of the filters.
        """
        terms = len(self.decay)
        now, bent = current[..., None], state[..., terms:]
        state = self.decay * state[..., :terms] + self.alpha * now + self.feedback * self.beta * rate[..., None]
        bent = self.bent_decay * bent + self.bent * torch.relu(now - self.bend)
        drive = state.mean(-1) + bent.sum(-1) / terms
        return self.activation(drive), torch.cat([state, bent], -1)

    def forward(self, current: torch.Tensor) -> torch.Tensor:
        """Return rates, spikes/ms, of (bins, ..., neurons) currents in pA; every neuron hears its own rate alone."""
        rate = torch.zeros_like(current[0])
        inputs = len(self.decay) + len(self.bent_decay)
        state = torch.zeros((*current.shape[1:], inputs), dtype=current.dtype, device=current.device)
        rates = []
        for one in current:
            rate, state = self.step(one, rate, state)
            rates.append(rate)
        return torch.stack(rates)
