"""Figures of many splits, drawn side by side by the processes of a session of Ray, with word of how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable

from raysp.io.words import counted
from raysp.runs.jobs import Call, Jobs

EVERY_S = 5.0


def side_by_side(say: Callable[[str], None]) -> Jobs:
    """Return what draws side by side.

    Args:
        say: prints one line for a person, every few seconds.
    """

    def draw(function: str, calls: list[Call]) -> list[object]:
        from raysp.cluster.jobs import jobs

        done, told = 0, time.monotonic()

        def on_done(place: int, found: object) -> None:
            nonlocal done, told
            done += 1
            if time.monotonic() - told > EVERY_S:
                told = time.monotonic()
                say(f"  {done} of {counted(calls, 'split')} drawn")

        return jobs(function, calls, on_done=on_done)

    return draw
