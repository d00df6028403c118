"""What is compared of predicted spike trains: models with their decodings, by three measures over widths."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from raysp.evaluation.statistics import summarize
from raysp.kinds.metric import Metric

PART = "test"
SCHREIBER, VAN_ROSSUM, PEARSON = "Schreiber", "van Rossum", "smoothed Pearson"
PREDICTED, RECORDED = "spikes predicted", "spikes recorded"
WIDTHS_MS = ("10", "50")
"""Of the terminal's table."""

METRICS = {
    "validation_loss": Metric("min", searched=True),
    SCHREIBER: Metric(
        "max", WIDTHS_MS, "cosine of both spike trains, each spike a Gaussian of this standard deviation; 1 is perfect"
    ),
    VAN_ROSSUM: Metric(
        "min", WIDTHS_MS, "distance of both spike trains, each spike an exponential of this time constant; 0 is perfect"
    ),
    PEARSON: Metric("max"),
    "binned Pearson": Metric("max"),
}
SIGN = {name: 1 if METRICS[name].better == "max" else -1 for name in (SCHREIBER, VAN_ROSSUM, PEARSON)}
"""1 where more is better."""

SIGMAS = (*range(1, 21), *range(22, 52, 2), *range(55, 151, 5))
"""Widths that are compared, ms: closer where curves bend."""

HEADLINE = (SCHREIBER, 50)
"""The measure and width (ms) by which models and units are ranked where only one number can rank them."""

ORDER = ("floor", "network", "poisson", "ceiling")


@dataclass(frozen=True)
class Line:
    """One model with one way of turning its output into spikes: a row of a table, a line of a figure.

    Attributes:
        model: as it is called in the experiment.
        decoding: how its output becomes spikes.
        role: its part in the comparison.
        interval: bins whose spikes it counts; None for models that do not count.
        only: whether the model has no other decoding.
        published: whether its paper has the decoding.
    """

    model: str
    decoding: str
    role: Literal["floor", "network", "poisson", "ceiling"]
    interval: int | None = None
    only: bool = True
    published: bool = True

    @property
    def label(self) -> str:
        """The model's name, with the decoding where it has several."""
        return self.model if self.only else f"{self.model}, {self.decoding}"


class Mean(NamedTuple):
    """A mean over units with the ends of its 95 % interval (Student's t), None for a single unit."""

    count: int  # type: ignore[assignment]  # A tuple has a method of that name.
    mean: float
    low: float | None
    high: float | None

    @classmethod
    def of(cls, values: Iterable[float]) -> Mean:
        """Return the mean of some values, at least one."""
        found = summarize(list(values))
        return cls(found.count, found.mean, *((None, None) if found.count == 1 else (found.low, found.high)))


@dataclass(frozen=True)
class Means:
    """The mean over units of each line by each measure.

    Attributes:
        lines: floor first, ceiling last.
        found: (line, metric, width in ms or None) -> what its values over units come to.
    """

    lines: tuple[Line, ...] = ()
    found: Mapping[tuple[Line, str, int | None], Mean] = field(default_factory=dict)

    def of(self, line: Line, metric: str, sigma: int | None = None) -> Mean | None:
        """Return a line's mean over units with its 95 % interval; None where nothing was measured."""
        return self.found.get((line, metric, sigma))

    def having(self, *roles: str) -> list[Line]:
        """Return the lines that play one of these parts."""
        return [line for line in self.lines if line.role in roles]

    def best(self, candidates: Iterable[Line], metric: str, sigma: int | None) -> Line | None:
        """Return the best by the mean over units; None where there is none.

        Only lines with as many units as any of them count: a mean over fewer units is one over other units.
        """
        scored = {line: found for line in candidates if (found := self.of(line, metric, sigma))}
        most = max((found.count for found in scored.values()), default=0)
        whole = [line for line, found in scored.items() if found.count == most]
        return max(whole, key=lambda line: SIGN[metric] * scored[line].mean, default=None)

    def best_decodings(self, metric: str) -> list[Line]:
        """Return each Poisson model with the decoding that is best by a measure on average over units and widths."""

        def level(line: Line) -> float:
            found = (self.of(line, metric, sigma) for sigma in SIGMAS)
            return SIGN[metric] * float(np.mean([one.mean if one else 0.0 for one in found]))

        counts = self.having("poisson")
        models = dict.fromkeys(line.model for line in counts)
        return [max((line for line in counts if line.model == model), key=level) for model in models]
