"""How far a long reading is, told to whoever listens: what reads files knows of no terminal."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Callable, Iterator

Listener = Callable[[str, int, int], None]
"""What is told a file's path, and how many of how many bytes, or rows, of it have been read."""

_listener: contextvars.ContextVar[Listener | None] = contextvars.ContextVar("listener", default=None)


@contextlib.contextmanager
def heard(listener: Listener) -> Iterator[None]:
    """Let a listener be told how far readings are, in this block."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def tell(path: str, done: int, total: int) -> None:
    """Tell the listener, if there is one, how far the reading of a file is."""
    if (listener := _listener.get()) is not None:
        listener(path, done, total)
