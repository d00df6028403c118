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
        fitted: parameters, "" for the score that has none, of which it is about the trials that a model was fitted to,
            so that it says nothing where the model is scored on other data.
        searched: a sweep may take it for its objective, since it is one of the validation part.
    """

    better: Literal["min", "max"]
    printed: tuple[str, ...] = ()
    meaning: str = ""
    searched: bool = False
    ranked: bool = True
    fitted: tuple[str, ...] = ()
