"""Numbers and lists as a person reads them."""

from __future__ import annotations

from collections.abc import Sequence, Sized


def counted(what: int | Sized, name: str) -> str:
    """Return how many there are of something, e.g. "1 split" or "2 splits".

    Args:
        what: a number, or the things themselves.
        name: of one of them.
    """
    count = what if isinstance(what, int) else len(what)
    return f"{count} {name}{'' if count == 1 else 's'}"


def named(names: Sequence[str], most: int = 4) -> str:
    """Return the first names of a list."""
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
