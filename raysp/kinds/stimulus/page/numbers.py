"""The numbers of predicted spike trains, cell by cell: read from the run's table column by column, mean over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from raysp.errors import BadInput
from raysp.io import files
from raysp.kinds.stimulus.page.lines import Line, lines
from raysp.report.run_data import RunData, Task

PART = "test"
SCHREIBER, VAN_ROSSUM, PEARSON = "Schreiber", "van Rossum", "smoothed Pearson"
PREDICTED, RECORDED = "spikes predicted", "spikes recorded"
SIGN = {SCHREIBER: 1, VAN_ROSSUM: -1, PEARSON: 1}
"""1 where more is better."""

SIGMAS = (*range(1, 21), *range(22, 52, 2), *range(55, 151, 5))
"""Widths that are shown, ms: closer where curves bend."""

HEADLINE = (SCHREIBER, 50)
"""The measure and width (ms) by which models and cells are ranked where only one number can rank them."""

Key = tuple[str, str, str, int | None]


@dataclass(frozen=True)
class Numbers:
    """What was measured of each cell of one recording.

    Attributes:
        lines: models with their decodings, floor first, ceiling last.
        values: (model, decoding, metric, width in ms or None) -> cell -> mean over seeds.
        seeds: (model, decoding) -> the fewest and the most seeds that any cell has.
    """

    lines: tuple[Line, ...] = ()
    values: Mapping[Key, Mapping[int, float]] = field(default_factory=dict)
    seeds: Mapping[tuple[str, str], tuple[int, int]] = field(default_factory=dict)

    def of(self, line: Line, metric: str, sigma: int | None = None) -> Mapping[int, float]:
        """Return each cell's value, by the recording's own cell number; none where nothing was measured."""
        return self.values.get((line.model, line.decoding, metric, sigma), {})

    def mean(self, line: Line, metric: str, sigma: int | None = None) -> float | None:
        """Return the mean over cells; None where nothing was measured."""
        found = self.of(line, metric, sigma)
        return sum(found.values()) / len(found) if found else None

    def having(self, *roles: str) -> list[Line]:
        """Return the lines that play one of these parts."""
        return [line for line in self.lines if line.role in roles]

    def cells(self, line: Line) -> int:
        """Return how many cells were scored."""
        return len(self.of(line, *HEADLINE))

    def best(self, candidates: Sequence[Line], metric: str, sigma: int | None) -> Line | None:
        """Return the best by the mean over cells; None where there is none.

        Only lines with as many cells as any of them count: a mean over fewer cells is one over other cells.
        """
        scored = [line for line in candidates if self.of(line, metric, sigma)]
        most = max((len(self.of(line, metric, sigma)) for line in scored), default=0)
        whole = [line for line in scored if len(self.of(line, metric, sigma)) == most]
        return max(whole, key=lambda line: SIGN[metric] * (self.mean(line, metric, sigma) or 0.0), default=None)

    @property
    def main(self) -> Line | None:
        """The network whose predictions are shown: the best by `HEADLINE`; of Poisson counts where there is no other.

        Decoded as published: what the network said is kept beside its first decoding alone. None where nothing but
        floors and ceilings was scored.
        """
        for role in ("network", "poisson"):
            if found := self.best([line for line in self.having(role) if line.published], *HEADLINE):
                return found
        return None


def read_numbers(material: RunData, task: Task) -> Numbers:
    """Read what was measured of a recording's finished trials; nothing where the table is missing or damaged.

    That it is damaged is among the material's problems already.
    """
    if not files.exists(material.run.metrics):
        return Numbers()
    try:
        return _read(material, task)
    except BadInput:
        return Numbers()


def _read(material: RunData, task: Task) -> Numbers:
    from polars import Int64, col

    from raysp.runs.metrics_table import read_metrics

    done = [trial.id for trial in material.finished(task)]
    shown = col("metric").is_in(list(SIGN)) & col("parameter").is_in([str(sigma) for sigma in SIGMAS])
    wanted = (
        col("run_trial").is_in(done)
        & (col("part") == PART)
        & col("unit").is_not_null()
        & col("value").is_finite()
        & (shown | col("metric").is_in([PREDICTED, RECORDED]))
    )
    place = ["model", "decoding", "metric", "parameter"]
    by_cell = (
        read_metrics(material.run, wanted, columns=[*place, "run_trial", "part", "unit", "value", "seed"])
        .group_by([*place, "unit"], maintain_order=True)
        .agg(col("value").mean(), col("seed").n_unique().cast(Int64))
    )
    rows = by_cell.group_by(place, maintain_order=True).agg(
        "unit", "value", low=col("seed").min(), high=col("seed").max()
    )
    values, seeds = {}, {}
    for model, decoding, metric, parameter, units, cells, low, high in rows.iter_rows():
        sigma = None if parameter is None else int(parameter)
        values[(model, decoding, metric, sigma)] = dict(zip(units, cells, strict=True))
        seeds.setdefault((model, decoding), (low, high))
    return Numbers(lines(material, task, list(seeds)), values, seeds)
