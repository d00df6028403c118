"""By how much a network beats the best that Poisson counts can do, cell by cell, and by how much it beats the floor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from raysp.evaluation.statistics import paired_difference
from raysp.kinds.stimulus.page.lines import Line
from raysp.kinds.stimulus.page.numbers import PEARSON, SCHREIBER, SIGN, VAN_ROSSUM, Numbers

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
    """One network against one kind of opponent, at each width.

    Attributes:
        network: its name, with the decoding where that is one.
        against: the opponent's name.
        gains: at each width; None where one of both was not scored.
        decodings: the network's at each width, where they are chosen anew; else nothing.
    """

    network: str
    against: str
    gains: tuple[Gain | None, ...]
    decodings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Gains:
    """The comparison by one measure, on equal terms: both sides as published, or both with every decoding.

    Attributes:
        metric: the measure.
        published: whether both sides have the decodings of their papers alone.
        best: the best Poisson model at each width; None where there is none.
        rows: each network against the best Poisson model, and against the floor.
    """

    metric: str
    published: bool
    best: tuple[Opponent | None, ...]
    rows: tuple[GainRow, ...]


def gains(numbers: Numbers) -> list[Gains]:
    """Return the comparisons of a recording; none where it has no network, or nothing to beat.

    One per measure with the decodings as published, network by network and decoding by decoding. Where there are
    others, one more per measure with all of them, chosen anew at each width on both sides.
    """
    metrics = (SCHREIBER, VAN_ROSSUM, PEARSON)
    found = [_gains(numbers, metric, published=True) for metric in metrics]
    if any(not line.published for line in numbers.having("network")):
        found += [_gains(numbers, metric, published=False) for metric in metrics]
    return [one for one in found if any(gain for row in one.rows for gain in row.gains)]


def best_poisson(numbers: Numbers, metric: str, sigma: int, *, published: bool = False) -> Opponent | None:
    """Return the interval and decoding with the best mean over cells at one width; None without Poisson models.

    Args:
        numbers: what was measured.
        metric: the measure.
        sigma: the width, ms.
        published: whether only decodings of its paper take part.
    """
    line = numbers.best(_lines(numbers, "poisson", published), metric, sigma)
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


def _lines(numbers: Numbers, role: str, published: bool) -> list[Line]:
    return [line for line in numbers.having(role) if line.published or not published]


def _gains(numbers: Numbers, metric: str, *, published: bool) -> Gains:
    best = tuple(best_poisson(numbers, metric, sigma, published=published) for sigma in WIDTHS)
    opponents: list[tuple[str, list[Line | None]]] = [("best Poisson", [one and one.line for one in best])]
    opponents += [(floor.label, [floor] * len(WIDTHS)) for floor in numbers.having("floor")[:1]]
    sides = _each(numbers) if published else _chosen(numbers, metric)
    rows = [
        GainRow(name, against, _versus(numbers, mine, others, metric), () if published else _decodings(mine))
        for name, mine in sides.items()
        for against, others in opponents
        if any(others)
    ]
    return Gains(metric, published, best, tuple(rows))


def _each(numbers: Numbers) -> dict[str, list[Line | None]]:
    return {line.label: [line] * len(WIDTHS) for line in _lines(numbers, "network", True)}


def _chosen(numbers: Numbers, metric: str) -> dict[str, list[Line | None]]:
    """Return each network that has further decodings with the best of all its decodings at each width."""
    networks = numbers.having("network")
    names = dict.fromkeys(line.model for line in networks if not line.published)
    mine = {name: [line for line in networks if line.model == name] for name in names}
    return {
        f"{name}, best decoding": [numbers.best(lines, metric, sigma) for sigma in WIDTHS]
        for name, lines in mine.items()
    }


def _decodings(lines: list[Line | None]) -> tuple[str, ...]:
    return tuple("" if line is None else line.decoding for line in lines)


def _versus(
    numbers: Numbers, mine: list[Line | None], others: list[Line | None], metric: str
) -> tuple[Gain | None, ...]:
    return tuple(
        None
        if one is None or other is None
        else gain(numbers.of(one, metric, sigma), numbers.of(other, metric, sigma), metric)
        for sigma, one, other in zip(WIDTHS, mine, others, strict=True)
    )
