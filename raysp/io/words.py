"""Numbers and lists as a person reads them."""

from __future__ import annotations

from collections.abc import Sequence, Sized

import numpy as np

LISTED = 5


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


def listed(ids: Sequence[int] | np.ndarray) -> str:
    """Return numbers as a list in words, shortened after the first five: "3, 7 and 9"."""
    words = [str(one) for one in ids]
    if (more := len(words) - LISTED) > 0:
        return f"{', '.join(words[:LISTED])} and {more} more"
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
