"""What a model's loss is, for the one loop that trains them all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from raysp.errors import BadInput, expect


@dataclass(frozen=True)
class Loss:
    """The loss of one batch.

    Attributes:
        total: scalar, whose gradient is followed. Of several lanes the sum, so that none's weights know of another's.
        each: (lanes,) the mean of each lane, or (lanes, units) where a lane serves several units that share it.
        known: how many entries the means are of; None where every batch of so many examples has as many.
        parts: scalars by name, or (lanes,), that the total is made of, whatever their weights: those of what validates
            stand in the curve, as "validation <name> loss".
    """

    total: torch.Tensor
    each: torch.Tensor
    known: torch.Tensor | None = None
    parts: Mapping[str, torch.Tensor] = field(default_factory=dict)

    @staticmethod
    def mean(total: torch.Tensor, known: torch.Tensor) -> Loss:
        """Return the mean of so many known entries whose sum is given; 0 where there are none."""
        found = total / known.clamp(min=1)
        return Loss(found, found[None], known)


def checked(found: object, where: str = "loss(batch)") -> Loss:
    """Return what a model gave as the loss of a batch. Raises BadInput where it is none."""
    total = getattr(found, "total", found)
    if not isinstance(found, Loss) or not isinstance(total, torch.Tensor):
        raise BadInput(f"{where} expected a raysp.objectives.loss.Loss with a total, got {type(total).__name__}")
    right = not total.ndim and total.is_floating_point()
    expect(right, f"{where} expected one number as its total, got {tuple(total.shape)} of {total.dtype}")
    each = tuple(getattr(found.each, "shape", ()))
    expect(each, f"{where} expected as its each the mean of each lane, of shape (1,) without lanes, got {found.each}")
    return found
