"""Spike-triggered averages: what the stimulus was like before a recorded spike, and before a predicted one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from raysp.kinds.stimulus.page.case import TrainCase, chosen_by
from raysp.kinds.stimulus.page.colours import channel_colours
from raysp.kinds.stimulus.page.numbers import PART
from raysp.report.style import FAINT, GREY, Picture, canvas, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LENGTH_MS = 500.0
KINDS = ("recorded, training part", "recorded, test part", "predicted, test part")
CHANCE_SD = 2.0


@dataclass(frozen=True)
class Average:
    """A spike-triggered average.

    Attributes:
        mean: (lags, channels) stimulus minus its mean over the part; the last row is the spike's own bin.
        spikes: how many.
        chance: half the width of the band in which averages over so many random moments lie, two standard deviations.
    """

    mean: np.ndarray
    spikes: int
    chance: float


def averages(case: TrainCase) -> Picture:
    """Draw the averages of each shown cell: recorded spikes of training, recorded ones of the test, predicted ones.

    Raises:
        NotReady: the recording is not prepared.
        BadInput: it is no longer what it was.
    """
    split = case.split
    lags = max(round(LENGTH_MS / split.sizes.bin_ms), 1)
    paint = channel_colours(split.sizes.channels, split.provenance.builder)
    times = -np.arange(lags)[::-1] * split.sizes.bin_ms
    with canvas(9.6, 0.9 + 1.55 * len(case.shown)) as figure:
        grid = figure.subplots(len(case.shown), 3, squeeze=False, sharex=True, sharey="row")
        for row, one in zip(grid, case.shown, strict=True):
            for axes, found in zip(row, cell_averages(case, one.cell, lags), strict=True):
                _panel(axes, times, found, paint)
            row[0].set_ylabel(f"cell {one.cell} ({one.place})\nstimulus − mean", fontsize=8.5)
        for axes, name in zip(grid[0], KINDS, strict=True):
            axes.set_title(f"{name}\n{axes.get_title()}", fontsize=9)
        for axes in grid[-1]:
            axes.set_xlabel("time before the spike (ms)")
        figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(paint))
        caption = (
            f"{chosen_by(case)}: mean stimulus before a spike; grey: where averages of so many random moments lie "
            f"(±{CHANCE_SD:g} standard deviations). Look whether predicted spikes ({case.main.label}) follow the same "
            "course of the stimulus as recorded ones."
        )
        return Picture("averages", "Spike-triggered averages", caption, png(figure))


def cell_averages(case: TrainCase, cell: int, lags: int) -> tuple[Average, Average, Average | None]:
    """Return a cell's averages: recorded in training, recorded in the predicted bins, predicted (None without)."""
    split, train = case.split, case.train(case.main, cell)
    column = split.spikes[:, np.flatnonzero(split.cells == cell)[0]]
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
    return trained, *found


def triggered(stimulus: np.ndarray, counts: np.ndarray, stretches: Sequence[tuple[int, int]], lags: int) -> Average:
    """Return the average stimulus before the spikes of some stretches; it never reaches into another stretch.

    Args:
        stimulus: (bins, channels).
        counts: (bins,) spikes per bin.
        stretches: first bin, and bin after the last, of each.
        lags: bins of the average, the spike's own bin among them.
    """
    total, spikes, rows = np.zeros((lags, stimulus.shape[1])), 0, []
    for start, stop in stretches:
        rows.append(stimulus[start:stop])
        at = np.flatnonzero(counts[start:stop])
        at = at[at >= lags - 1]
        weights = counts[start + at].astype(np.float64)
        spikes += int(weights.sum())
        for lag in range(lags):
            total[lags - 1 - lag] += weights @ rows[-1][at - lag]
    seen = np.concatenate(rows)
    if not spikes:
        return Average(np.full_like(total, np.nan), 0, np.nan)
    chance = CHANCE_SD * float(seen.std(axis=0).mean()) / np.sqrt(spikes)
    return Average(total / spikes - seen.mean(axis=0, dtype=np.float64), spikes, chance)


def _panel(axes: Axes, times: np.ndarray, found: Average | None, paint: dict[str, str]) -> None:
    axes.axhline(0, color=FAINT, linewidth=0.8, zorder=0)
    axes.set_xlim(times[0], 0)
    if found is None or not found.spikes:
        axes.set_title("no spikes", fontsize=8.5)
        return
    axes.axhspan(-found.chance, found.chance, color=GREY, alpha=0.18, linewidth=0, zorder=0)
    for (name, colour), values in zip(paint.items(), found.mean.T, strict=True):
        axes.plot(times, values, color=colour, label=name, linewidth=1.2)
    axes.set_title(f"{found.spikes:,} spike{'s' if found.spikes > 1 else ''}", fontsize=8.5)
