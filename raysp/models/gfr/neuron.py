"""The generalised firing rate neuron as a torch module: a layer of networks, and the compiled kernels' yardstick."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import nn

from raysp.models.gfr.parameters import Parameters

PARAMETERS = ("alpha", "beta", "poly", "threshold", "gamma", "bent")


class Neurons(nn.Module):
    """Neurons that run side by side, each driven by a current of its own; the parameters may be trained further.

    Args:
        parameters: of the neurons.
        dtype: of weights and rates.
        trained: which parameters gradient descent may change; others are buffers.
    """

    alpha: torch.Tensor
    beta: torch.Tensor
    poly: torch.Tensor
    threshold: torch.Tensor
    gamma: torch.Tensor
    bent: torch.Tensor
    sigma: torch.Tensor
    decay: torch.Tensor
    bend: torch.Tensor
    bent_decay: torch.Tensor

    def __init__(
        self, parameters: Parameters, dtype: torch.dtype = torch.float64, trained: Collection[str] = PARAMETERS
    ) -> None:
        super().__init__()
        for name in (*PARAMETERS, "sigma", "decay", "bend", "bent_decay"):
            values = torch.tensor(getattr(parameters, name), dtype=dtype)
            if name in trained:
                self.register_parameter(name, nn.Parameter(values))
            else:
                self.register_buffer(name, values)
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
