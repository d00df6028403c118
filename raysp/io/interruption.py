"""SIGTERM and SIGHUP taken for a Ctrl-C, so that what a command holds is saved and what it started ends with it."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

TAKEN = (signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def taken_for_ctrl_c(*, from_others: bool = False) -> Iterator[None]:
    """Turn a signal that asks this process to end into a KeyboardInterrupt, which carries its number, for the block.

    A signal that whoever started this process had ignored (nohup) stays so.

    Args:
        from_others: also where a library has set a handler of its own; by default that one stays.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in TAKEN}

    def interrupt(number: int, frame: FrameType | None) -> None:
        # Once: a second one would disturb what saves the state.
        for each in TAKEN:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt(number)

    for number, handler in before.items():
        if handler is signal.SIG_DFL or (from_others and handler is not signal.SIG_IGN):
            signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def exit_status(error: KeyboardInterrupt) -> int:
    """Return a process's exit status for an interruption, as shells have it: 130 for Ctrl-C, 143 for SIGTERM."""
    number = error.args[0] if error.args and isinstance(error.args[0], int) else signal.SIGINT
    return 128 + int(number)
