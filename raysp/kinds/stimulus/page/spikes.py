"""Single units' spikes, recorded and predicted: as rasters, and what the stimulus was like before them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from raysp.errors import NotReady, present
from raysp.evaluation.spike_triggered import CHANCE_SD, Average, triggered
from raysp.io.words import number
from raysp.kinds.stimulus.lines import HEADLINE, PART, Line
from raysp.kinds.stimulus.page.case import Case
from raysp.kinds.stimulus.page.curves import line_colours
from raysp.kinds.stimulus.page.tables import headline
from raysp.kinds.stimulus.spike_trains_file import SpikeTrain
from raysp.report.style import FAINT, GREY, INK, Picture, canvas, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LENGTH_S, CLOSE_S = 10.0, 1.0
SPAN = "#F1EEE8"
BEFORE_MS = 500.0
KINDS = ("recorded, training part", "recorded, test part", "predicted, test part")

Rows = list[tuple[Line | None, np.ndarray]]
"""The recorded spikes (no line), then those of each model: times in s from the beginning of the prediction."""


def rasters(case: Case) -> Picture:
    """Draw ten seconds of each shown unit, and one second of them closer.

    Raises:
        NotReady: no predictions are at hand.
    """
    shown = [(one, rows) for one in case.shown if (rows := rows_of(case, one.unit)) is not None]
    if not shown:
        raise NotReady(f"no rasters: no predictions of {case.main.label} can be read")
    paint = line_colours(case.numbers.lines)
    heights = [0.45 + 0.165 * len(rows) for _, rows in shown]
    with canvas(9.6, 0.35 + sum(heights)) as figure:
        grid = figure.subplots(len(shown), 2, squeeze=False, width_ratios=[3.4, 1.0], height_ratios=heights)
        for (whole, close), (one, rows) in zip(grid, shown, strict=True):
            train = present(case.train(case.main, one.unit))
            total = len(train.recorded) * train.bin_ms / 1000
            start, second = ordinary_stretch(rows[0][1], total)
            moved = [(line, times - start) for line, times in rows]
            begin, end = second - start, second - start + CLOSE_S
            _raster(whole, moved, (0.0, min(LENGTH_S, total)), paint)
            _raster(close, moved, (begin, end), paint, lines=True)
            whole.axvspan(begin, end, color=SPAN, zorder=0)
            whole.set_yticks(range(len(rows)), [_label(case, line, one.unit) for line, _ in rows], fontsize=7.5)
            whole.set_title(one.name, loc="left")
        grid[-1, 0].set_xlabel("time (s)")
        grid[-1, 1].set_xlabel("the shaded second (s)")
        return picture(figure, __name__, "rasters", case=case, seconds=min(LENGTH_S, total), headline=headline())


def rows_of(case: Case, unit: int) -> Rows | None:
    """Return the spike times of a unit, recorded and by each model; None where the main model has none."""
    main = case.train(case.main, unit)
    if main is None:
        return None
    # A true count is almost a recording, and a floor has no spikes: neither says anything here.
    ceilings = [line for line in case.numbers.having("ceiling") if line.interval is None]
    rows: Rows = [(None, _times(main, main.recorded))]
    for line in (*case.numbers.having("network"), *case.numbers.best_decodings(HEADLINE[0]), *ceilings):
        if (found := case.train(line, unit)) is not None:
            # Models with windows of another length begin elsewhere.
            shift = (found.first_bin - main.first_bin) * found.bin_ms / 1000
            rows.append((line, _times(found, found.predicted) + shift))
    return rows


def ordinary_stretch(times: np.ndarray, seconds: float) -> tuple[float, float]:
    """Return where an ordinary stretch begins, and where its busiest second does.

    Of successive stretches of ten seconds, the ordinary one has the median number of recorded spikes.

    Args:
        times: (spikes,) s, recorded.
        seconds: in all.
    """
    starts = np.arange(max(int(seconds // LENGTH_S), 1)) * LENGTH_S
    counts = [np.count_nonzero((times >= start) & (times < start + LENGTH_S)) for start in starts]
    start = float(starts[np.argsort(counts, kind="stable")[(len(starts) - 1) // 2]])
    closer = start + np.arange(int(LENGTH_S / CLOSE_S)) * CLOSE_S
    inside = [np.count_nonzero((times >= one) & (times < one + CLOSE_S)) for one in closer]
    return start, float(closer[int(np.argmax(inside))])


def averages(case: Case) -> Picture:
    """Draw the averages of each shown unit: recorded spikes of training, recorded ones of the test, predicted ones.

    Raises:
        NotReady: the recording is not prepared.
        BadInput: it is no longer what it was.
    """
    bin_ms, paint = case.split.sizes.bin_ms, case.channels
    lags = max(round(BEFORE_MS / bin_ms), 1)
    with canvas(9.6, 0.9 + 1.55 * len(case.shown)) as figure:
        grid = figure.subplots(len(case.shown), 3, squeeze=False, sharex=True, sharey="row")
        for row, one in zip(grid, case.shown, strict=True):
            for axes, found in zip(row, unit_averages(case, one.unit, lags), strict=True):
                _average(axes, -np.arange(lags)[::-1] * bin_ms, found, paint)
            row[0].set_ylabel(f"{one.name}\nstimulus − mean", fontsize=8.5)
        for axes, name in zip(grid[0], KINDS, strict=True):
            axes.set_title(f"{name}\n{axes.get_title()}", fontsize=9)
        for axes in grid[-1]:
            axes.set_xlabel("time before the spike (ms)")
        figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(paint))
        return picture(figure, __name__, "averages", case=case, deviations=CHANCE_SD)


def unit_averages(case: Case, unit: int, lags: int) -> tuple[Average, Average, Average | None]:
    """Return a unit's averages: recorded in training, recorded in the predicted bins, predicted (None without)."""
    split, train = case.split, case.train(case.main, unit)
    column = split.spikes[:, np.flatnonzero(split.units == unit)[0]]
    trained = triggered(split.stimulus, column, split.parts["train"], lags)
    if train is None:
        return trained, triggered(split.stimulus, column, split.parts[PART], lags), None
    begin, end = train.first_bin, train.first_bin + len(train.recorded)
    stretch = next((one for one in split.parts[PART] if one[0] <= begin < one[1]), (begin, end))
    whole = np.zeros(len(column), np.uint8)
    found = []
    for counts in (train.recorded, train.predicted):
        whole[begin:end] = counts
        found.append(triggered(split.stimulus, whole, [stretch], lags))
    return trained, found[0], found[1]


def _times(train: SpikeTrain, counts: np.ndarray) -> np.ndarray:
    return (np.flatnonzero(counts) + 0.5) * train.bin_ms / 1000


def _label(case: Case, line: Line | None, unit: int) -> str:
    if line is None:
        return "recorded"
    return f"{line.label}  {number(case.numbers.by_unit.get(line, {}).get(unit), 'digits')}"


def _raster(axes: Axes, rows: Rows, span: tuple[float, float], paint: dict[str, str], *, lines: bool = False) -> None:
    for i, (line, times) in enumerate(rows):
        inside = times[(times >= span[0]) & (times < span[1])]
        if line is None and lines:
            axes.vlines(inside, -0.5, len(rows) - 0.5, color=FAINT, linewidth=0.6, zorder=1)
        colour = INK if line is None else paint[line.model]
        axes.vlines(inside, i - 0.38, i + 0.38, color=colour, linewidth=1.0 if lines else 0.7, zorder=3)
    axes.set_xlim(*span)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])


def _average(axes: Axes, times: np.ndarray, found: Average | None, paint: dict[str, str]) -> None:
    axes.axhline(0, color=FAINT, linewidth=0.8, zorder=0)
    axes.set_xlim(times[0], 0)
    if found is None or not found.spikes:
        axes.set_title("no spikes", fontsize=8.5)
        return
    axes.axhspan(-found.chance, found.chance, color=GREY, alpha=0.18, linewidth=0, zorder=0)
    for (name, colour), values in zip(paint.items(), found.mean.T, strict=True):
        axes.plot(times, values, color=colour, label=name, linewidth=1.2)
    axes.set_title(f"{found.spikes:,} spike{'s' if found.spikes > 1 else ''}", fontsize=8.5)
