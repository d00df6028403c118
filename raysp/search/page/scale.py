"""Axes of settings: numbers on the scale they were searched on, choices as named places."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from raysp.io.words import setting
from raysp.search.page.view import View
from raysp.search.space import Entry

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LONGEST = 14
BAND, GOLDEN = 0.5, 0.6180339887
"""Width of a category, and what spreads any number of candidates over it evenly."""


@dataclass(frozen=True)
class Scale:
    """The axis of one setting.

    Attributes:
        entry: its range.
        low, high: what the axis spans; wider than the range where the experiment's own value lies outside.
        places: of a choice: its values in words, in their order.
    """

    entry: Entry
    low: float
    high: float
    places: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The setting's name without the part it belongs to."""
        return self.entry.name.partition(".")[2]

    def at(self, value: Any, number: int | None = None) -> float | None:
        """Return where a value lies on the axis; None where it has no place there (null, or zero on a log axis).

        Args:
            value: of the setting.
            number: of its candidate: those of one category then lie side by side, each always at the same place.
        """
        if self.places:
            aside = 0.0 if number is None else BAND * ((number * GOLDEN) % 1 - 0.5)
            return self.places.index(setting(value)) + aside
        if isinstance(value, bool) or not isinstance(value, int | float) or (self.entry.log and value <= 0):
            return None
        return float(value)

    def share(self, value: Any, number: int | None = None) -> float:
        """Return where a value lies between the axis's ends, 0 to 1; NaN where it has no place. See `at`."""
        where = self.at(value, number)
        if where is None:
            return math.nan
        if self.places:
            return (where + 0.5) / len(self.places)
        low, high = self.low, self.high
        if self.entry.log:
            where, low, high = math.log(where), math.log(low), math.log(high)
        return (where - low) / (high - low) if high > low else 0.5

    def apply(self, axes: Axes) -> None:
        """Make an x axis this one."""
        axes.set_xlabel(self.label.replace("_", " "))
        if self.places:
            axes.set_xlim(-0.5, len(self.places) - 0.5)
            shown = [short(place) for place in self.places]
            slanted = sum(map(len, shown)) > 20
            axes.set_xticks(
                range(len(shown)), shown, rotation=30 if slanted else 0, ha="right" if slanted else "center"
            )
            return
        if self.entry.log:
            axes.set_xscale("log")
            factor = (self.high / self.low) ** 0.05
            axes.set_xlim(self.low / factor, self.high * factor)
            _few_log_ticks(axes, self.low, self.high)
        else:
            pad = 0.05 * (self.high - self.low)
            axes.set_xlim(self.low - pad, self.high + pad)
            axes.locator_params(axis="x", nbins=4, integer=self.entry.kind == "int")


def scales(seen: View) -> list[Scale]:
    """Return the axes of the settings that a search chose; coupled ones follow others and have none."""
    chosen = list(seen.settings.values())
    return [_scale(entry, [one[entry.name] for one in chosen if entry.name in one]) for entry in _free(seen)]


def coupled(seen: View) -> str:
    """Return the caption's sentence on coupled settings."""
    space = seen.result.study.definition.space
    same = [entry for entry in space.entries if entry.kind == "same"]
    if not same:
        return ""
    words = [f"{e.name} is {e.same}" + (f" × {e.times:g}" if e.times != 1 else "") for e in same]
    return f" Coupled, not drawn: {', '.join(words)}."


def unplaced(seen: View, found: Sequence[Scale]) -> str:
    """Return the caption's sentence on defaults that have no place on their axis."""
    number = seen.defaults
    if number is None:
        return ""
    mine: Mapping[str, Any] = seen.settings[number]
    lost = [s for s in found if s.entry.name in mine and s.at(mine[s.entry.name]) is None]
    words = ", ".join(f"{one.label} = {setting(mine[one.entry.name])}" for one in lost)
    return f" The defaults have no place on these axes: {words}." if lost else ""


def short(text: str) -> str:
    """Cut a tick's text where it is long."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _free(seen: View) -> tuple[Entry, ...]:
    return seen.result.study.definition.space.free


def _scale(entry: Entry, values: list[Any]) -> Scale:
    if not entry.numeric:
        places = dict.fromkeys(setting(value) for value in (*entry.choices, *values))
        return Scale(entry, 0.0, len(places) - 1.0, tuple(places))
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool) and (v > 0 or not entry.log)]
    return Scale(entry, float(min([entry.low, *numbers])), float(max([entry.high, *numbers])))


def _few_log_ticks(axes: Axes, low: float, high: float) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    axes.xaxis.set_major_locator(FixedLocator(log_ticks(low, high)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())


def log_ticks(low: float, high: float) -> list[float]:
    """Return two to five round numbers between two ends, for an axis with logarithmic scale."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    inside = [10.0**k for k in range(first, last + 1) if low <= 10.0**k * 1.0000001 and 10.0**k <= high * 1.0000001]
    if len(inside) > 4:
        return inside[:: -(-len(inside) // 4)]
    if len(inside) > 1:
        return inside
    steps = [m * 10.0**k for k in range(first, last + 1) for m in (1, 2, 5)]
    return [value for value in steps if low <= value <= high] or [low, high]
