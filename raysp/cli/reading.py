"""What a person sees while a large file is read: how much of it, and how long the rest may take."""

from __future__ import annotations

import os
import time

from rich.console import Console, Group
from rich.text import Text

from raysp.driver.progress import LINE_EVERY_S, Display, clock


class Reading(Display):
    """The share of a file that has been read. A table is read more than once, each time from its begin.

    Args:
        console: see `Display`.
    """

    def __init__(self, console: Console | None = None) -> None:
        super().__init__("reading", console)
        self._path, self._done, self._total, self._times, self._since = "", 0, 1, 0, 0.0
        # What is over before that is no news.
        self._next = time.monotonic() + LINE_EVERY_S / 3

    def told(self, path: str, done: int, total: int) -> None:
        """Show how far a file is; see `raysp.io.reading`."""
        if path != self._path or done < self._done or not self._times:
            self._times = self._times + 1 if path == self._path else 1
            self._since = time.monotonic()
        self._path, self._done, self._total = path, done, max(total, 1)
        self._show()

    def _summary(self) -> str:
        share, seconds = self._done / self._total, time.monotonic() - self._since
        again = f", time {self._times}" if self._times > 1 else ""
        left = f", about {clock(seconds * (1 - share) / share)} left" if 0.02 < share < 1 and seconds else ""
        return f"reading {os.path.basename(self._path)}{again}: {share:.0%} · {clock(seconds)}{left}"

    def _picture(self) -> Group:
        return Group(Text(self._summary()))

    def _last(self) -> list[str]:
        return []
