"""The table of predicted spike trains: models with their decodings in rows, measures and widths in columns."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from raysp.evaluation.statistics import summarize
from raysp.io.words import number
from raysp.kinds.stimulus.page.lines import Line
from raysp.kinds.stimulus.page.numbers import HEADLINE, PREDICTED, RECORDED, SCHREIBER, SIGN, VAN_ROSSUM, Numbers
from raysp.report.run_data import RunData, Task

WIDTHS = (5, 10, 20, 50, 100)
COLUMNS = tuple((metric, sigma) for metric in (SCHREIBER, VAN_ROSSUM) for sigma in WIDTHS)

MEANING = {
    SCHREIBER: "cosine of both trains, each spike a Gaussian of this standard deviation; 1 is perfect",
    VAN_ROSSUM: "distance of both trains, each spike an exponential of this time constant; 0 is perfect",
}


@dataclass(frozen=True)
class Score:
    """A mean over cells.

    Attributes:
        mean: None where nothing was measured.
        low: lower end of its 95 % interval; None for a single cell.
        high: upper end.
        best: whether it is the best of those that are neither floor nor ceiling.
    """

    mean: float | None = None
    low: float | None = None
    high: float | None = None
    best: bool = False


@dataclass(frozen=True)
class TrainRow:
    """One model with one decoding.

    Attributes:
        line: which.
        scores: one for each of `COLUMNS`.
        predicted: spikes per cell.
        recorded: spikes per cell.
        cells: how many were scored.
        seeds: how many, in words.
    """

    line: Line
    scores: tuple[Score, ...]
    predicted: Score
    recorded: Score
    cells: int
    seeds: str


@dataclass(frozen=True)
class TrainTable:
    """The scores of one recording.

    Attributes:
        rows: floor first, ceiling last.
        cells: how many were planned.
        leader: the best model that is neither floor nor ceiling, by the headline, in words.
    """

    rows: tuple[TrainRow, ...]
    cells: int
    leader: str

    @property
    def whole(self) -> bool:
        """Whether all rows are over all cells."""
        return all(row.cells == self.cells for row in self.rows)


def score_table(material: RunData, task: Task, numbers: Numbers) -> TrainTable:
    """Return the table of a recording; without rows where nothing was scored."""
    compared = numbers.having("network", "poisson")
    best = [numbers.best(compared, metric, sigma) for metric, sigma in COLUMNS]
    rows = tuple(_row(numbers, line, best) for line in numbers.lines)
    leader = numbers.best(compared, *HEADLINE)
    words = (
        "" if leader is None else f"{leader.label}, {headline()} {number(numbers.mean(leader, *HEADLINE), 'digits')}"
    )
    return TrainTable(rows, len(planned_cells(task)), words)


def planned_cells(task: Task) -> list[int]:
    """Return the cells of a recording's trials, ascending."""
    return sorted({cell for trial in task.trials for cell in trial.neurons or ()})


def score(values: Iterable[float]) -> Score:
    """Return the mean over cells and its 95 % interval (Student's t)."""
    values = list(values)
    if not values:
        return Score()
    found = summarize(values)
    ends = (None, None) if found.count == 1 else (found.low, found.high)
    return Score(found.mean, *ends)


def headline() -> str:
    """Spell the measure and width by which models and cells are ranked."""
    return f"{HEADLINE[0]} at {HEADLINE[1]} ms"


def better(metric: str) -> str:
    """Say which end of a measure is the good one."""
    return "higher is better" if SIGN[metric] > 0 else "lower is better"


def _row(numbers: Numbers, line: Line, best: Sequence[Line | None]) -> TrainRow:
    scores = tuple(
        dataclasses.replace(score(numbers.of(line, metric, sigma).values()), best=line == winner)
        for (metric, sigma), winner in zip(COLUMNS, best, strict=True)
    )
    low, high = numbers.seeds.get((line.model, line.decoding), (0, 0))
    counts = (score(numbers.of(line, name).values()) for name in (PREDICTED, RECORDED))
    seeds = str(low) if low == high else f"{low}–{high}"
    return TrainRow(line, scores, *counts, numbers.cells(line), seeds)
