"""What is dropped or hidden at a share of each lane's own: drawn once for all lanes, so that none knows of another."""

from __future__ import annotations

import torch

STEPS = 1 << 16
"""Shares are rounded to this part of one."""


def drawn(shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    """Draw an int16 for each entry, all of them as likely: four from every random number of 64 bits."""
    count = torch.Size(shape).numel()
    found = torch.empty((count + 3) // 4, dtype=torch.int64, device=generator.device)
    found.random_(-(2**63), None, generator=generator)
    return found.view(torch.int16)[:count].view(shape)


def kept(draws: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    """Return which entries stay in each lane, booleans (lanes, ...).

    Args:
        draws: (...) of `drawn`.
        shares: (lanes,) of what is dropped, in [0, 1).
    """
    return draws >= (_steps(shares) - STEPS // 2).view(-1, *[1] * draws.ndim)


def kept_scale(draws: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    """Return what entries are multiplied with, (lanes, ...): 0 where dropped, else one by the share that stays."""
    scale = STEPS / (STEPS - _steps(shares)).to(shares.dtype)
    return kept(draws, shares) * scale.view(-1, *[1] * draws.ndim)


def _steps(shares: torch.Tensor) -> torch.Tensor:
    # At most all but one: a share just below one would else divide by nothing.
    return (shares * STEPS).round().clamp(max=STEPS - 1).to(torch.int32)
