"""Counts withheld from a data set once and for all: of every trial always the same ones, whatever batch it is in."""

from __future__ import annotations

import torch

_MIX = (-0x61C8864680B583EB, -0x40A7B892E31B1A47, -0x6B2FB644ECCEEE15)
"""The three constants of splitmix64 (Steele et al. 2014), as signed numbers."""


def withheld(numbers: torch.Tensor, shape: tuple[int, int], share: float, seed: int) -> torch.Tensor:
    """Return which counts of these trials are withheld, (trials, bins, units) booleans.

    An entry's fate follows from its trial's number, its bin, its unit and the seed alone: it is the same in every
    epoch, on every device, and with other counts.

    Args:
        numbers: (trials,) int64 of each trial.
        shape: bins and units.
        share: of entries, in [0, 1).
        seed: of the choice.

    >>> withheld(torch.tensor([7, 3]), (2, 2), 0.5, seed=0).shape
    torch.Size([2, 2, 2])
    """
    bins, units = shape
    entries = torch.arange(bins * units, device=numbers.device).view(bins, units)
    state = _mixed(numbers + _mixed(torch.tensor(seed, device=numbers.device)))[:, None, None] + entries
    # The upper 24 bits, as float32 holds them.
    return ((_mixed(state) >> 40) & 0xFFFFFF).to(torch.float32) < share * float(1 << 24)


def _mixed(state: torch.Tensor) -> torch.Tensor:
    """Return splitmix64's output at a state: int64 products and sums wrap, as its do."""
    state = state + _MIX[0]
    state = (state ^ _shifted(state, 30)) * _MIX[1]
    state = (state ^ _shifted(state, 27)) * _MIX[2]
    return state ^ _shifted(state, 31)


def _shifted(state: torch.Tensor, by: int) -> torch.Tensor:
    # torch shifts a sign in from the left.
    return (state >> by) & ((1 << (64 - by)) - 1)
