"""Measures of spike trains over the width of smoothing: all models in one view, then count by count its ceiling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from raysp.errors import NotReady
from raysp.kinds.stimulus.page.colours import line_colours
from raysp.kinds.stimulus.page.lines import Line
from raysp.kinds.stimulus.page.numbers import PEARSON, SCHREIBER, SIGMAS, SIGN, VAN_ROSSUM, Numbers
from raysp.kinds.stimulus.page.scores import score
from raysp.models.windowed import CAREFUL, MATCHED
from raysp.report.style import FAINT, Picture, canvas, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LABELS = {
    SCHREIBER: "Schreiber similarity",
    VAN_ROSSUM: "van Rossum distance",
    PEARSON: "Pearson correlation, smoothed",
}
TICKS = (1, 2, 5, 10, 20, 50, 100)
DASHES = (0, (4, 2))
LOOKS = {MATCHED: "-.", CAREFUL: ":"}
FURTHER = (0, (1, 3))
COUNTS = {"poisson": "Poisson counts of the interval", "ceiling": "true counts of the interval"}


def width_curves(numbers: Numbers) -> Picture:
    """Draw the three measures over the width: floor, networks, Poisson counts, and ceilings that do not count.

    Raises:
        NotReady: nothing was scored.
    """
    if not numbers.lines:
        raise NotReady("no curves over the width of smoothing: nothing was scored yet")
    paint = line_colours(numbers.lines)
    ceilings = [line for line in numbers.having("ceiling") if line.interval is None]
    words = []
    with canvas(9.6, 4.1) as figure:
        for axes, metric in zip(figure.subplots(1, 3), SIGN, strict=True):
            counts = best_decodings(numbers, metric)
            for line in (*numbers.having("floor", "network"), *counts, *ceilings):
                _line(axes, numbers, line, metric, paint[line.model], band=_banded(line))
            _dress(axes, metric)
            axes.set_xlabel("σ (ms)")
            axes.set_title(LABELS[metric])
            words.append(f"{metric}: {_decodings(counts)}")
        figure.legend(*_handles(figure.axes), loc="outside lower center", ncols=5)
        return Picture("widths", "Measures over the width of smoothing", _caption(numbers, words), png(figure))


def interval_curves(numbers: Numbers) -> Picture:
    """Draw Poisson counts beside the ceiling of counts of the same interval, one column per interval.

    Raises:
        NotReady: no model counts spikes in intervals.
    """
    true = [line for line in numbers.having("ceiling") if line.interval is not None]
    intervals = sorted({line.interval for line in (*true, *numbers.having("poisson")) if line.interval is not None})
    if not intervals:
        raise NotReady("no curves by interval: no model of this run counts spikes in intervals")
    paint, metrics = line_colours(numbers.lines), (SCHREIBER, VAN_ROSSUM)
    with canvas(9.6, 4.4) as figure:
        grid = figure.subplots(2, len(intervals), squeeze=False, sharex=True, sharey="row")
        for row, metric in zip(grid, metrics, strict=True):
            counting = [*best_decodings(numbers, metric), *true]
            for axes, interval in zip(row, intervals, strict=True):
                same = [line for line in counting if line.interval == interval]
                _column(axes, numbers, metric, same, paint)
            row[0].set_ylabel(LABELS[metric])
        for top, bottom, interval in zip(grid[0], grid[1], intervals, strict=True):
            top.set_title(f"counts of {interval} bin{'s' if interval > 1 else ''}", fontsize=9)
            bottom.set_xlabel("σ (ms)")
        figure.legend(*_handles(figure.axes, together=True), loc="outside lower center", ncols=5)
        caption = (
            "Each column: Poisson counts of one interval (solid, best decoding) below what the true counts of that "
            "interval would reach, evenly placed (dashed): look where even the ceiling of an interval falls behind."
        )
        return Picture("intervals", "Each interval beside its own ceiling", caption, png(figure))


def best_decodings(numbers: Numbers, metric: str) -> list[Line]:
    """Return each Poisson model with the decoding that is best by a measure on average over cells and widths."""
    found: dict[str, list[Line]] = {}
    for line in numbers.having("poisson"):
        found.setdefault(line.model, []).append(line)
    return [max(same, key=lambda line: SIGN[metric] * _level(numbers, line, metric)) for same in found.values()]


def mean_curve(numbers: Numbers, line: Line, metric: str) -> np.ndarray:
    """Return (widths, 4) width (ms), mean over cells, and the ends of its 95 % interval (NaN for a single cell)."""
    rows = []
    for sigma in SIGMAS:
        found = score(numbers.of(line, metric, sigma).values())
        if found.mean is not None:
            ends = (np.nan, np.nan) if found.low is None else (found.low, found.high)
            rows.append((sigma, found.mean, *ends))
    return np.array(rows).reshape(-1, 4)


def _level(numbers: Numbers, line: Line, metric: str) -> float:
    return float(np.mean([numbers.mean(line, metric, sigma) or 0.0 for sigma in SIGMAS]))


def _column(axes: Axes, numbers: Numbers, metric: str, counting: list[Line], paint: dict[str, str]) -> None:
    others = [line for line in numbers.having("ceiling") if line.interval is None]
    network = [line for line in numbers.having("network") if line == numbers.main]
    for line in (*numbers.having("floor"), *network, *counting, *others):
        _line(axes, numbers, line, metric, paint[line.model], band=_banded(line))
    _dress(axes, metric)
    axes.set_xticks([1, 10, 100], ["1", "10", "100"])


def _banded(line: Line) -> bool:
    return line.role == "poisson" or (line.role == "network" and line.published)


def _line(axes: Axes, numbers: Numbers, line: Line, metric: str, colour: str, *, band: bool) -> None:
    x, mean, low, high = mean_curve(numbers, line, metric).T
    network = line.role == "network"
    look: dict[str, Any] = {"linestyle": DASHES if line.role == "ceiling" else "-"}
    look |= {"linestyle": LOOKS.get(line.decoding, FURTHER)} if network and not line.published else {}
    look |= {"linewidth": 2.0 if network else 1.3, "zorder": 4 if network else 3}
    label = line.label if network else line.model
    axes.plot(x, mean, color=colour, label=label, gid="" if line.interval is None else line.role, **look)
    if band and np.isfinite(low).all():
        strong = 0.20 if network else 0.07
        axes.fill_between(x, low, high, color=colour, alpha=strong, linewidth=0, zorder=2)


def _dress(axes: Axes, metric: str) -> None:
    axes.set_xscale("log")
    axes.set_xlim(SIGMAS[0], SIGMAS[-1])
    axes.set_xticks(TICKS, [str(tick) for tick in TICKS])
    axes.minorticks_off()
    axes.grid(color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    if SIGN[metric] < 0:
        axes.set_ylim(bottom=0)
    else:
        # An interval over few cells may reach below what a similarity can be.
        low = -0.02 if metric == SCHREIBER else min(axes.get_ylim()[0], -0.02)
        axes.set_ylim(low, 1.02)


def _handles(axes: Sequence[Axes], *, together: bool = False) -> tuple[list[Any], list[str]]:
    """Return a legend's handles and labels: of every model, or those that count spikes together."""
    found: dict[str, list[Any]] = {}
    for one in axes:
        for handle, label in zip(*one.get_legend_handles_labels(), strict=True):
            counts = COUNTS.get(handle.get_gid()) if together else None
            found.setdefault(counts or label, []).append(handle)
    return [same[len(same) // 2] for same in found.values()], list(found)


def _decodings(counts: list[Line]) -> str:
    """Say which intervals were decoded how."""
    found: dict[str, list[str]] = {}
    for line in counts:
        found.setdefault(line.decoding, []).append(line.model if line.interval is None else str(line.interval))
    if len(found) == 1:
        return f"all {next(iter(found))}"
    return ", ".join(f"{decoding} of {' '.join(intervals)}" for decoding, intervals in found.items())


def _caption(numbers: Numbers, words: list[str]) -> str:
    counts = (
        f" Of each Poisson model the decoding is drawn that is best on average ({'; '.join(words)})."
        if numbers.having("poisson")
        else ""
    )
    further = (
        f" Dash-dotted and dotted: the same network with further decodings; {MATCHED} and {CAREFUL} are calibrated for "
        "each cell on the validation part."
        if any(not line.published for line in numbers.having("network"))
        else ""
    )
    return (
        "Mean over cells with its 95 % band; dashed: ceilings, which read the true spikes. Look at how far each line "
        f"stays from its ceiling as σ becomes small: that is precision in time.{counts}{further}"
    )
