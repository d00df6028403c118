"""Injected currents as tensors on one device, with what cells answered: what a network of them is fitted to."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from raysp.data.splits.current_clamp import CurrentClampSplit

ARRAYS = ("unit", "bins", "current", "counts", "repeats")


@dataclass(frozen=True)
class Currents:
    """Some currents, each once whatever its repeats: a model runs freely, and its rate is the same in all of them.

    Attributes:
        unit: (currents,) int64 index of the unit that it was injected into.
        bins: (currents,) int64 its bins; those after them are padding.
        current: (currents, bins of the longest) float32 pA, 0 in padding.
        counts: likewise, mean spikes per bin over repeats; 0 where there is none.
        repeats: likewise, how many repeats that is the mean of; 0 where a bin is run through and not scored.
        generator: of draws in training; None in evaluation, where nothing may be drawn.
    """

    unit: torch.Tensor
    bins: torch.Tensor
    current: torch.Tensor
    counts: torch.Tensor
    repeats: torch.Tensor
    generator: torch.Generator | None = None

    @classmethod
    def injected(cls, split: CurrentClampSplit, indices: np.ndarray, bins: np.ndarray) -> Currents:
        """Return distinct currents from their begin on, without what was answered.

        Args:
            split: the recording.
            indices: (currents,) of the distinct currents.
            bins: (currents,) how many of each.
        """
        owner = np.zeros(len(split.current_ptr) - 1, np.int64)
        owner[split.sweep_current] = split.sweep_unit
        current = np.zeros((len(indices), bins.max(initial=0)), np.float32)
        for row, (first, count) in enumerate(zip(split.current_ptr[indices], bins, strict=True)):
            current[row, :count] = split.current[first : first + count]
        unit, length, there = map(torch.from_numpy, (owner[indices], bins.astype(np.int64), current))
        return cls(unit, length, there, torch.zeros_like(there), torch.zeros_like(there))

    @classmethod
    def of(cls, split: CurrentClampSplit, parts: tuple[str, ...]) -> Currents:
        """Return what parts of a split score: each current from its begin to where the last of them ends.

        Args:
            split: the recording.
            parts: "train", "validation", "test".
        """
        edges = [split.edges(part) for part in parts]
        ends = np.max([np.where(last > first, last, 0) for first, last in edges], axis=0)
        indices, place = np.unique(split.sweep_current[ends > 0], return_inverse=True)
        bins = np.zeros(len(indices), np.int64)
        np.maximum.at(bins, place, ends[ends > 0])
        found = cls.injected(split, indices, bins)
        for row, sweep in zip(place.tolist(), np.flatnonzero(ends > 0).tolist(), strict=True):
            counts = torch.from_numpy(split.counts_of(sweep).astype(np.float32))
            for first, last in edges:
                scored = slice(int(first[sweep]), int(last[sweep]))
                found.counts[row, scored] += counts[scored]
                found.repeats[row, scored] += 1
        return replace(found, counts=found.counts / found.repeats.clamp(min=1))

    def __len__(self) -> int:
        return len(self.unit)

    def to(self, device: torch.device | str) -> Currents:
        """Move them to a device."""
        return Currents(**{name: getattr(self, name).to(device) for name in ARRAYS})

    def take(self, rows: torch.Tensor, generator: torch.Generator | None = None) -> Currents:
        """Return some of them, no longer than the longest of those."""
        longest = int(self.bins[rows].max())
        tensors = {name: getattr(self, name)[rows] for name in ARRAYS}
        cut = {name: one[:, :longest] if one.ndim == 2 else one for name, one in tensors.items()}
        return Currents(**cut, generator=generator)

    def inputs(self) -> Currents:
        """Return what a model may see when it predicts: currents, and nothing of what was answered."""
        return replace(self, counts=torch.zeros_like(self.counts), repeats=torch.zeros_like(self.repeats))
