"""Measures of spike trains over the width of smoothing: all models in one view, then count by count its ceiling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from raysp.errors import NotReady
from raysp.kinds.stimulus.lines import PEARSON, SCHREIBER, SIGMAS, SIGN, VAN_ROSSUM, Line
from raysp.kinds.stimulus.page.numbers import Numbers
from raysp.report.style import CEILING, FLOOR, PALETTE, Look, Picture, canvas, colours, picture

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

LABELS = {
    SCHREIBER: "Schreiber similarity",
    VAN_ROSSUM: "van Rossum distance",
    PEARSON: "Pearson correlation, smoothed",
}
TICKS = (1, 2, 5, 10, 20, 50, 100)
DASHES, FURTHER = (0, (4, 2)), (0, (1, 3))
LOOKS = {"matched": "-.", "careful": ":"}
"""Of the decodings that are calibrated."""
COUNTS = {"poisson": "Poisson counts of the interval", "ceiling": "true counts of the interval"}
NETWORKS = ("#0072B2", "#009E73", "#CC79A7", "#6A3D9A", "#56B4E9")
SCALE, LIGHTEST, DARKEST = "YlOrBr", 0.36, 0.95
"""Of counts, by interval."""


def line_colours(lines: Sequence[Line]) -> dict[str, str]:
    """Return each model's colour. Counts of one interval share theirs, whether predicted or true."""
    import matplotlib

    networks = list(dict.fromkeys(line.model for line in lines if line.role == "network"))
    palette = NETWORKS if len(networks) <= len(NETWORKS) else colours(max(len(networks), len(PALETTE) + 1))
    found = dict(zip(networks, palette, strict=False))
    intervals = sorted({line.interval for line in lines if line.interval is not None and line.role != "network"})
    steps = np.linspace(LIGHTEST, DARKEST, len(intervals)) if len(intervals) > 1 else [0.7]
    scale = dict(zip(intervals, matplotlib.colormaps[SCALE](steps), strict=False))
    for line in lines:
        if line.role != "network" and line.interval is not None:
            found[line.model] = matplotlib.colors.to_hex(scale[line.interval])
        else:
            found.setdefault(line.model, FLOOR if line.role == "floor" else CEILING)
    return found


def width_curves(numbers: Numbers) -> Picture:
    """Draw the three measures over the width: floor, networks, Poisson counts, and ceilings that do not count.

    Raises:
        NotReady: nothing was scored.
    """
    if not numbers.lines:
        raise NotReady("no curves over the width of smoothing: nothing was scored yet")
    paint, decodings = line_colours(numbers.lines), {}
    with canvas(9.6, 4.1) as figure:
        for axes, metric in zip(figure.subplots(1, 3), SIGN, strict=True):
            counts = numbers.best_decodings(metric)
            for line in (*numbers.having("floor", "network"), *counts, *_ceilings(numbers, counting=False)):
                _line(axes, numbers, line, metric, paint[line.model])
            _dress(axes, metric)
            axes.set_xlabel("σ (ms)")
            axes.set_title(LABELS[metric])
            decodings[metric] = _by_decoding(counts)
        figure.legend(*_handles(figure.axes), loc="outside lower center", ncols=5)
        return picture(figure, __name__, "widths", numbers=numbers, decodings=decodings, calibrated=list(LOOKS))


def interval_curves(numbers: Numbers) -> Picture:
    """Draw Poisson counts beside the ceiling of counts of the same interval, one column per interval.

    Raises:
        NotReady: no model counts spikes in intervals.
    """
    true, others = _ceilings(numbers, counting=True), _ceilings(numbers, counting=False)
    intervals = sorted({line.interval for line in (*true, *numbers.having("poisson")) if line.interval is not None})
    if not intervals:
        raise NotReady("no curves by interval: no model of this run counts spikes in intervals")
    paint, network = line_colours(numbers.lines), [line for line in numbers.having("network") if line == numbers.main]
    with canvas(9.6, 4.4) as figure:
        grid = figure.subplots(2, len(intervals), squeeze=False, sharex=True, sharey="row")
        for row, metric in zip(grid, (SCHREIBER, VAN_ROSSUM), strict=True):
            counting = [*numbers.best_decodings(metric), *true]
            for axes, interval in zip(row, intervals, strict=True):
                same = [line for line in counting if line.interval == interval]
                for line in (*numbers.having("floor"), *network, *same, *others):
                    _line(axes, numbers, line, metric, paint[line.model])
                _dress(axes, metric)
                axes.set_xticks([1, 10, 100], ["1", "10", "100"])
            row[0].set_ylabel(LABELS[metric])
        for top, bottom, interval in zip(grid[0], grid[1], intervals, strict=True):
            top.set_title(f"counts of {interval} bin{'s' if interval > 1 else ''}", fontsize=9)
            bottom.set_xlabel("σ (ms)")
        figure.legend(*_handles(figure.axes, together=True), loc="outside lower center", ncols=5)
        return picture(figure, __name__, "intervals")


def mean_curve(numbers: Numbers, line: Line, metric: str) -> np.ndarray:
    """Return (widths, 4) width (ms), mean over units, and the ends of its 95 % interval (NaN for a single unit)."""
    found = [(sigma, *one[1:]) for sigma in SIGMAS if (one := numbers.of(line, metric, sigma))]
    return np.array(found, dtype=float).reshape(-1, 4)


def _ceilings(numbers: Numbers, *, counting: bool) -> list[Line]:
    return [line for line in numbers.having("ceiling") if (line.interval is not None) == counting]


def _line(axes: Axes, numbers: Numbers, line: Line, metric: str, colour: str) -> None:
    x, mean, low, high = mean_curve(numbers, line, metric).T
    network = line.role == "network"
    look: Look = {"linestyle": DASHES if line.role == "ceiling" else "-"}
    look |= {"linestyle": LOOKS.get(line.decoding, FURTHER)} if network and not line.published else {}
    look |= {"linewidth": 2.0 if network else 1.3, "zorder": 4 if network else 3}
    label = line.label if network else line.model
    axes.plot(x, mean, color=colour, label=label, gid="" if line.interval is None else line.role, **look)
    banded = line.role == "poisson" or (network and line.published)
    if banded and np.isfinite(low).all():
        axes.fill_between(x, low, high, color=colour, alpha=0.20 if network else 0.07, linewidth=0, zorder=2)


def _dress(axes: Axes, metric: str) -> None:
    axes.set_xscale("log")
    axes.set_xlim(SIGMAS[0], SIGMAS[-1])
    axes.set_xticks(TICKS, [str(tick) for tick in TICKS])
    axes.minorticks_off()
    axes.grid()
    if SIGN[metric] < 0:
        axes.set_ylim(bottom=0)
    else:
        # An interval over few units may reach below what a similarity can be.
        axes.set_ylim(-0.02 if metric == SCHREIBER else min(axes.get_ylim()[0], -0.02), 1.02)


def _handles(axes: Sequence[Axes], *, together: bool = False) -> tuple[list[Artist], list[str]]:
    """Return a legend's handles and labels: of every model, or those that count spikes together."""
    found: dict[str, list[Artist]] = {}
    for one in axes:
        for handle, label in zip(*one.get_legend_handles_labels(), strict=True):
            counts = COUNTS.get(handle.get_gid() or "") if together else None
            found.setdefault(counts or label, []).append(handle)
    return [same[len(same) // 2] for same in found.values()], list(found)


def _by_decoding(counts: list[Line]) -> dict[str, list[str]]:
    """Return the intervals that were decoded in each way."""
    found: dict[str, list[str]] = {}
    for line in counts:
        found.setdefault(line.decoding, []).append(line.model if line.interval is None else str(line.interval))
    return found
