"""Recordings become splits side by side, in a session of Ray that is there already."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from raysp.config.experiment import Recording
from raysp.driver.progress import clock
from raysp.errors import BadInput, NotReady
from raysp.io import files

EVERY_S = 15.0
Refusals = list[tuple[str, BadInput | NotReady | None]]


def prepare(
    groups: Sequence[Sequence[Recording]], root: str, say: Callable[[str], None], *, force: bool = False
) -> Refusals:
    """Prepare recordings, each group of them by itself; return by the groups' names what was refused, None for none.

    Args:
        groups: of recordings that are prepared together.
        root: the data root.
        say: prints one line for a person, of each group.
        force: prepare also what is up to date.
    """
    from raysp.cluster.jobs import jobs

    called = [", ".join(one.name for one in group) for group in groups]
    left, started, told = dict(enumerate(called)), time.monotonic(), time.monotonic()

    def on_done(place: int, refusal: object) -> None:
        say(f"  {'refused' if refusal else 'prepared'} {left.pop(place)}")

    def on_wait() -> None:
        nonlocal told
        if (now := time.monotonic()) - told > EVERY_S:
            told = now
            say(f"  still preparing {'; '.join(left.values())} · {clock(now - started)}")

    refusals = jobs(
        "raysp.data.sources.prepare.try_prepare",
        [((group, files.absolute(root)), {"force": force}) for group in groups],
        on_done=on_done,
        on_wait=on_wait,
    )
    return list(zip(called, refusals, strict=True))
