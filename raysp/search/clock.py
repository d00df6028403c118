"""The wall time that a sweep has taken, over all commands that worked on it."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from raysp.config import settings
from raysp.io import files


class Clock:
    """Wall time that a sweep has taken, over all commands that worked on it; kept in a file.

    Args:
        path: where.
        minutes: the budget; None for none.
        within: files of clocks that run while this one does; where its own was written last before a kill, they know.
        anew: what was taken before does not count.
    """

    def __init__(self, path: str, minutes: float | None, within: Sequence[str] = (), *, anew: bool = False) -> None:
        self._path, self._minutes = path, minutes
        self._before = 0.0 if anew else max(map(_seconds, (path, *within)))
        self._started, self._written = time.monotonic(), 0.0

    @property
    def seconds(self) -> float:
        """Seconds so far."""
        return self._before + time.monotonic() - self._started

    @property
    def left(self) -> float:
        """Seconds that are left of the budget; infinite without one."""
        return math.inf if self._minutes is None else 60 * self._minutes - self.seconds

    def late(self) -> bool:
        """Tell whether the budget is used up."""
        return self.left <= 0

    def passed(self) -> float:
        """Return the share of the budget that is used up, 0 without one."""
        return 0.0 if self._minutes is None else min(self.seconds / (60 * self._minutes), 1.0)

    def save(self, every_s: float = 0.0) -> None:
        """Write the seconds, unless that was done less than `every_s` ago."""
        if time.monotonic() - self._written >= every_s:
            self._written = time.monotonic()
            files.write_json(self._path, {"seconds": round(self.seconds, 1)})


def _seconds(path: str) -> float:
    found = files.read_object(path).get("seconds") if files.exists(path) else 0.0
    return settings.coerce(float, found, f"{path}, seconds")
