"""By how much a network beats the best that Poisson counts can do, cell by cell, and by how much it beats the floor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from raysp.evaluation.statistics import paired_difference
from raysp.report.train_lines import Line
from raysp.report.train_numbers import PEARSON, SCHREIBER, SIGN, VAN_ROSSUM, Numbers

WIDTHS = (5, 10, 20, 50, 100, 150)


@dataclass(frozen=True)
class Gain:
    """A network's paired difference to another model, over cells.

    Attributes:
        mean: of the differences, network minus the other.
        low: lower end of its 95 % interval; None for a single cell.
        high: upper end.
        p: two-sided p of the paired t test; None where it is undefined.
        won: cells in which the network is better.
        cells: that both have.
        verdict: 1 where the whole interval is on the better side of zero, -1 on the worse side, else 0.
    """

    mean: float
    low: float | None
    high: float | None
    p: float | None
    won: int
    cells: int
    verdict: int


@dataclass(frozen=True)
class Opponent:
    """What a network is compared with at one width: a line and its mean over cells."""

    line: Line
    mean: float


@dataclass(frozen=True)
class GainRow:
    """One network against one kind of opponent, at each width."""

    network: str
    against: str
    gains: tuple[Gain | None, ...]


@dataclass(frozen=True)
class Gains:
    """The comparison by one measure.

    Attributes:
        metric: the measure.
        best: the best Poisson model at each width; None where there is none.
        rows: each network against the best Poisson model, and against the floor.
    """

    metric: str
    best: tuple[Opponent | None, ...]
    rows: tuple[GainRow, ...]


def gains(numbers: Numbers) -> list[Gains]:
    """Return the comparisons of a recording, one per measure; none where it has no network, or nothing to beat."""
    networks = numbers.having("network")
    found = [_gains(numbers, networks, metric) for metric in (SCHREIBER, VAN_ROSSUM, PEARSON)]
    return [one for one in found if any(gain for row in one.rows for gain in row.gains)]


def best_poisson(numbers: Numbers, metric: str, sigma: int) -> Opponent | None:
    """Return the interval and decoding with the best mean over cells at one width; None without Poisson models."""
    line = numbers.best(numbers.having("poisson"), metric, sigma)
    return None if line is None else Opponent(line, numbers.mean(line, metric, sigma))


def gain(mine: Mapping[int, float], other: Mapping[int, float], metric: str) -> Gain | None:
    """Return the paired difference over the cells that both have; None where they share none."""
    shared = sorted(set(mine) & set(other))
    if not shared:
        return None
    found = paired_difference({cell: mine[cell] for cell in shared}, {cell: other[cell] for cell in shared})
    summary, sign = found.summary, SIGN[metric]
    won = sum(sign * (mine[cell] - other[cell]) > 0 for cell in shared)
    if summary.count == 1:
        return Gain(summary.mean, None, None, None, won, 1, 0)
    ends = sorted((sign * summary.low, sign * summary.high))
    verdict = 1 if ends[0] > 0 else -1 if ends[1] < 0 else 0
    p = found.p if found.p == found.p else None
    return Gain(summary.mean, summary.low, summary.high, p, won, len(shared), verdict)


def _gains(numbers: Numbers, networks: list[Line], metric: str) -> Gains:
    best = tuple(best_poisson(numbers, metric, sigma) for sigma in WIDTHS)
    floors = numbers.having("floor")
    rows = []
    for line in networks:
        if any(best):
            rows.append(_versus(numbers, line, metric, "best Poisson", [one and one.line for one in best]))
        if floors:
            rows.append(_versus(numbers, line, metric, floors[0].label, [floors[0]] * len(WIDTHS)))
    return Gains(metric, best, tuple(rows))


def _versus(numbers: Numbers, line: Line, metric: str, against: str, others: list[Line | None]) -> GainRow:
    found = [
        None if other is None else gain(numbers.of(line, metric, sigma), numbers.of(other, metric, sigma), metric)
        for sigma, other in zip(WIDTHS, others, strict=True)
    ]
    return GainRow(line.label, against, tuple(found))
