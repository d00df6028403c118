"""One thing that must hold of a model, under a name that a person understands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Check:
    """One thing that must hold of a model.

    Attributes:
        what: it, in words.
        run: called with the model's name; raises where it does not hold.
        hint: what to look at where it does not.
        concerns: tells of a model's class whether it is asked of it.
    """

    what: str
    run: Callable[[str], None]
    hint: str = ""
    concerns: Callable[[type[Any]], bool] = lambda model: True
