"""The tables of predicted spike trains: which scores are best, and by how much networks are the better ones."""

from __future__ import annotations

from dataclasses import dataclass, field

from raysp.errors import present
from raysp.io.words import number
from raysp.kinds.stimulus.lines import HEADLINE, METRICS, PREDICTED, RECORDED, SCHREIBER, SIGN, VAN_ROSSUM, Line
from raysp.kinds.stimulus.page.numbers import Difference, Numbers
from raysp.report.run_data import RunData, Task
from raysp.report.score_table import Row, score_rows

COLUMNS = tuple((metric, sigma) for metric in (SCHREIBER, VAN_ROSSUM) for sigma in (5, 10, 20, 50, 100))
"""Of the table of scores: measure and width, ms."""


@dataclass
class DifferenceTable:
    """Networks against others by one measure at each width, on equal terms.

    Attributes:
        metric: the measure.
        published: whether both sides have the decodings of their papers alone.
        best: by width, the best Poisson counts.
        rows: name -> difference by width.
    """

    metric: str
    published: bool
    best: dict[int, Line] = field(default_factory=dict)
    rows: dict[str, dict[int, Difference]] = field(default_factory=dict)


def scores(data: RunData, task: Task) -> list[tuple[Row, int]]:
    """Return a row of scores for each line, by `COLUMNS` and then spikes predicted and recorded; and how many units."""
    names = [*(f"{metric} ({sigma})" for metric, sigma in COLUMNS), PREDICTED, RECORDED]
    rows = score_rows(data, task, names, METRICS, unranked=names[len(COLUMNS) :], whole=True)
    return [(row, row.cells[COLUMNS.index(HEADLINE)].count) for row in rows]


def leader(numbers: Numbers) -> str:
    """Say which is the best line that is neither floor nor ceiling by the headline; nothing without any."""
    line = numbers.best(numbers.having("network", "poisson"), *HEADLINE)
    return (
        ""
        if line is None
        else f"{line.label}, {headline()} {number(present(numbers.of(line, *HEADLINE)).mean, 'digits')}"
    )


def at_each_width(numbers: Numbers) -> list[DifferenceTable]:
    """Return the differences at single widths: as published, then with every decoding chosen anew on both sides."""
    tables: dict[tuple[str, str], DifferenceTable] = {}
    for one in numbers.differences:
        if one.sigma is None:
            continue
        published, counts = one.terms == "published", one.other.role == "poisson"
        table = tables.setdefault((one.terms, one.metric), DifferenceTable(one.metric, published))
        mine = one.line.label if published else f"{one.line.model}, best decoding"
        table.rows.setdefault(f"{mine} − {'best Poisson' if counts else one.other.label}", {})[one.sigma] = one
        if counts:
            table.best[one.sigma] = one.other
    return list(tables.values())


def over_widths(numbers: Numbers) -> dict[str, dict[str, Difference]]:
    """Return the differences over the whole range of widths: name -> measure -> difference."""
    rows: dict[str, dict[str, Difference]] = {}
    for one in numbers.differences:
        if one.sigma is None:
            rows.setdefault(f"{one.line.label} − {one.other.label}", {})[one.metric] = one
    return rows


def widths(numbers: Numbers) -> list[int]:
    """Return the single widths at which differences were tested, ms."""
    return sorted({one.sigma for one in numbers.differences if one.sigma is not None})


def planned_units(task: Task) -> list[int]:
    """Return the units of a recording's trials, ascending."""
    return sorted({unit for trial in task.trials for unit in trial.units or ()})


def headline() -> str:
    """Spell the measure and width by which models and units are ranked."""
    return f"{HEADLINE[0]} at {HEADLINE[1]} ms"


def better(metric: str) -> str:
    """Say which end of a measure is the good one."""
    return "higher is better" if SIGN[metric] > 0 else "lower is better"
