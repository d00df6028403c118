"""A choice of trials as tensors on one device: what a model's loss and predictions are computed from."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from raysp.data.splits.population import TrialArrays

TENSORS = ("heldin", "heldout", "heldin_forward", "heldout_forward", "rates")


@dataclass(frozen=True)
class Batch:
    """Counts of some trials, float32, NaN where unobserved. Absent arrays are None.

    Attributes:
        heldin: (trials, bins, heldin) counts.
        heldout: (trials, bins, heldout) counts; None where a model must predict them.
        heldin_forward: (trials, forward, heldin) counts.
        heldout_forward: (trials, forward, heldout) counts.
        rates: (trials, bins + forward, units) true expected spikes per bin, where truth is known.
        condition: (trials,) index of the trial's condition, -1 for none; of training trials only.
        number: (trials,) of each trial within the part that it was taken from.
        generator: draws of masks and augmentation during training; None in evaluation, where nothing may be drawn.
    """

    heldin: torch.Tensor
    heldout: torch.Tensor | None = None
    heldin_forward: torch.Tensor | None = None
    heldout_forward: torch.Tensor | None = None
    rates: torch.Tensor | None = None
    condition: torch.Tensor | None = None
    number: torch.Tensor | None = None
    generator: torch.Generator | None = None

    def __len__(self) -> int:
        return len(self.heldin)

    def take(self, rows: torch.Tensor | slice, generator: torch.Generator | None = None) -> Batch:
        """Return the given trials, gathered on the device."""
        there = {
            name: value for name in (*TENSORS, "condition", "number") if (value := getattr(self, name)) is not None
        }
        # Rows in one piece are copied several times faster than what may be any index.
        tensors = {k: v[rows] if isinstance(rows, slice) else v.index_select(0, rows) for k, v in there.items()}
        return Batch(**tensors, generator=generator)

    def inputs(self) -> Batch:
        """Return what a model may see of evaluation trials: held-in counts (and truth, which only ceilings read)."""
        return Batch(heldin=self.heldin, rates=self.rates)

    def whole(self) -> torch.Tensor:
        """Return all that is known as (trials, bins [+ forward], heldin [+ heldout]) counts, NaN where not.

        Held-out columns and forward bins are appended where the batch has them.
        """
        observed = _beside(self.heldin, self.heldout)
        if self.heldin_forward is None:
            return observed
        forward = _beside(self.heldin_forward, self.heldout_forward if self.heldout is not None else None)
        if forward.shape[2] != observed.shape[2]:
            gap = observed.shape[2] - forward.shape[2]
            forward = torch.nn.functional.pad(forward, (0, gap), value=float("nan"))
        return torch.cat([observed, forward], dim=1)


def to_device(trials: TrialArrays, device: torch.device | str) -> Batch:
    """Move one part of a split to a device, once."""
    arrays = trials.arrays()
    found = {name: torch.as_tensor(arrays[name], dtype=torch.float32).to(device) for name in TENSORS if name in arrays}
    if trials.condition is not None:
        found["condition"] = torch.as_tensor(trials.condition, dtype=torch.int64).to(device)
    found["number"] = torch.arange(len(trials), device=device)
    return Batch(**found, generator=None)


def complete(counts: torch.Tensor) -> bool:
    """Return whether no entry is NaN, in one pass; False on a GPU, which would have to be waited for."""
    return counts.device.type == "cpu" and not bool(counts.sum().isnan())


def _beside(left: torch.Tensor, right: torch.Tensor | None) -> torch.Tensor:
    return left if right is None else torch.cat([left, right], dim=2)
