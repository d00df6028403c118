"""How long a trial of a sweep may take, and what happens when its time is over."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

from raysp.config.note import Note
from raysp.errors import BadInput, Interrupted


@dataclass(frozen=True)
class Limits:
    """How long a trial may take.

    Attributes:
        seconds: of training, earlier attempts included, after which it ends as if its epochs were over; a model that
            fits itself fails. Unlike all else here, this changes what a trial comes to, and its record says so.
        until: the moment, seconds since 1970, at which it stops with its state saved, to go on another time.
    """

    seconds: float = math.inf
    until: float = math.inf


class Meter:
    """The time of one trial.

    Args:
        limits: of it.
        alone: whether its model fits itself, so that its training cannot end early.
    """

    def __init__(self, limits: Limits, *, alone: bool) -> None:
        self._limits, self._alone, self._started, self._took = limits, alone, time.monotonic(), 0.0

    def note(self, note: Note) -> None:
        """Take note of the seconds of training, earlier attempts included."""
        self._took = note.get("seconds") or self._took

    @property
    def over(self) -> bool:
        """Whether training has taken all the time that it has."""
        return self._took > self._limits.seconds

    def keep_going(self) -> bool:
        """Tell whether the trial goes on now."""
        if self._alone and time.monotonic() - self._started > self._limits.seconds:
            return False
        return time.time() < self._limits.until

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Turn what stops the block into a failure where the trial's time is over, and not just the sweep's."""
        try:
            yield
        except Interrupted:
            if time.time() < self._limits.until:
                raise BadInput(f"it took more than the {self._limits.seconds:.0f} s that a trial has here") from None
            raise
