"""What a model is judged by: which of its values is the best, who shows it, and whether a search may look for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Metric:
    """A number that a model is judged by.

    Attributes:
        better: whether the lowest or the highest is the best.
        printed: parameters of which the terminal's table has a column, "" for the score that has none, "*" for each.
        meaning: what it says, for a page.
        ranked: False where neither more nor less of it is better.
        searched: a sweep may take it for its objective, since it is one of the validation part.
    """

    better: Literal["min", "max"]
    printed: tuple[str, ...] = ()
    meaning: str = ""
    searched: bool = False
    ranked: bool = True
