"""The wall time that a sweep has taken, over all commands that worked on it."""

from __future__ import annotations

import time

from raysp.config import settings
from raysp.io import files


class Clock:
    """Wall time that a sweep has taken, over all commands that worked on it; kept in a file.

    Args:
        path: where.
        minutes: the budget; None for none.
    """

    def __init__(self, path: str, minutes: float | None) -> None:
        self._path, self._minutes = path, minutes
        before = files.read_object(path).get("seconds") if files.exists(path) else 0.0
        self._before = settings.coerce(float, before, f"{path}, seconds")
        self._started, self._written = time.monotonic(), 0.0

    @property
    def seconds(self) -> float:
        """Seconds so far."""
        return self._before + time.monotonic() - self._started

    def late(self) -> bool:
        """Tell whether the budget is used up."""
        return self._minutes is not None and self.seconds >= 60 * self._minutes

    def save(self, every_s: float = 0.0) -> None:
        """Write the seconds, unless that was done less than `every_s` ago."""
        if time.monotonic() - self._written >= every_s:
            self._written = time.monotonic()
            files.write_json(self._path, {"seconds": round(self.seconds, 1)})
