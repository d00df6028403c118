"""A recurrent layer of neurons over a whole sequence: forward compiled, and a backward of its own, for CPUs."""

from __future__ import annotations

import numpy as np
import torch

from raysp.config.gradient import Context
from raysp.models.gfr.neuron import Neurons
from raysp.models.gfr_network.kernels import backward, forward


def run(heard: torch.Tensor, weight: torch.Tensor, neurons: Neurons) -> torch.Tensor:
    """Return the rates of neurons that hear an input and each other, (steps, samples, neurons).

    Args:
        heard: (steps, samples, neurons) the drive that comes from outside.
        weight: (neurons, neurons) what each hears of the others.
        neurons: on the CPU, without bent inputs; see `Neurons`.
    """
    terms = len(neurons.decay)
    alpha, beta = neurons.alpha / terms, neurons.beta * (neurons.feedback / terms)
    threshold, poly = neurons.threshold, neurons.poly.square()
    fixed = (neurons.decay, 1 / neurons.sigma, neurons.gamma.detach())
    return _Layer.apply(heard, weight, alpha, beta, threshold, poly, fixed)


class _Layer(torch.autograd.Function):
    """The layer with its gradient in the drive, the weights and the neurons' gains and activations."""

    @staticmethod
    def forward(
        ctx: Context[None], heard: torch.Tensor, weight: torch.Tensor, alpha: torch.Tensor, beta: torch.Tensor,
        threshold: torch.Tensor, poly: torch.Tensor, fixed: tuple[torch.Tensor, ...],
    ) -> torch.Tensor:  # fmt: skip
        """Arguments as of `run`; gains (neurons, terms), coefficients (neurons, degree + 1)."""
        steps, samples, count = heard.shape
        gains = [_array(one.T) for one in (alpha, beta)]
        decay, scale, gamma = map(_array, fixed)
        bend, shape = _array(poly.T), _array(threshold)
        drives, rates, inners = (torch.empty_like(heard, memory_format=torch.contiguous_format) for _ in range(3))
        state, scratch = np.zeros((samples, len(decay), count), gamma.dtype), np.empty(count, gamma.dtype)
        before, turned = heard.new_zeros(samples, count), weight.T
        for t in range(steps):
            torch.addmm(heard[t], before, turned, out=drives[t])
            forward(
                drives[t].numpy(), before.numpy(), decay, gains[0], gains[1], shape, scale, gamma, bend, state, scratch,
                rates[t].numpy(), inners[t].numpy(),
            )  # fmt: skip
            before = rates[t]
        ctx.save_for_backward(weight, alpha, beta, poly, drives, rates, inners, *fixed)
        return rates

    @staticmethod
    def backward(ctx: Context[None], given: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Return the gradients, None for what is fixed."""
        weight, alpha, beta, poly, drives, rates, inners, *fixed = ctx.saved_tensors
        steps, samples, count = drives.shape
        gains = [_array(one.T) for one in (alpha, beta)]
        decay, scale, gamma = map(_array, fixed)
        bend, terms, kind = _array(poly.T), len(decay), gamma.dtype
        state, scratch = np.zeros((samples, terms, count), kind), np.empty((2, count), kind)
        into = np.zeros((2 * terms + len(bend), count), kind)
        to_drives, own, silent = torch.empty_like(drives), torch.zeros_like(drives[0]), torch.zeros_like(drives[0])
        to_rate = given[-1].contiguous()
        for t in range(steps - 1, -1, -1):
            before = rates[t - 1] if t else silent
            backward(
                to_rate.numpy(), drives[t].numpy(), before.numpy(), rates[t].numpy(), inners[t].numpy(), decay,
                gains[0], gains[1], scale, gamma, bend, state, scratch, to_drives[t].numpy(), own.numpy(), into,
            )  # fmt: skip
            if t:
                to_rate = torch.addmm(own, to_drives[t], weight).add_(given[t - 1])
        to_weight = to_drives[1:].flatten(0, 1).T @ rates[:-1].flatten(0, 1)
        found = torch.from_numpy(into)
        to_alpha, to_beta, to_poly = found[:terms].T, found[terms : 2 * terms].T, found[2 * terms :].T
        powers = torch.arange(1, len(bend), dtype=poly.dtype)
        to_threshold = -fixed[1] * (powers * poly[:, 1:] * to_poly[:, :-1]).sum(dim=1)
        return to_drives, to_weight, to_alpha, to_beta, to_threshold, to_poly, None


def _array(values: torch.Tensor) -> np.ndarray:
    return np.ascontiguousarray(values.detach().numpy())
