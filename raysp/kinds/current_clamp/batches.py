"""Currents as batches: what the one loop needs to fit a network of cells, and the rates that a model predicts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from raysp.data.splits.current_clamp import CurrentClampSplit
from raysp.data.splits.currents import Currents
from raysp.errors import present
from raysp.kinds.current_clamp.repeats import LOG_EPS, validated
from raysp.training.randomness import looking

if TYPE_CHECKING:
    from raysp.models.base import Model, RunningFreely

LOOK = 64
"""Currents at a time where nothing is trained; changes memory, not results."""


class CurrentBatches:
    """Currents on the device, see `raysp.training.batches`.

    Args:
        split: the recording; its test part is not touched.
        device: where.
        seed: of what is drawn in evaluation.
        whole: train on the validation part too, and validate on nothing.
    """

    betas, by_step = (0.9, 0.999), False
    units: tuple[int, ...] = ()

    def __init__(self, split: CurrentClampSplit, device: torch.device, seed: int, *, whole: bool = False) -> None:
        self._split, self._device, self._seed = split, device, seed
        self.train = Currents.of(split, ("train", "validation") if whole else ("train",)).to(device)
        self.held = None if whole else Currents.of(split, ("validation",)).to(device)
        self.size, self.selected_on = len(self.train), "nothing" if whole else "validation"

    def draw(self, generator: torch.Generator, steps: int) -> tuple[torch.Tensor, ...]:
        """Return all training currents in a random order, on the device."""
        return torch.randperm(self.size, generator=generator).to(self._device).tensor_split(steps)

    def batch(self, chosen: torch.Tensor, generator: torch.Generator) -> Currents:
        """Return some training currents."""
        return self.train.take(chosen, generator)

    def validation(self) -> Iterator[Currents]:
        """Yield the currents of the validation part."""
        return _pieces(present(self.held))

    def whole(self) -> Iterator[Currents]:
        """Yield the training currents."""
        return _pieces(self.train)

    def show(self, model: Model, piece: Currents) -> None:
        """Let a model predict."""
        predicted(model, piece)

    def unseen(self, model: Model) -> float | None:
        """Return the Poisson loss per bin of the validation part, mean over units; None where nothing validates."""
        if self.held is None:
            return None
        losses, bins = (torch.zeros(self._split.sizes.units, dtype=torch.float64) for _ in range(2))
        with looking(model, self._device, self._seed):
            for piece in self.validation():
                expected = predicted(model, piece).double() * self._split.sizes.bin_ms
                entries = (expected - piece.counts * (expected + LOG_EPS).log()) * piece.repeats
                losses.index_add_(0, piece.unit.cpu(), entries.sum(dim=1).cpu())
                bins.index_add_(0, piece.unit.cpu(), piece.repeats.double().sum(dim=1).cpu())
        return (losses[bins > 0] / bins[bins > 0]).mean().item()

    def measured(self, model: Model) -> dict[str, float]:
        """Return the explained-variance ratio of the validation part, mean over units."""
        if self.held is None:
            return {}
        found = validated(model, self._split, rates_of(model, self._split, self._device, self._seed))
        return {name: value for name, value in found.items() if name != "unseen_loss"}


def predicted(model: Model, batch: Currents) -> torch.Tensor:
    """Return (currents, bins) spikes/ms that a model which gradient descent fits predicts, from currents alone."""
    return cast("RunningFreely", model).predict(batch.inputs())


def rates_of(model: Model, split: CurrentClampSplit, device: torch.device, seed: int = 0) -> np.ndarray:
    """Return the rates that a model predicts for all currents of a split, (bins of all currents,) float64 spikes/ms.

    Args:
        model: that fits itself, or that gradient descent fits, on the device.
        split: the recording.
        device: where the model is.
        seed: of what the model draws, if it draws.
    """
    if hasattr(model, "fit"):
        return model.rates(split)
    lengths, found = np.diff(split.current_ptr), np.empty(len(split.current))
    with looking(model, device, seed):
        for places in _alike(lengths):
            shown = Currents.injected(split, places, lengths[places]).to(device)
            for place, rates in zip(places, predicted(model, shown).double().cpu().numpy(), strict=True):
                first, last = split.current_ptr[place : place + 2]
                found[first:last] = rates[: last - first]
    return found


def _alike(lengths: np.ndarray) -> list[np.ndarray]:
    """Return places in pieces of about one length, so that little is padding."""
    order = np.argsort(lengths, kind="stable")
    return [order[first : first + LOOK] for first in range(0, len(order), LOOK)]


def _pieces(currents: Currents) -> Iterator[Currents]:
    for places in _alike(currents.bins.cpu().numpy()):
        yield currents.take(torch.from_numpy(places).to(currents.bins.device))
