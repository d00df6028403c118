"""A study as points to draw: its trials, its candidates' means, a range that shows most of them, axes of settings."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from raysp.config.settings import Plain
from raysp.io.words import setting
from raysp.report.style import Look
from raysp.search.objective import best_first
from raysp.search.outcome import State
from raysp.search.result import Result
from raysp.search.space import Entry, Values
from raysp.search.study import Definition
from raysp.search.table import varied

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WINNER, DEFAULTS, FAILED = "#D1362F", "#222222", "#B3261E"

STEEP, FAR = 20.0, 3.0
"""A quantile so many times farther from the best than the one before it has left the bulk; how far the range goes."""

LONGEST = 14
"""Characters of a tick's text."""
BAND, GOLDEN = 0.5, 0.6180339887
"""Width of a category, and what spreads any number of candidates over it evenly."""


@dataclass(frozen=True)
class Dot:
    """One trial. `value` is None where it has none; `final` tells whether its seed is one of the final's."""

    candidate: int
    seed: int
    value: float | None
    state: State
    final: bool


@dataclass(frozen=True)
class View:
    """One objective of a study, ready to draw.

    Attributes:
        result: the study.
        objective: its name.
        dots: all trials that were started.
        means: candidate -> mean over seeds, of those that are done or were stopped.
        settings: candidate -> setting -> value, inactive ones left out.
        low, high: the range that is drawn; values beyond it are marked at its edge.
    """

    result: Result
    objective: str
    dots: tuple[Dot, ...]
    means: Mapping[int, float]
    settings: Mapping[int, Values]
    low: float
    high: float

    @property
    def definition(self) -> Definition:
        """What was searched."""
        return self.result.study.definition

    @property
    def better(self) -> str:
        """Which way is better, in words."""
        return "lower is better" if best_first(self.objective) > 0 else "higher is better"

    @property
    def defaults(self) -> int | None:
        """The candidate with the experiment's own settings."""
        return next((c.number for c in self.result.candidates if c.source == "defaults"), None)

    @property
    def states(self) -> list[State]:
        """The candidates' states."""
        return [score.state for score in self.result.scores.values()]

    @property
    def own(self) -> list[tuple[Dot, float]]:
        """The trials of the search itself that have a value, and that."""
        return [(dot, dot.value) for dot in self.dots if dot.value is not None and not dot.final]

    @property
    def clipped(self) -> int:
        """How many trials lie beyond the range."""
        return sum(dot.value is not None and self.beyond(dot.value) for dot in self.dots)

    def beyond(self, value: float) -> bool:
        """Tell whether a value lies beyond the range."""
        return not self.low <= value <= self.high

    def shown(self, value: float) -> float:
        """Return where a value is drawn."""
        return min(max(value, self.low), self.high)

    def running_best(self) -> list[tuple[int, float]]:
        """Return (candidate, best mean so far) of the candidates whose seeds all ended by themselves."""
        done = [number for number in sorted(self.means) if self.result.scores[number].state == "done"]
        best = min if best_first(self.objective) > 0 else max
        return list(zip(done, itertools.accumulate((self.means[number] for number in done), best), strict=True))


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

    def at(self, value: Plain, number: int | None = None) -> float | None:
        """Return where a value lies on the axis; None where it has no place there (null, or zero on a log axis).

        Args:
            value: of the setting.
            number: of its candidate: those of one category then lie side by side, each always at the same place.
        """
        if self.places:
            aside = 0.0 if number is None else BAND * ((number * GOLDEN) % 1 - 0.5)
            return self.places.index(setting(value)) + aside
        return float(value) if _placed(value, self.entry) else None

    def share(self, value: Plain, number: int | None = None) -> float:
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
            slanted: Look = {"rotation": 30, "ha": "right"} if sum(map(len, shown)) > 20 else {}
            axes.set_xticks(range(len(shown)), shown, **slanted)
        elif self.entry.log:
            axes.set_xscale("log")
            factor = (self.high / self.low) ** 0.05
            axes.set_xlim(self.low / factor, self.high * factor)
            ticks = log_ticks(self.low, self.high)
            axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            axes.minorticks_off()
        else:
            pad = 0.05 * (self.high - self.low)
            axes.set_xlim(self.low - pad, self.high + pad)
            axes.locator_params(axis="x", nbins=4, integer=self.entry.kind == "int")


def view(result: Result, objective: str | None = None) -> View:
    """Return a study's view of an objective; None takes the first."""
    name = objective or result.study.definition.objectives[0]
    own = result.study.definition.seeds
    dots = tuple(
        Dot(number, seed, one.values.get(name), one.state, seed not in own)
        for (number, seed), one in result.outcomes.items()
        if one.state != "waiting"
    )
    ended = {n: s for n, s in result.scores.items() if s.state in ("done", "stopped")}
    means = {n: score.values[name] for n, score in ended.items() if name in score.values}
    settings = {candidate.number: varied(result, candidate.number) for candidate in result.candidates}
    low, high = robust_range([dot.value for dot in dots if dot.value is not None], best_first(name))
    return View(result, name, dots, means, settings, low, high)


def robust_range(values: Sequence[float], sign: float) -> tuple[float, float]:
    """Return a range that holds the best value and the bulk, so that diverged trials do not squash the rest.

    Args:
        values: of the objective; none gives 0 to 1.
        sign: 1 where less is better, -1 where more is.
    """
    if not values:
        return 0.0, 1.0
    costs = sorted(sign * value for value in values)
    best, worst = costs[0], costs[-1]
    reach = 0.0
    for distance in np.quantile(costs, (0.25, 0.5, 0.75)) - best:
        if reach and distance > STEEP * reach:
            break
        reach = float(distance)
    end = best + FAR * reach if reach else worst
    # Half as far again costs the bulk little, and the range ends at a trial.
    end = max([best, *(cost for cost in costs if cost <= best + 1.5 * (end - best))])
    pad = max(0.04 * (end - best), 1e-6 * abs(best)) if end > best else 0.02 * abs(best)
    pad = pad or 1.0
    ends = sign * (best - pad), sign * (end + pad)
    return min(ends), max(ends)


def scales(seen: View) -> list[Scale]:
    """Return the axes of the settings that a search chose; coupled ones follow others and have none."""
    chosen = list(seen.settings.values())
    return [_scale(e, [one[e.name] for one in chosen if e.name in one]) for e in seen.definition.space.free]


def short(text: str) -> str:
    """Cut a tick's text where it is long."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


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


def frame(axes: Axes, seen: View) -> None:
    """Give the y axis the view's range, a little wider so that marks at the edge are whole, and its label."""
    margin = 0.05 * (seen.high - seen.low)
    axes.set_ylim(seen.low - margin, seen.high + margin)
    axes.set_ylabel(f"{seen.objective}\n({seen.better})")


def edge_marks(axes: Axes, xs: Sequence[float], values: Sequence[float], seen: View) -> None:
    """Mark what lies beyond the range at its edge."""
    for marker, where, beyond in (("^", seen.high, operator.gt), ("v", seen.low, operator.lt)):
        chosen = [x for x, value in zip(xs, values, strict=True) if beyond(value, where)]
        axes.plot(chosen, [where] * len(chosen), linestyle="none", marker=marker, markersize=6, color=FAILED, zorder=6)


def star(
    axes: Axes, seen: View, places: Mapping[int, tuple[float, float]], sizes: tuple[float, float], **look: Any
) -> None:
    """Mark the defaults by a diamond and the winner by a star, where they have a place: candidate -> (x, y)."""
    special = ((seen.defaults, "defaults", "D", DEFAULTS), (seen.result.winner, "winner", "*", WINNER))
    look = {"linestyle": "none", "markeredgecolor": "white", **look}
    for (number, name, marker, colour), size in zip(special, sizes, strict=True):
        if number is not None and number in places:
            axes.plot(*places[number], marker=marker, markersize=size, color=colour, label=name, **look)


def _placed(value: object, entry: Entry) -> TypeGuard[float]:
    """Tell whether a number has a place on an entry's axis."""
    return isinstance(value, int | float) and not isinstance(value, bool) and (value > 0 or not entry.log)


def _scale(entry: Entry, values: Sequence[Plain]) -> Scale:
    if not entry.numeric:
        places = dict.fromkeys(setting(value) for value in (*entry.choices, *values))
        return Scale(entry, 0.0, len(places) - 1.0, tuple(places))
    numbers = [value for value in values if _placed(value, entry)]
    return Scale(entry, float(min([entry.low, *numbers])), float(max([entry.high, *numbers])))
