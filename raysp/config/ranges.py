"""Ranges of settings, as parts of their types: what is outside is refused in the same words everywhere."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar

from annotated_types import Ge, Gt, Le, Lt, MinLen

from raysp.errors import BadInput

T = TypeVar("T")
Natural = Annotated[int, Ge(0)]
Count = Annotated[int, Ge(1)]
NonNegative = Annotated[float, Ge(0)]
Positive = Annotated[float, Gt(0)]
Share = Annotated[float, Ge(0), Lt(1)]
"""Of what is never all: of units that are dropped, say."""
Chance = Annotated[float, Ge(0), Le(1)]
Between = Annotated[float, Gt(0), Lt(1)]
Several = Annotated[tuple[T, ...], MinLen(1)]

HOLDS: dict[str, Callable[[Any, Any], bool]] = {
    "ge": operator.ge,
    "gt": operator.gt,
    "le": operator.le,
    "lt": operator.lt,
    "min_length": lambda value, least: len(value) >= least,
}
WORDS = {
    "ge": "at least",
    "gt": "a number >",
    "le": "at most",
    "lt": "a number <",
    "min_length": "a count of values of at least",
}
SHORTER: dict[tuple[tuple[str, float], ...], str] = {
    (("ge", 0), ("lt", 1)): "a share in [0, 1)",
    (("ge", 0), ("le", 1)): "a share in [0, 1]",
    (("gt", 0), ("lt", 1)): "a number between 0 and 1",
    (("min_length", 1),): "one or more values",
}


def words(limits: Iterable[object]) -> str:
    """Say what a value may be; empty where nothing is said.

    Args:
        limits: of annotated_types, as they stand in an `Annotated` type.

    >>> words([Ge(1)])
    'at least 1'
    """
    ends = _ends(limits)
    return SHORTER.get(tuple(ends.items())) or " and ".join(f"{WORDS[name]} {end}" for name, end in ends.items())


def refuse_outside(limits: Iterable[object], value: object, where: str) -> None:
    """Raise BadInput where a value is outside limits, those of `words`; `where` begins the sentence."""
    if not all(HOLDS[name](value, end) for name, end in _ends(limits).items()):
        raise BadInput(f"{where} expected {words(limits)}, got {value}")


def _ends(limits: Iterable[object]) -> dict[str, float]:
    limits = tuple(limits)
    found = {name: getattr(one, name, None) for name in HOLDS for one in limits if hasattr(one, name)}
    return {name: end for name, end in found.items() if end is not None}
