"""Some labelled sequences as tensors on one device: what a classifier's loss is computed from."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from raysp.data.splits.labelled_sequences import Labelled


@dataclass(frozen=True)
class LabelledBatch:
    """Some samples.

    Attributes:
        sequences: (samples, steps, features) float32.
        labels: (samples,) int64.
        generator: of what is drawn during training; None in evaluation, where nothing may be drawn.
    """

    sequences: torch.Tensor
    labels: torch.Tensor
    generator: torch.Generator | None = None

    @classmethod
    def of(cls, part: Labelled, device: torch.device | str) -> LabelledBatch:
        """Move a part of a split to a device, once."""
        return cls(torch.as_tensor(part.sequences).to(device), torch.as_tensor(part.labels).to(device))

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: torch.Tensor | slice, generator: torch.Generator | None = None) -> LabelledBatch:
        """Return the given samples, gathered on the device."""
        return LabelledBatch(self.sequences[rows], self.labels[rows], generator)
