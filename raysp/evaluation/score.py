"""A number that a trial scored, or why there is none: what cannot be computed is a row with its reason."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypedDict, Unpack

from raysp.errors import BadInput
from raysp.io.rows import Row

NO_SPIKES = "no spike was recorded there on the evaluation trials"
UNDEFINED = {
    "co-bps": NO_SPIKES,
    "fp-bps": NO_SPIKES,
    "reconstruction bits/spike": NO_SPIKES,
    "tp corr": "speed or interval does not vary within a condition, or an interval is not known",
    "true-rate Pearson r squared, pooled": "predicted or true rates never change",
    "roughness": "the rates never change, or there are fewer than three bins",
    "masked deviance": "no held-in count was observed on the evaluation trials",
}
"""Why a metric that was computed has no finite value."""


@dataclass(frozen=True)
class Score:
    """One value of one metric.

    Attributes:
        metric: its name.
        value: None where it is undefined.
        note: why it is, or what a reader must know of the value; None for nothing.
        parameter: what it was computed for, e.g. a variable's name; None where the metric has none.
        unit_index: position of the unit in the arrays, held-in first; None for all units.
        judge: who computed it.
    """

    metric: str
    value: float | None
    note: str | None = None
    parameter: str | None = None
    unit_index: int | None = None
    judge: str = "raysp"

    def row(self) -> Row:
        """Return the score as columns of the table of metrics."""
        return dataclasses.asdict(self)


class Place(TypedDict, total=False):
    """Further fields of a score."""

    parameter: str | None
    unit_index: int | None
    judge: str


def score(metric: str, compute: Callable[[], float], **place: Unpack[Place]) -> Score:
    """Return a metric's value; where it is refused or not finite, None and the reason.

    Args:
        metric: its name.
        compute: gives the value, or raises BadInput.
        place: further fields of the score.
    """
    try:
        value = float(compute())
    except BadInput as reason:
        return Score(metric, None, str(reason), **place)
    return known(metric, value, **place)


def known(metric: str, value: float | None, **place: Unpack[Place]) -> Score:
    """Return the score of a value that was computed already; a value that is not finite becomes None, with why."""
    if value is not None and math.isfinite(value):
        return Score(metric, value, **place)
    return Score(metric, None, UNDEFINED.get(metric, f"{metric} is not finite"), **place)


def scores(computed: Mapping[str, Callable[[], float]], **place: Unpack[Place]) -> list[Score]:
    """Return the score of each metric by name; see `score`."""
    return [score(metric, compute, **place) for metric, compute in computed.items()]
