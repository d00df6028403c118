"""A study as points to draw: every trial's objective, every candidate's mean, and a range that shows most of them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from raysp.search.objective import best_first, better
from raysp.search.outcome import State
from raysp.search.result import Result
from raysp.search.table import varied

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WINNER, DEFAULTS, START, FAILED, FINAL = "#D1362F", "#222222", "#E69F00", "#B3261E", "#6A3D9A"
MARKS = {"defaults": ("D", DEFAULTS), "start": ("s", START)}
"""Marker and colour of the candidates that no sampler proposed."""

STEEP, FAR = 20.0, 3.0
"""A quantile so many times farther from the best than the one before it has left the bulk; how far the range goes."""


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
    settings: Mapping[int, Mapping[str, Any]]
    low: float
    high: float

    @property
    def better(self) -> str:
        """Which way is better, in words."""
        return "lower is better" if better(self.objective) == "min" else "higher is better"

    @property
    def defaults(self) -> int | None:
        """The candidate with the experiment's own settings."""
        return next((c.number for c in self.result.candidates if c.source == "defaults"), None)

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
        sign, best, found = best_first(self.objective), float("inf"), []
        for number, mean in sorted(self.means.items()):
            if self.result.scores[number].state == "done":
                best = min(best, sign * mean)
                found.append((number, sign * best))
        return found

    def note(self) -> str:
        """Return the caption's sentence on values beyond the range."""
        if not self.clipped:
            return ""
        many = "1 trial lies" if self.clipped == 1 else f"{self.clipped} trials lie"
        return f" {many} beyond the drawn range and {'is' if self.clipped == 1 else 'are'} marked at its edge."


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
    for share in (0.25, 0.5, 0.75):
        distance = _quantile(costs, share) - best
        if reach and distance > STEEP * reach:
            break
        reach = distance
    end = best + FAR * reach if reach else worst
    # Half as far again costs the bulk little, and the range ends at a trial.
    end = max([best, *(cost for cost in costs if cost <= best + 1.5 * (end - best))])
    pad = max(0.04 * (end - best), 1e-6 * abs(best)) if end > best else 0.02 * abs(best)
    pad = pad or 1.0
    ends = sign * (best - pad), sign * (end + pad)
    return min(ends), max(ends)


def frame(axes: Axes, seen: View) -> None:
    """Give the y axis the view's range, a little wider so that marks at the edge are whole, and its label."""
    margin = 0.05 * (seen.high - seen.low)
    axes.set_ylim(seen.low - margin, seen.high + margin)
    axes.set_ylabel(f"{seen.objective}\n({seen.better})")


def edge_marks(axes: Axes, xs: Sequence[float], values: Sequence[float], seen: View) -> None:
    """Mark what lies beyond the range at its edge."""
    for marker, where, chosen in (
        ("^", seen.high, [x for x, value in zip(xs, values, strict=True) if value > seen.high]),
        ("v", seen.low, [x for x, value in zip(xs, values, strict=True) if value < seen.low]),
    ):
        axes.plot(chosen, [where] * len(chosen), linestyle="none", marker=marker, markersize=6, color=FAILED, zorder=6)


def _quantile(ordered: Sequence[float], share: float) -> float:
    if len(ordered) < 2:
        return ordered[0]
    return statistics.quantiles(ordered, n=100, method="inclusive")[round(100 * share) - 1]
