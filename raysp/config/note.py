"""What a fit tells while it goes on, as plain values that pass from process to process."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict

CurveRow = dict[str, float | None]
"""An epoch's row of the training curve: its losses, and live metrics under their own names; see `raysp.runs.curve`."""


class Note(TypedDict, total=False):
    """A phase, a warning, a line for the log alone, or an epoch's row of the curve with what the fit has come to.

    Live metrics of the row stand beside these, under their own names.
    """

    phase: str
    warning: str
    log: str
    epoch: int
    epochs: int
    train_loss: float | None
    validation_loss: float | None
    unseen_loss: float | None
    learning_rate: float | None
    seconds: float | None
    best_loss: float


Report = Callable[[Note], None]
