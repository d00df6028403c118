"""Names with a star, which stands for a number: "trial_*/spikes", "sig*"."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

STAR = "*"
NUMBER = r"\d+[A-Za-z]?"
"""What a star stands for where any name has it there: a number, and Plexon's letter of a unit after it."""
MOST_STARS = 5
"""Stars of one pattern that are asked for numbers."""


def fitting(pattern: str, names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the names that a pattern means, and those that its star would fit, too, in the order given.

    Where some names have numbers in the star's place, others (unit_total beside unit_1 and unit_2) are not of their
    kind. Where none has, the star stands for anything. Of several stars as many as can be stand for numbers.

    Args:
        pattern: a name with stars.
        names: of arrays, variables or columns.
    """
    parts = list(map(re.escape, pattern.split(STAR)))
    able = [name for name in names if re.fullmatch(".*".join(parts), name)]
    ways = itertools.product((NUMBER, ".*"), repeat=min(len(parts) - 1, MOST_STARS))
    meant: list[str] = []
    for way in sorted(ways, key=lambda one: one.count(".*")):
        fills = [*way, *[".*"] * (len(parts) - 1 - len(way)), ""]
        one = re.compile("".join(part for pair in zip(parts, fills, strict=True) for part in pair))
        if meant := [name for name in able if one.fullmatch(name)]:
            break
    return meant, [name for name in able if name not in set(meant)]


def natural(names: list[str]) -> list[str]:
    """Return names in the order of the numbers in them: trial_2 before trial_10."""
    return sorted(names, key=lambda name: [int(one) if one.isdigit() else one for one in re.split(r"(\d+)", name)])


def numbered(pattern: str, names: list[str]) -> list[int]:
    """Return the numbers that names have in the star's place; nothing where one has none, or two the same.

    Of several stars none alone tells names apart: the 1 of V1/unit_3 is no unit's.
    """
    if pattern.count(STAR) > 1:
        return []
    each = [re.findall(r"\d+", name[pattern.index(STAR) :])[:1] for name in names]
    numbers = [int(one[0]) for one in each if one]
    return numbers if len(set(numbers)) == len(names) else []
