"""What models of injected currents came to, read from the run's tables: medians, differences, each cell's value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import numpy as np

from raysp.errors import BadInput, NotReady, present
from raysp.io import files
from raysp.kinds.current_clamp.cells import NAME, read_cells
from raysp.kinds.current_clamp.metrics import CEILING, DEAD, EVR
from raysp.kinds.current_clamp.values import read_values
from raysp.report.run_data import RunData, Task
from raysp.runs.comparison_table import Comparison, read_comparison

if TYPE_CHECKING:
    import polars


def median_within(values: Sequence[float], low: float, high: float) -> float:
    """Return where the median of values is drawn between two ends: a median of what is drawn there is another number.

    >>> median_within([-5.0, 0.5], -0.25, 1.25)
    -0.25
    """
    return float(np.clip(np.median(values), low, high))


@dataclass(frozen=True)
class Numbers:
    """What is shown of a recording.

    Attributes:
        models: those that were scored, the floor first, the ceiling last.
        medians: (model, metric) -> row of comparison.parquet: count, mean (here the median), low, high.
        differences: rows of comparison.parquet on models against each other.
        values: (model, metric) -> unit -> value.
        cells: the best fits, rows of the run's parameters.parquet; None where there are none.
        bounds: floor and ceiling.
    """

    models: tuple[str, ...] = ()
    medians: Mapping[tuple[str, str], Comparison] = field(default_factory=dict)
    differences: Sequence[Comparison] = ()
    values: Mapping[tuple[str, str], Mapping[int, float]] = field(default_factory=dict)
    cells: polars.DataFrame | None = None
    bounds: tuple[str, str] = ("", "")

    @property
    def fitted(self) -> list[str]:
        """The models that are neither floor nor ceiling."""
        return [model for model in self.models if model not in self.bounds]

    @property
    def neurons(self) -> list[str]:
        """The models that have filters, in order."""
        there = set() if self.cells is None else set(self.cells.filter(self.cells["alpha"].is_not_null())["model"])
        return [model for model in self.models if model in there]

    @property
    def main(self) -> str | None:
        """The model with parameters of the highest median explained variance; None where there is none."""
        scored = [model for model in self.neurons if (model, EVR) in self.medians]
        return max(scored, key=lambda model: present(self.medians[model, EVR]["mean"]), default=None)

    @property
    def ceilings(self) -> Mapping[int, float]:
        """What a perfect model comes to, about, by unit; the same for every model."""
        return next((own for (_, metric), own in self.values.items() if metric == CEILING), {})

    def of(self, model: str) -> polars.DataFrame:
        """Return the best fits of a model that has some."""
        cells = present(self.cells)
        return cells.filter(cells["model"] == model)

    def units(self, model: str) -> int:
        """Return how many units the medians of a model are over: those whose explained variance is defined."""
        return len(self.values.get((model, EVR), {}))

    def dead(self, model: str) -> str:
        """Spell how many units a model predicts silent, or has no fit of."""
        own = self.values.get((model, DEAD), {})
        return f"{sum(value > 0 for value in own.values())} of {len(own)}"


def read_numbers(data: RunData, task: Task) -> Numbers:
    """Read what was measured of a recording; nothing where a table is missing or damaged.

    That one is damaged is among the run's problems already.
    """
    try:
        return _read(data, task)
    except (BadInput, NotReady):
        return Numbers()


def _read(data: RunData, task: Task) -> Numbers:
    from polars import col

    done = [trial.id for trial in data.finished(task)]
    values = {key[1:]: own for key, own in read_values(data.run, done).items()}
    rows = cast("list[Comparison]", read_comparison(data.run, col("split") == task.split).to_dicts())
    cells = None
    if files.exists(files.join(data.run.path, NAME)):
        cells = read_cells(data.run.path).filter((col("split") == task.split) & col("best"))
    return Numbers(
        models=tuple(data.ordered(list(dict.fromkeys(model for model, _ in values)))),
        medians={(row["model"], row["metric"]): row for row in rows if row["comparison"] == "median"},
        differences=[row for row in rows if row["comparison"] == "difference"],
        values=values,
        cells=cells,
        bounds=(data.floor, data.ceiling),
    )
