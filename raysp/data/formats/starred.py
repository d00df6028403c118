"""Names with a star, which stands for a number: "trial_*/spikes", "sig*"."""

from __future__ import annotations

import re
from collections.abc import Iterable

STAR = "*"
NUMBER = r"\d+[A-Za-z]?"
"""What a star stands for where any name has it there: a number, and Plexon's letter of a unit after it."""


def fitting(pattern: str, names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the names that a pattern means, and those that its star would fit, too, in the order given.

    Where some names have numbers in the star's place, others (unit_total beside unit_1 and unit_2) are not of their
    kind. Where none has, the star stands for anything.

    Args:
        pattern: a name with stars.
        names: of arrays, variables or columns.
    """
    parts = list(map(re.escape, pattern.split(STAR)))
    able = [name for name in names if re.fullmatch(".*".join(parts), name)]
    meant = [name for name in able if re.fullmatch(NUMBER.join(parts), name)] or able
    return meant, [name for name in able if name not in set(meant)]
