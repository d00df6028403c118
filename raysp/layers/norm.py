"""Normalisation over trials and bins that does not look at padding."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn
from torch.nn import functional

from raysp.errors import present

NormName = Literal["batch", "layer", "none"]


class Norm(nn.Module):
    """Batch or layer normalisation of (trials, bins, channels).

    Args:
        name: "batch" (Ioffe & Szegedy 2015) over trials and bins, "layer" (Ba et al. 2016) over channels, or "none".
        channels: of the input.
        inside: take and normalise data bins alone, and leave zeros elsewhere; else padding counts as data.
        rectified: ReLU after it.
    """

    def __init__(self, name: NormName, channels: int, *, inside: bool, rectified: bool = False) -> None:
        super().__init__()
        self.inside, self.rectified = inside, rectified
        kinds = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}
        self.norm = kinds[name](channels) if name != "none" else nn.Identity()

    def forward(self, x: torch.Tensor, data: tuple[int, int]) -> torch.Tensor:
        """Normalise; `data` is the first data bin and the one after the last."""
        first, end = data if self.inside else (0, x.shape[1])
        found = self._normalised(x[:, first:end])
        return functional.pad(found, (0, 0, first, x.shape[1] - end)) if end - first < x.shape[1] else found

    def _normalised(self, x: torch.Tensor) -> torch.Tensor:
        # The rectifier works in place, and before any change of shape: autograd copies what is changed through a view.
        if isinstance(self.norm, nn.Identity):
            return torch.relu(x) if self.rectified else x
        rectify = torch.relu_ if self.rectified else nn.Identity()
        if not isinstance(self.norm, nn.BatchNorm1d):
            return rectify(self.norm(x))
        if self.training and x.shape[0] * x.shape[1] == 1:
            # One number has no spread to divide by: what was seen so far must do.
            return rectify(_as_seen(self.norm, x))
        return rectify(self.norm(x.reshape(-1, x.shape[2]))).view(x.shape)


def _as_seen(norm: nn.BatchNorm1d, x: torch.Tensor) -> torch.Tensor:
    spread = (present(norm.running_var) + norm.eps).sqrt()
    return (x - present(norm.running_mean)) / spread * norm.weight + norm.bias
