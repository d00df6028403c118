"""Which units a person means: numbers and ranges, the first so many, every so many."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from raysp.errors import BadInput


def find_units(
    pattern: str | Sequence[int], there: Sequence[int] | np.ndarray, left_out: Sequence[tuple[int, str]] = ()
) -> tuple[int, ...]:
    """Find the units that a pattern means.

    Args:
        pattern: unit numbers, or text whose items are joined by commas: a number ("56"), a range of numbers of which
            some units must exist ("20-40"), "all", "first 12" (the lowest numbers), or "every 5" (the first unit, the
            sixth, and so on).
        there: the recording's own unit numbers, ascending.
        left_out: (unit number, reason) of the units that filters removed, for the error.

    Returns:
        Unit numbers, ascending.

    Raises:
        BadInput: an item cannot be read, means no unit, or means one that another item meant already.
    """
    units = [int(unit) for unit in there]
    items = pattern.split(",") if isinstance(pattern, str) else pattern
    found = [unit for item in items for unit in _meant(str(item).strip(), units, left_out)]
    if not found:
        raise BadInput(f"units expected at least one, got {pattern!r}; 'all' takes every unit")
    refuse_repeats(found)
    return tuple(sorted(found))


def _meant(item: str, units: list[int], left_out: Sequence[tuple[int, str]]) -> list[int]:
    if item == "all":
        return units
    if match := re.fullmatch(r"(first|every)\s+(\d+)", item):
        count = int(match[2])
        if count < 1 or (match[1] == "first" and count > len(units)):
            raise BadInput(f"units, {item!r} expected a number from 1 to {len(units)}, the units there are")
        return units[:count] if match[1] == "first" else units[::count]
    if match := re.fullmatch(r"(\d+)\s*-\s*(\d+)", item):
        low, high = int(match[1]), int(match[2])
        if not (inside := [unit for unit in units if low <= unit <= high]):
            raise BadInput(f"units, {item!r} expected a range with at least one unit in it, {_there_are(units)}")
        return inside
    if re.fullmatch(r"\d+", item):
        if int(item) not in units:
            raise no_unit(int(item), units, left_out)
        return [int(item)]
    raise BadInput(
        f"units expected numbers and ranges such as '1,5,20-40', or 'all', 'first 12' or 'every 5', got {item!r}"
    )


def no_unit(unit: int, units: Sequence[int] | np.ndarray, left_out: Sequence[tuple[int, str]]) -> BadInput:
    """Return the error for a unit that is not there, with the reason where a filter left it out."""
    reasons = dict(left_out)
    if unit in reasons:
        return BadInput(f"unit {unit} was left out: it {reasons[unit]}; change the recording's filter to keep it")
    nearest = min(units, key=lambda other: abs(int(other) - unit))
    return BadInput(f"unknown unit {unit}: the nearest is {nearest}; {_there_are(units)}")


def _there_are(units: Sequence[int] | np.ndarray) -> str:
    return f"there are {len(units)} units, numbers {units[0]} to {units[-1]}"


def chosen_units(name: str, units: Sequence[int], there: np.ndarray, left_out: Sequence[tuple[int, str]]) -> np.ndarray:
    """Return the units of a selection, int64, ascending.

    Args:
        name: of the split.
        units: the recording's own unit numbers, in any order.
        there: those that there are, ascending.
        left_out: (unit number, reason) of the units that filters removed.

    Raises:
        BadInput: no unit is given, or one that is no whole number, unknown, left out (with the reason) or given twice.
    """
    wanted = [_whole(unit) for unit in units]
    if not wanted:
        raise BadInput(f"{name}: a selection expected at least one unit, got none")
    refuse_repeats(wanted)
    for unit in np.setdiff1d(wanted, there).tolist():
        raise no_unit(unit, there, left_out)
    return np.array(sorted(wanted), dtype=np.int64)


def _whole(unit: object) -> int:
    if isinstance(unit, bool) or not isinstance(unit, int | np.integer):
        raise BadInput(f"units expected whole unit numbers, got {unit!r}; text such as '20-40' is for find_units")
    return int(unit)


def refuse_repeats(units: Sequence[int]) -> None:
    """Raise BadInput where a unit comes twice."""
    twice = [unit for unit, count in Counter(units).items() if count > 1]
    if twice:
        raise BadInput(f"units expected each unit once, got {twice[0]} more than once; name it in one place only")


def spell_units(chosen: Sequence[int] | np.ndarray) -> str:
    """Spell numbers as ranges: [0, 1, 2, 7] becomes "0-2,7"."""
    chosen = np.asarray(chosen)
    runs = np.split(chosen, np.flatnonzero(np.diff(chosen) != 1) + 1)
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)
