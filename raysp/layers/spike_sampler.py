"""Recurrent networks of stochastic binary neurons, run freely or with some neurons' spikes given (Bellec et al. 2021).

A neuron's input at a frame is its drive, and what the spikes of the frames before add to it. It remembers nothing else.
Gradients go back through all frames and through the samples. Single precision on a CPU runs compiled, all else by
torch's operations; the numbers are the same.
"""

from __future__ import annotations

import torch

from raysp.errors import expect
from raysp.layers.spike_fused import FusedRun
from raysp.layers.spike_rule import Sampling, spikes

Run = tuple[torch.Tensor, torch.Tensor]
"""Spikes (trials, frames, sampled neurons), 0 or 1, and voltages v (trials, frames, neurons)."""


def free_run(
    drive: torch.Tensor, couplings: torch.Tensor, uniforms: torch.Tensor, start: torch.Tensor, rule: Sampling
) -> Run:
    """Return what neurons do that hear their own spikes alone.

    Args:
        drive: (frames, neurons), the same in all trials.
        couplings: (post, pre, lags), lag 1 first.
        uniforms: (trials, frames, neurons) numbers in [0, 1), one for each sample.
        start: (trials, lags, neurons) spikes before the first frame, 0 or 1, the newest last.
        rule: when neurons spike.

    Returns:
        Spikes and voltages, (trials, frames, neurons) each.

    >>> silence = torch.zeros(1, 1, 1)
    >>> spikes, voltages = free_run(torch.full((3, 1), 0.4), -2 * torch.ones(1, 1, 1), torch.full((1, 3, 1), 0.4),
    ...                             silence, Sampling())
    >>> spikes.flatten().tolist(), voltages.flatten().tolist()
    ([1.0, 0.0, 1.0], [0.0, -5.0, 0.0])
    """
    return clamped_run(drive, couplings, uniforms[..., :0], uniforms, start, rule)


def clamped_run(
    drive: torch.Tensor, couplings: torch.Tensor, recorded: torch.Tensor, uniforms: torch.Tensor, start: torch.Tensor,
    rule: Sampling,
) -> Run:  # fmt: skip
    """Return what hidden neurons do, and all neurons' voltages, where the spikes of the first ones are given.

    Args:
        drive: (frames, neurons), the same in all trials.
        couplings: (post, pre, lags), lag 1 first.
        recorded: (trials, frames, visible) spikes of the first neurons, 0 or 1; they get no gradient.
        uniforms: (trials, frames, hidden) numbers in [0, 1), one for each sample.
        start: (trials, lags, neurons) spikes before the first frame, 0 or 1, the newest last.
        rule: when neurons spike.

    Returns:
        Spikes (trials, frames, hidden) and voltages (trials, frames, neurons).

    Raises:
        BadInput: shapes do not fit.
    """
    frames, neurons = drive.shape
    trials, lags, visible = len(uniforms), couplings.shape[2], recorded.shape[2]
    _of_shape("couplings", couplings, (neurons, neurons, lags))
    _of_shape("uniforms", uniforms, (trials, frames, neurons - visible))
    _of_shape("recorded", recorded, (trials, frames, visible))
    _of_shape("start", start, (trials, lags, neurons))
    if drive.device.type == "cpu" and drive.dtype == torch.float32:
        return FusedRun.apply(drive, couplings, recorded, uniforms, start, rule)
    if visible == neurons:
        return uniforms.to(drive.dtype), _given(drive, couplings, recorded, start, rule)
    return _by_frames(drive, couplings, recorded, uniforms, start, rule)


def _of_shape(name: str, values: torch.Tensor, shape: tuple[int, ...]) -> None:
    expect(tuple(values.shape) == shape, f"a run expected {name} of shape {shape}, got {tuple(values.shape)}")


def _given(
    drive: torch.Tensor, couplings: torch.Tensor, recorded: torch.Tensor, start: torch.Tensor, rule: Sampling
) -> torch.Tensor:
    """Return voltages where all spikes are given: no frame waits for the one before."""
    lags = couplings.shape[2]
    past = torch.cat([start, recorded], dim=1)[:, :-1].to(drive.dtype).unfold(1, lags, 1)
    heard = past.flatten(2) @ couplings.flip(2).flatten(1).T
    return (drive + heard - rule.threshold) / rule.threshold


def _by_frames(
    drive: torch.Tensor, couplings: torch.Tensor, recorded: torch.Tensor, uniforms: torch.Tensor, start: torch.Tensor,
    rule: Sampling,
) -> Run:  # fmt: skip
    """Go frame by frame in torch's operations, which all devices know."""
    weights, visible = couplings.permute(2, 1, 0).flatten(0, 1), recorded.shape[2]
    past = [*start.to(drive.dtype).flip(1).unbind(1)]
    sampled, voltages = [], []
    for t, now in enumerate(drive):
        inputs = now + torch.cat(past, dim=1) @ weights
        voltages.append((inputs - rule.threshold) / rule.threshold)
        sampled.append(spikes(voltages[-1][:, visible:], uniforms[:, t], rule))
        past = [torch.cat([recorded[:, t].to(drive.dtype), sampled[-1]], dim=1), *past[:-1]]
    return torch.stack(sampled, dim=1), torch.stack(voltages, dim=1)
