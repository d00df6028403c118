"""A network against each single way to count over the whole range of widths, where no choice can be made per width."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from raysp.kinds.stimulus.page.gains import Gain, gain
from raysp.kinds.stimulus.page.lines import Line
from raysp.kinds.stimulus.page.numbers import PEARSON, SCHREIBER, SIGMAS, SIGN, VAN_ROSSUM, Numbers

METRICS = (SCHREIBER, VAN_ROSSUM, PEARSON)


@dataclass(frozen=True)
class Overall:
    """One network against one opponent by one measure.

    Attributes:
        gain: paired difference over cells of each cell's mean over the widths.
        ahead: share of the range of widths at which the network's mean over cells is the better one, 0 to 1.
    """

    gain: Gain
    ahead: float


@dataclass(frozen=True)
class OverallRow:
    """One network against one opponent, by each of `METRICS`; None where a measure was not taken."""

    network: Line
    against: Line
    found: tuple[Overall | None, ...]


def overall(numbers: Numbers) -> list[OverallRow]:
    """Return each network against the floor and against the ways to count; none where there is neither.

    Like against like: a network decoded as published against each interval and decoding as published, a calibrated
    decoding against each interval with the same one.
    """
    rows = [
        OverallRow(network, other, tuple(_versus(numbers, network, other, metric) for metric in METRICS))
        for network in numbers.having("network")
        for other in numbers.having("floor", "poisson")
        if other.role == "floor" or _alike(network, other)
    ]
    return [row for row in rows if any(row.found)]


def spacing() -> dict[int, float]:
    """Return what share of the range of widths each shown width stands for: trapezoids, the sum is 1."""
    ends = (SIGMAS[0], *SIGMAS, SIGMAS[-1])
    whole = 2.0 * (SIGMAS[-1] - SIGMAS[0])
    return {sigma: (ends[i + 2] - ends[i]) / whole for i, sigma in enumerate(SIGMAS)}


def over_widths(numbers: Numbers, line: Line, metric: str) -> dict[int, float]:
    """Return each cell's mean over the range of widths; only of cells that were scored at every one."""
    shares = spacing()
    curves: list[tuple[float, Mapping[int, float]]] = [
        (share, numbers.of(line, metric, sigma)) for sigma, share in shares.items()
    ]
    cells = set.intersection(*(set(values) for _, values in curves))
    return {cell: sum(share * values[cell] for share, values in curves) for cell in sorted(cells)}


def _alike(network: Line, other: Line) -> bool:
    return network.decoding == other.decoding if network.calibrated else other.published


def _versus(numbers: Numbers, network: Line, other: Line, metric: str) -> Overall | None:
    found = gain(over_widths(numbers, network, metric), over_widths(numbers, other, metric), metric)
    return None if found is None else Overall(found, _ahead(numbers, network, other, metric))


def _ahead(numbers: Numbers, network: Line, other: Line, metric: str) -> float:
    share = 0.0
    for sigma, part in spacing().items():
        mine, theirs = numbers.of(network, metric, sigma), numbers.of(other, metric, sigma)
        difference = sum(SIGN[metric] * (mine[cell] - theirs[cell]) for cell in mine.keys() & theirs.keys())
        share += part * (difference > 0)
    return share
