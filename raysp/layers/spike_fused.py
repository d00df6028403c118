"""A run of stochastic binary neurons on a CPU: forward compiled, and a backward of its own."""

from __future__ import annotations

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from raysp.config.gradient import Context
from raysp.layers.spike_kernels import backward, products, run
from raysp.layers.spike_rule import Sampling


class FusedRun(torch.autograd.Function):
    """Spikes of the last neurons and voltages of all, where the spikes of the first ones are given."""

    @staticmethod
    def forward(
        ctx: Context[Sampling], drive: torch.Tensor, couplings: torch.Tensor, recorded: torch.Tensor,
        uniforms: torch.Tensor, start: torch.Tensor, rule: Sampling,
    ) -> tuple[torch.Tensor, torch.Tensor]:  # fmt: skip
        """Arguments as of `spike_sampler.clamped_run`, in single precision."""
        (trials, frames, given), (neurons, _, lags) = recorded.shape, couplings.shape
        reach = couplings.permute(1, 2, 0).flatten(1).contiguous()
        spikes = torch.zeros(trials, lags + frames, neurons, dtype=torch.uint8)
        spikes[:, :lags] = start
        spikes[:, lags:, :given] = recorded
        around = drive.new_zeros(trials, lags + frames + lags, neurons)
        voltages = around[:, lags : lags + frames]
        voltages[:] = drive
        threshold, temperature = np.float32(rule.threshold), np.float32(rule.temperature)
        run(_array(reach), _array(uniforms), threshold, temperature, spikes.numpy(), _flat(around))
        ctx.save_for_backward(reach, spikes, voltages)
        ctx.kept = rule
        return spikes[:, lags:, given:].to(drive.dtype), voltages

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Context[Sampling], to_spikes: torch.Tensor, to_voltages: torch.Tensor
    ) -> tuple[torch.Tensor | None, ...]:
        """Return the gradients in the drive and in the couplings."""
        reach, spikes, voltages = ctx.saved_tensors
        (trials, frames, neurons), rule, scale = voltages.shape, ctx.kept, 1 / ctx.kept.threshold
        lags = spikes.shape[1] - frames
        around = to_voltages.new_zeros(trials, lags + frames + lags, neurons)
        gradient = around[:, lags : lags + frames]
        gradient[:] = to_voltages
        slopes = rule.slope(voltages[..., neurons - to_spikes.shape[2] :])
        backward(_array(reach), _array(slopes), _array(to_spikes), np.float32(scale), _flat(around))
        into = torch.zeros_like(reach)
        if ctx.needs_input_grad[1]:
            products(spikes.numpy(), _flat(around), into.numpy())
        to_couplings = into.view(neurons, lags, neurons).permute(2, 0, 1) * scale
        return gradient.sum(dim=0) * scale, to_couplings, None, None, None, None


def _array(values: torch.Tensor) -> np.ndarray:
    return np.ascontiguousarray(values.detach().numpy())


def _flat(frames: torch.Tensor) -> np.ndarray:
    """Return the numbers of each trial's frames one after another, without a copy."""
    return frames.detach().flatten(1).numpy()
