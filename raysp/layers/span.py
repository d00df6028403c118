"""Trials padded in time to a length that halves evenly, and which bins of each level are data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch.nn import functional

from raysp.errors import BadInput

Padding = Literal["inside", "zeros", "reflect", "edge"]


@dataclass(frozen=True)
class Span:
    """Where the data lie in a padded trial.

    Attributes:
        bins: of the data.
        left: bins of padding before them.
        right: bins of padding after them.
    """

    bins: int
    left: int
    right: int

    @property
    def total(self) -> int:
        """Bins with padding."""
        return self.bins + self.left + self.right

    def at(self, level: int) -> tuple[int, int]:
        """Return the first data bin, and the one after the last, after `level` halvings n -> (n + 1) / 2.

        A bin of the coarse level is data when the fine bin at its centre is; there is always at least one.
        """
        step = 2**level
        first = -(-self.left // step)
        last = (self.left + self.bins - 1) // step
        middle = min(max((self.left + self.bins // 2) // step, 0), (self.total - 1) // step)
        return (first, last + 1) if first <= last else (middle, middle + 1)


def span_for(bins: int, layers: int) -> Span:
    """Return the span of trials of `bins` bins for `layers` halvings: ceil((T - 1) / 2^L) 2^L + 1 bins in all.

    The shorter half of the padding comes first, as in unet-spikes.
    """
    if layers == 0:
        return Span(bins, 0, 0)
    step = 2**layers
    extra = math.ceil((bins - 1) / step) * step + 1 - bins
    return Span(bins, extra // 2, extra - extra // 2)


def pad(x: torch.Tensor, span: Span, how: Padding) -> torch.Tensor:
    """Pad (trials, bins, channels) in time; "inside" pads zeros, and normalisation then looks inside only."""
    if how in ("inside", "zeros"):
        return functional.pad(x, (0, 0, span.left, span.right))
    mode = "reflect" if how == "reflect" else "replicate"
    return functional.pad(x.transpose(1, 2), (span.left, span.right), mode=mode).transpose(1, 2)


def check_padding(bins: int, layers: int, how: Padding, where: str) -> None:
    """Refuse trials that are too short to be reflected.

    Raises:
        BadInput: a reflection would need more bins than there are.
    """
    span = span_for(bins, layers)
    if how == "reflect" and max(span.left, span.right) >= bins:
        raise BadInput(
            f"{where}: {layers} halvings with reflected padding expected more than {max(span.left, span.right)} bins, "
            f"got {bins}; take fewer layers, or padding inside"
        )
