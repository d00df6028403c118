"""What stands in the place of hidden counts in a model's input; never anything of the hidden counts themselves."""

from __future__ import annotations

from typing import Literal

import torch

Fill = Literal["zero", "mean", "nearest", "linear", "random", "token"]


def fill(
    counts: torch.Tensor,
    hidden: torch.Tensor,
    how: Fill,
    means: torch.Tensor,
    generator: torch.Generator | None = None,
    token: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the counts with hidden entries replaced; visible entries stay as they are.

    Args:
        counts: (trials, bins, units) spikes per bin; NaN only where hidden.
        hidden: the same shape, True where the count must not be seen.
        how: "zero"; "mean" of the unit's visible bins in the trial; "nearest" visible bin of the unit (the earlier
            one of two as near); "linear" between the visible bins around; "random", a count drawn from the Poisson law
            of the unit's mean; "token", a learned value per unit. Where a unit has no visible bin in the trial,
            the training mean.
        means: (units,) mean counts of the training trials, for what the trial itself cannot say.
        generator: of "random"; without one (in evaluation) it fills the mean.
        token: (units,) of "token".
    """
    if how == "zero":
        return torch.where(hidden, 0.0, counts)
    return torch.where(hidden, _values(counts, hidden, how, means, generator, token), counts)


def _values(
    counts: torch.Tensor, hidden: torch.Tensor, how: Fill, means: torch.Tensor, generator: torch.Generator | None,
    token: torch.Tensor | None,
) -> torch.Tensor:  # fmt: skip
    if token is not None and how == "token":
        return token.to(counts.dtype).expand_as(counts)
    if how == "random":
        whole = means.to(counts.dtype).expand_as(counts)
        return whole if generator is None else torch.poisson(whole, generator=generator)
    shown = counts.masked_fill(hidden, 0.0)
    if how == "mean":
        seen = (~hidden).sum(dim=1, keepdim=True)
        return torch.where(seen > 0, shown.sum(dim=1, keepdim=True) / seen.clamp(min=1), means.to(counts.dtype))
    left, right = neighbours(hidden)
    return _between(shown, left, right, means, linear=how == "linear")


def neighbours(hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the nearest visible bin at or before each bin, and at or after it.

    Args:
        hidden: (trials, bins, units) booleans.

    Returns:
        Two (trials, bins, units) indices of bins; -1 where none is before, the number of bins where none is after.
    """
    bins = hidden.shape[1]
    index = torch.arange(bins, device=hidden.device)[None, :, None]
    left = torch.where(hidden, -1, index).cummax(dim=1).values
    right = torch.where(hidden, bins, index).flip(1).cummin(dim=1).values.flip(1)
    return left, right


def _between(
    shown: torch.Tensor, left: torch.Tensor, right: torch.Tensor, means: torch.Tensor, *, linear: bool
) -> torch.Tensor:
    bins = shown.shape[1]
    index = torch.arange(bins, device=shown.device)[None, :, None]
    none_left, none_right = left < 0, right >= bins
    one = shown.gather(1, left.clamp(min=0))
    two = shown.gather(1, right.clamp(max=bins - 1))
    if linear:
        weight = (index - left).to(shown.dtype) / (right - left).clamp(min=1).to(shown.dtype)
        inside = one + weight * (two - one)
    else:
        inside = torch.where(index - left <= right - index, one, two)
    found = torch.where(none_left, two, torch.where(none_right, one, inside))
    return torch.where(none_left & none_right, means.to(shown.dtype), found)
