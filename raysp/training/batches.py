"""What the one loop needs of data; each kind of data has a class of this form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sized
from typing import TYPE_CHECKING, Any, Protocol

import torch

from raysp.training.job import Job

if TYPE_CHECKING:
    from raysp.models.base import Model


class Batches(Protocol):
    """The data of one fit, on the device.

    Attributes:
        size: examples of an epoch: trials, or windows.
        betas: of Adam.
        by_step: a schedule that knows momentum goes on with every optimiser step; else the rate is an epoch's.
        units: numbers of the units that lanes are of, or that one lane serves; empty where a model is of all.
        selected_on: "validation", "eval", or "nothing" where nothing is validated.
    """

    size: int
    betas: tuple[float, float]
    by_step: bool
    units: tuple[int, ...]
    selected_on: str

    def draw(self, generator: torch.Generator, steps: int) -> tuple[torch.Tensor, ...]:
        """Draw one epoch, shared out evenly over so many steps: of each what `batch` takes, each example once."""

    def batch(self, chosen: torch.Tensor, generator: torch.Generator) -> Sized:
        """Return some of them as the model's `loss` takes them, with the generator of its draws."""

    def validation(self) -> Iterable[Sized]:
        """Return what selects the weights, in pieces without a generator; nothing where nothing is validated."""

    def whole(self) -> Iterable[Sized]:
        """Return all that is trained on, in pieces as they are in evaluation."""

    def show(self, model: Model, piece: Any) -> None:
        """Pass a piece of `whole` through a model."""

    def unseen(self, model: Model) -> float | torch.Tensor | None:
        """Return the loss that models are compared by on what validates, see `training.unseen`; None for none.

        Of members of a population side by side, (lanes,) that of each.
        """

    def measured(self, model: Model) -> dict[str, float]:
        """Return the live metrics of what validates; empty where nothing does."""


Learner = Callable[[Job], tuple["Model", Batches]]
"""Gives a new model on the job's device, ready to be trained, and its data: nothing validates where the job follows."""
