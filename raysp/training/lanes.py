"""Lanes of one model, independent copies of its weights: what training does with each by itself."""

from __future__ import annotations

import dataclasses
import functools

import torch
from torch import nn

from raysp.errors import BadInput
from raysp.training.job import Job

OWN = ("learning_rate", "weight_decay")
"""Training settings that lanes may each have a value of their own of."""


def check_lanes(model: nn.Module, job: Job) -> None:
    """Raise BadInput where a model's lanes and the training settings of each do not go together."""
    lanes, training = getattr(model, "lanes", None), job.training
    if job.lanes and len(job.lanes) != lanes:
        raise BadInput(f"lanes expected training settings for each of {lanes or 'no'} lanes, got {len(job.lanes)}")
    own = {name: getattr(training, name) for name in OWN}
    if any(dataclasses.replace(one, **own) != training for one in job.lanes):
        raise BadInput(f"lanes expected training settings that differ in {' and '.join(OWN)} alone")
    if lanes is not None and training.schedule == "plateau":
        raise BadInput(
            "training.schedule expected constant, cosine or one_cycle, got 'plateau': the rate of every lane would "
            "follow the mean loss of all"
        )


def clip_lanes(grads: list[torch.Tensor], largest: float) -> None:
    """Clip gradients in place, each lane's by its own norm over all of them."""
    norm = functools.reduce(torch.add, [grad.flatten(1).square().sum(dim=1) for grad in grads]).sqrt()
    factor = (largest / (norm + 1e-6)).clamp(max=1.0)
    for grad in grads:
        grad.mul_(in_front(factor, grad))


def by_lane(losses: torch.Tensor) -> torch.Tensor:
    """Return (lanes,) losses on the CPU, of (lanes,) or (lanes, units)."""
    losses = losses.cpu()
    return losses.mean(dim=1) if losses.ndim == 2 else losses


def in_front(lanes: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Return something of each lane, (lanes,), in a shape that goes with values that have the lanes in front."""
    return lanes.view(-1, *[1] * (values.ndim - 1))
