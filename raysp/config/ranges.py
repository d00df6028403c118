"""Ranges of settings: those outside are refused in the same words everywhere; one that is None is not set."""

from __future__ import annotations

import math
from typing import Any

from raysp.errors import BadInput


def at_least(given: Any, where: str, **least: float) -> None:
    """Refuse settings below a bound.

    Args:
        given: what has them as attributes.
        where: what they belong to, for the error, e.g. "model sae".
        least: name -> bound.

    Raises:
        BadInput: which one, and what it may be.
    """
    for name, bound in least.items():
        if (value := getattr(given, name)) is not None and not bound <= value < math.inf:
            raise BadInput(f"{where}, {name} expected at least {bound}, got {value}")


def above_zero(given: Any, where: str, *names: str) -> None:
    """Refuse settings that are no finite number above zero. Arguments and errors as of `at_least`."""
    for name in names:
        if (value := getattr(given, name)) is not None and not 0 < value < math.inf:
            raise BadInput(f"{where}, {name} expected a number > 0, got {value}")


def shares(given: Any, where: str, *names: str, up_to_one: bool = False) -> None:
    """Refuse settings outside [0, 1), or with `up_to_one` [0, 1]. Arguments and errors as of `at_least`."""
    for name in names:
        if not (0 <= (value := getattr(given, name)) < 1 or (up_to_one and value == 1)):
            raise BadInput(f"{where}, {name} expected a share in [0, 1{']' if up_to_one else ')'}, got {value}")


def between_zero_and_one(given: Any, where: str, *names: str) -> None:
    """Refuse settings outside (0, 1). Arguments and errors as of `at_least`."""
    for name in names:
        if not 0 < (value := getattr(given, name)) < 1:
            raise BadInput(f"{where}, {name} expected a number between 0 and 1, got {value}")
