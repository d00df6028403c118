"""Repeats of one movie as tensors on one device: what the loss of a model of movies is computed from."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from raysp.data.splits.movie import MovieSplit, Repeats


@dataclass(frozen=True)
class MovieBatch:
    """A movie, and what was recorded in some of its repeats.

    Attributes:
        movie: its place among those that are trained on.
        frames: (frames, y, x) float32.
        spikes: (repeats, frames, units) uint8.
        generator: of what is drawn during training; None in evaluation, where draws come from torch's own stream,
            which is seeded for that.
        among: the spikes of all repeats that these were taken from; None where they were not.
        repeats: their places there.
    """

    movie: int
    frames: torch.Tensor
    spikes: torch.Tensor
    generator: torch.Generator | None = None
    among: torch.Tensor | None = None
    repeats: torch.Tensor | None = None

    @classmethod
    def of(cls, split: MovieSplit, part: tuple[Repeats, ...], device: torch.device | str) -> list[MovieBatch]:
        """Move the repeats of a part of a split to a device, once: all of each movie."""
        given = [(one.movie, torch.as_tensor(split.movies[one.movie]), torch.as_tensor(one.spikes)) for one in part]
        return [cls(movie, frames.to(device), spikes.to(device)) for movie, frames, spikes in given]

    def __len__(self) -> int:
        return len(self.spikes)

    def take(self, repeats: torch.Tensor, generator: torch.Generator | None = None) -> MovieBatch:
        """Return some of the repeats."""
        return MovieBatch(self.movie, self.frames, self.spikes[repeats], generator, self.spikes, repeats)
