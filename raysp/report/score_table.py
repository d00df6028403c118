"""A table of scores: models in rows, the floor first and the ceiling last, metrics in columns, the best in bold."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from raysp.report.run_data import RunData, Task


class Ranked(Protocol):
    """A metric: "min" where less of it is better."""

    @property
    def better(self) -> str:
        """Which way is better."""

    @property
    def ranked(self) -> bool:
        """Whether any of its values is the best."""


FLOOR = "floor"
ENDS = (FLOOR, "ceiling")


@dataclass(frozen=True)
class Cell:
    """One model's score by one metric, over seeds or units.

    Attributes:
        count: how many values are in it.
        mean: None where nothing was scored or nothing was defined.
        sd: None for a single value, and where the table of comparisons has none.
        low, high: ends of the 95 % interval, likewise.
        undefined: how many values were not defined.
        best: whether it is the best of the models that are neither floor nor ceiling, and better than the floor.
    """

    count: int = 0
    mean: float | None = None
    sd: float | None = None
    low: float | None = None
    high: float | None = None
    undefined: int | None = None
    best: bool = False


@dataclass(frozen=True)
class Row:
    """One model, or one of its decodings, and how many seeds its scores are of, in words."""

    model: str
    decoding: str | None
    role: str
    seeds: str
    cells: tuple[Cell, ...]


def cell(data: RunData, task: Task, model: str, decoding: str | None, metric: str | None) -> Cell:
    """Return a model's mean and spread by a metric, empty where it was not scored."""
    found = None if metric is None else data.means.get((task.slug, model, decoding, metric))
    if found is None:
        return Cell()
    return Cell(found["count"], found["mean"], found["sd"], found["low"], found["high"], found["undefined"])


def score_rows(
    data: RunData,
    task: Task,
    columns: Sequence[str],
    metrics: Mapping[str, Ranked],
    *,
    unranked: Collection[str] = (),
    whole: bool = False,
) -> list[Row]:
    """Return the models of a task with their scores, in the order of the table of comparisons.

    Args:
        data: of the run.
        task: what is compared.
        columns: names of metrics, with their parameter where they have one.
        metrics: of the kind of data; of one that is not among them the highest is the best.
        unranked: metrics of which no value is the best.
        whole: only what has as many values as any in its column can be the best: a mean over fewer is one of others.
    """
    ways = {key[1:3]: (row["role"], row["seeds"] or "") for key, row in data.means.items() if key[0] == task.slug}
    table = {way: [cell(data, task, *way, name) for name in columns] for way in ways}
    for i, name in enumerate(columns):
        metric = metrics.get(name.partition(" (")[0])
        sign = -1 if metric is not None and metric.better == "min" else 1
        ranked = {way: cells[i] for way, cells in table.items() if ways[way][0] not in ENDS}
        known = {way: (one.count, sign * one.mean) for way, one in ranked.items() if one.mean is not None}
        most = max((count for count, _ in known.values()), default=0) if whole else 0
        able = {way: value for way, (count, value) in known.items() if count >= most}
        if able and name not in unranked and (metric is None or metric.ranked):
            best = max(able.values())
            floors = [cells[i].mean for way, cells in table.items() if ways[way][0] == FLOOR]
            if best > max((sign * mean for mean in floors if mean is not None), default=-math.inf):
                for way in (way for way, value in able.items() if value == best):
                    table[way][i] = dataclasses.replace(table[way][i], best=True)
    return [Row(*way, *ways[way], tuple(cells)) for way, cells in table.items()]
