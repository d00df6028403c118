"""What a fit comes to: candidates of units, which of them was chosen, and why others have none."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class Outcome:
    """Candidates of units; rows of one unit stand together.

    Attributes:
        unit: (rows,) index of the unit.
        candidate: (rows,) number among the unit's.
        theta: (rows, parameters) as in `descent`.
        sigma: (rows,) pA.
        penalty: (rows,) L1 or ridge, as the protocol has it.
        setting: (rows,) learning rate, or what softens the likelihood.
        train_loss: (rows,) as the protocol logs it.
        validation_loss: (rows,) Poisson, per bin.
        validation_evr: (rows,).
        evaluations: (rows,) int64 of loss and gradient.
        epochs: (rows,) int64 of Adam that it took.
        chosen: (rows,) bool, one of each unit that was fitted.
        losses: (rows, epochs) logged losses, NaN where none was taken.
        held_losses: (rows, epochs) likewise of the test sweeps.
    """

    unit: np.ndarray
    candidate: np.ndarray
    theta: np.ndarray
    sigma: np.ndarray
    penalty: np.ndarray
    setting: np.ndarray
    train_loss: np.ndarray
    validation_loss: np.ndarray
    validation_evr: np.ndarray
    evaluations: np.ndarray
    epochs: np.ndarray
    chosen: np.ndarray
    losses: np.ndarray
    held_losses: np.ndarray

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return the arrays as a checkpoint keeps them."""
        return {field.name: torch.from_numpy(getattr(self, field.name)) for field in dataclasses.fields(self)}

    @classmethod
    def of(cls, tensors: dict[str, torch.Tensor]) -> Outcome:
        """Return what `tensors` kept."""
        return cls(**{name: values.numpy() for name, values in tensors.items()})

    @classmethod
    def joined(cls, parts: Iterable[Outcome]) -> Outcome:
        """Return outcomes of several blocks of units as one."""
        found = list(parts)
        return cls(**{
            field.name: np.concatenate([getattr(one, field.name) for one in found]) for field in dataclasses.fields(cls)
        })  # fmt: skip


def best(unit: np.ndarray, value: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Return which rows are chosen, (rows,) bool: of each unit the first of the largest values among the usable.

    A unit whose values are all NaN has the first that is usable.
    """
    chosen = np.zeros(len(unit), bool)
    for one in np.unique(unit[usable]):
        rows = np.flatnonzero((unit == one) & usable)
        chosen[rows[np.argmax(np.where(np.isnan(value[rows]), -np.inf, value[rows]))]] = True
    return chosen
