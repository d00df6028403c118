"""Whether a model fits the memory it would be trained in, before it is made."""

from __future__ import annotations

import torch
from torch import nn

from raysp.errors import BadInput
from raysp.io import machine

COPIES = 4
"""Of each weight: itself, its gradient, and Adam's two moments."""


def check_fits(paper: nn.Module, device: torch.device, where: str, times: int = 1) -> None:
    """Refuse a model whose weights alone, with gradients and moments, are more than the device has.

    Args:
        paper: the model on torch's meta device, where weights take no memory.
        device: where it is to be trained.
        where: the beginning of the error's sentence.
        times: models of these weights that are trained side by side.

    Raises:
        BadInput: there is too little memory.
    """
    total = _total(device)
    needed = times * COPIES * sum(weight.numel() * weight.element_size() for weight in paper.parameters())
    if needed > total:
        raise BadInput(
            f"{where}: its weights, gradients and the optimiser's moments need {needed / 1e9:.1f} GB, {device} has "
            f"{total / 1e9:.1f} GB; take fewer "
            f"{'lanes, ' if times > 1 else ''}latents, channels or units"
        )


def _total(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[1]
    return machine.memory()
