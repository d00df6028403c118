"""The tables of predicted spike trains: which scores are best, and by how much networks are the better ones."""

from __future__ import annotations

from dataclasses import dataclass, field

from raysp.io.words import number
from raysp.kinds.stimulus.lines import HEADLINE, SCHREIBER, SIGN, VAN_ROSSUM, Line
from raysp.kinds.stimulus.page.numbers import Difference, Numbers
from raysp.report.run_data import Task

COLUMNS = tuple((metric, sigma) for metric in (SCHREIBER, VAN_ROSSUM) for sigma in (5, 10, 20, 50, 100))
"""Of the table of scores: measure and width, ms."""

MEANING = {
    SCHREIBER: "cosine of both spike trains, each spike a Gaussian of this standard deviation; 1 is perfect",
    VAN_ROSSUM: "distance of both spike trains, each spike an exponential of this time constant; 0 is perfect",
}


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
    best: dict[int, Line | None]
    rows: dict[str, dict[int, Difference]] = field(default_factory=dict)


def best_lines(numbers: Numbers) -> list[Line | None]:
    """Return the best of the lines that are neither floor nor ceiling, for each of `COLUMNS`."""
    return [numbers.best(numbers.having("network", "poisson"), *column) for column in COLUMNS]


def leader(numbers: Numbers) -> str:
    """Say which is the best line that is neither floor nor ceiling by the headline; nothing without any."""
    line = numbers.best(numbers.having("network", "poisson"), *HEADLINE)
    return "" if line is None else f"{line.label}, {headline()} {number(numbers.of(line, *HEADLINE).mean, 'digits')}"


def at_each_width(numbers: Numbers) -> list[DifferenceTable]:
    """Return the differences at single widths: as published, then with every decoding chosen anew on both sides."""
    tables: dict[tuple[str, str], DifferenceTable] = {}
    for one in numbers.differences:
        if one.sigma is None:
            continue
        published = one.terms == "published"
        if (table := tables.get((one.terms, one.metric))) is None:
            rivals = [line for line in numbers.having("poisson") if line.published or not published]
            best = {sigma: numbers.best(rivals, one.metric, sigma) for sigma in widths(numbers)}
            table = tables[one.terms, one.metric] = DifferenceTable(one.metric, published, best)
        mine = one.line.label if published else f"{one.line.model}, best decoding"
        other = "best Poisson" if one.other.role == "poisson" else one.other.label
        table.rows.setdefault(f"{mine} − {other}", {})[one.sigma] = one
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
