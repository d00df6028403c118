"""Repeats of movies in batches, as the one loop takes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from raysp.data.splits.movie import MovieSplit, Repeats
from raysp.data.splits.movie_batch import MovieBatch
from raysp.kinds.movie.forecast import clamped_nats
from raysp.kinds.movie.validated import validated

if TYPE_CHECKING:
    from raysp.models.base import Model
    from raysp.models.movie_model import MovieModel


LEAST = 2
"""Repeats of a batch, where its movie has so many: what each has of its own shows beside another."""


class RepeatBatches:
    """Repeats on the device, see `raysp.training.batches`; those of one batch are all of one movie.

    Args:
        split: the movies; the test part is not touched.
        device: where.
        seed: of what is drawn in evaluation.
        whole: train on the validation repeats too, and validate on nothing.
    """

    betas, by_step = (0.9, 0.999), False
    units: tuple[int, ...] = ()

    def __init__(self, split: MovieSplit, device: torch.device, seed: int, *, whole: bool = False) -> None:
        self._split, self._device, self._seed = split, device, seed
        self.train = MovieBatch.of(split, joined(split) if whole else split.train, device)
        self.held = [] if whole else MovieBatch.of(split, split.validation, device)
        self.selected_on = "nothing" if whole else "validation"
        self._starts = np.cumsum([0, *map(len, self.train)])
        self.size = int(self._starts[-1])

    def draw(self, generator: torch.Generator, steps: int) -> tuple[torch.Tensor, ...]:
        """Return every training repeat once: each movie's in a random order, shared out over its part of the steps."""
        found = []
        for start, one in zip(self._starts.tolist(), self.train, strict=False):
            pieces = min(max(round(steps * len(one) / self.size), 1), max(len(one) // LEAST, 1))
            found += list((start + torch.randperm(len(one), generator=generator)).tensor_split(pieces))
        order = torch.randperm(len(found), generator=generator) if len(self.train) > 1 else torch.arange(len(found))
        return tuple(found[place] for place in order.tolist())

    def batch(self, chosen: torch.Tensor, generator: torch.Generator) -> MovieBatch:
        """Return repeats of one movie."""
        movie = int(np.searchsorted(self._starts, chosen[0].item(), side="right")) - 1
        return self.train[movie].take((chosen - int(self._starts[movie])).to(self._device), generator)

    def validation(self) -> Iterator[MovieBatch]:
        """Yield the validation repeats of each movie."""
        yield from self.held

    def whole(self) -> Iterator[MovieBatch]:
        """Yield the training repeats of each movie."""
        yield from self.train

    def show(self, model: Model, piece: MovieBatch) -> None:
        """Let a model say what it expects one bin ahead."""
        cast("MovieModel", model).clamped(piece.frames, piece.spikes.float(), piece.movie)

    def unseen(self, model: Model) -> float | None:
        """Return the nats per bin of the validation repeats, one bin ahead; None where nothing validates."""
        return clamped_nats(model, self._split, self._split.validation, self._device) if self.held else None

    def measured(self, model: Model) -> dict[str, float]:
        """Return what free runs come to beside the validation repeats."""
        return validated(model, self._split, self._device, self._seed) if self.held else {}


def joined(split: MovieSplit) -> tuple[Repeats, ...]:
    """Return the training repeats of each movie with those that validate."""
    aside = {one.movie: one for one in split.validation}
    return tuple(one.joined(aside[one.movie]) if one.movie in aside else one for one in split.train)
