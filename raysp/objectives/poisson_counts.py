"""From the rate of a Poisson model to spikes: a count for each interval, then places for the count in the interval."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import torch

from raysp.errors import BadInput

How = Literal["round", "floor", "sample"]

MOST_PER_BIN = 255


def decode(rates: torch.Tensor, how: How, generator: torch.Generator | None = None) -> torch.Tensor:
    """Turn expected into whole spikes per interval.

    Args:
        rates: (...,) expected spikes per interval, >= 0.
        how: "round" takes the nearest whole number, of two equally near ones the even; "floor" the next below, which is
            the Poisson distribution's mode; "sample" draws from the Poisson distribution.
        generator: where "sample" draws from, on the rates' device; the others need none.

    Returns:
        (...,) int64 spikes per interval.

    Raises:
        BadInput: a rate is negative or not finite, there is no such way, or "sample" has no generator.
    """
    if how not in get_args(How):
        raise BadInput(f"counts from rates expected one of {', '.join(get_args(How))}, got {how!r}")
    if not (torch.isfinite(rates) & (rates >= 0)).all():
        raise BadInput("counts from rates expected finite rates >= 0, got a negative one, NaN or infinity")
    if how == "round":
        return torch.round(rates).long()
    if how == "floor":
        return torch.floor(rates).long()
    if generator is None:
        raise BadInput("counts from rates expected a seeded generator to sample with, got none")
    # Half precision cannot hold every count.
    return torch.poisson(rates.float(), generator=generator).long()


def place_evenly(counts: np.ndarray, interval: int) -> np.ndarray:
    """Spread the spikes of each interval evenly over its bins.

    Spike j of k (j = 1 to k) falls into bin floor(j interval / (k + 1)): the even placing that the Poisson models of
    Doran et al. 2024 are given. Whole numbers are divided here, so that no spike slips into the bin before.

    Args:
        counts: (...,) whole spikes per interval, >= 0.
        interval: its length, bins.

    Returns:
        (..., interval) uint8 spikes per bin; a bin has more than one where there are more spikes than bins.

    Raises:
        BadInput: the interval has no bin, a count is negative or fractional, or a bin would hold more than 255 spikes.
    """
    if interval < 1:
        raise BadInput(f"interval expected at least 1 bin, got {interval}")
    counts = np.asarray(counts)
    if counts.dtype.kind not in "ui":
        raise BadInput(f"counts expected whole numbers, got {counts.dtype}: decode the rates first")
    counts = counts.astype(np.int64)
    if counts.size and (counts.min() < 0 or counts.max() >= MOST_PER_BIN * interval):
        raise BadInput(
            f"counts expected 0 to {MOST_PER_BIN * interval - 1} spikes in {interval} bins, got "
            f"{counts.min()} to {counts.max()}: the model's rates have left all bounds"
        )
    edges = np.arange(interval + 1)
    # The first j whose place is not before the edge; j = 0 would lie in the first bin and is no spike.
    first = (edges * (counts[..., None] + 1) + interval - 1) // interval
    first[..., 0] = 1
    return np.diff(first, axis=-1).astype(np.uint8)
