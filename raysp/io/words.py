"""Numbers and lists as a person reads them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence, Sized
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np

LISTED = 5
WARNING = "WARNING: "
"""What a note begins with that nobody may overlook."""

Format = Literal["score", "digits", "count", "short", "brief"]

FORMATS: dict[Format, Callable[[float], str]] = {
    "score": lambda value: ".4f" if abs(value) < 1000 else ".4g",
    "digits": lambda value: f",.{_decimals(value)}f",
    "count": lambda value: ",.0f" if value >= 10 or value == 0 else ".1f",
    "short": lambda value: ".4g",
    "brief": lambda value: ".3g",
}


def number(value: float | None, how: Format = "score", *, signed: bool = False) -> str:
    """Spell a number, alike wherever a person reads it: with a true minus sign, without a sign where it is zero.

    Args:
        value: None or one that is not finite is "undefined" as a score, a dash otherwise.
        how: "score" has four decimals; "digits" three digits that matter and three decimals at most; "count", of a mean
            number of things, is whole where it is large and has one decimal where that says something; "short" has
            four digits that matter, "brief" three.
        signed: put a plus before what is greater than zero.
    """
    if value is None or not math.isfinite(value):
        return "undefined" if how == "score" else "–"
    text = f"{value:{'+' if signed else ''}{FORMATS[how](value)}}"
    return text.lstrip("+-") if float(text.replace(",", "")) == 0 else text.replace("-", "−")


def setting(value: object) -> str:
    """Spell a setting as a person writes it in YAML, numbers with four digits and a true minus sign."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return number(value, "short")
    return ", ".join(map(setting, value)) if isinstance(value, list | tuple) else str(value)


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


def listed(ids: Sequence[object] | np.ndarray) -> str:
    """Return numbers or names as a list in words, shortened after the first five: "3, 7 and 9"."""
    words = [str(one) for one in ids]
    if (more := len(words) - LISTED) > 0:
        return f"{', '.join(words[:LISTED])} and {more} more"
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _decimals(value: float) -> int:
    # Counted after rounding, so that 0.9996 is 1.00 and not 1.000.
    size = abs(float(f"{value:.3g}"))
    return 3 if size < 1 else 2 if size < 10 else 1 if size < 100 else 0
