"""Rollouts as rasters: what a cell fired beside what each model predicts that it fires, from the stimulus alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from raysp.errors import NotReady
from raysp.io.words import number
from raysp.kinds.stimulus.page.case import ShownCell, TrainCase, chosen_by
from raysp.kinds.stimulus.page.colours import line_colours
from raysp.kinds.stimulus.page.curves import best_decodings
from raysp.kinds.stimulus.page.lines import Line
from raysp.kinds.stimulus.page.numbers import HEADLINE
from raysp.kinds.stimulus.page.scores import headline
from raysp.kinds.stimulus.spike_trains_file import Train
from raysp.report.style import FAINT, INK, Picture, canvas, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LENGTH_S, CLOSE_S = 10.0, 1.0
SPAN = "#F1EEE8"

Rows = list[tuple[Line | None, np.ndarray]]
"""The recorded spikes (no line), then those of each model: times in s from the beginning of the prediction."""


def rasters(case: TrainCase) -> Picture:
    """Draw ten seconds of each shown cell, and one second of them closer.

    Raises:
        NotReady: no predictions are at hand.
    """
    shown = [(one, rows) for one in case.shown if (rows := rows_of(case, one.cell)) is not None]
    if not shown:
        raise NotReady(f"no rasters: no predictions of {case.main.label} can be read")
    paint = line_colours(case.numbers.lines)
    heights = [0.45 + 0.165 * len(rows) for _, rows in shown]
    with canvas(9.6, 0.35 + sum(heights)) as figure:
        grid = figure.subplots(
            len(shown), 2, squeeze=False, gridspec_kw={"width_ratios": [3.4, 1.0], "height_ratios": heights}
        )
        for axes, (one, rows) in zip(grid, shown, strict=True):
            start, close = ordinary_stretch(rows[0][1], _seconds(case, one.cell))
            whole = [(line, times - start) for line, times in rows]
            _panel(axes[0], whole, (0.0, LENGTH_S), paint)
            _panel(axes[1], whole, (close - start, close - start + CLOSE_S), paint, lines=True)
            axes[0].axvspan(close - start, close - start + CLOSE_S, color=SPAN, zorder=0)
            _name(axes, case, one, rows)
        grid[-1, 0].set_xlabel("time (s)")
        grid[-1, 1].set_xlabel("the shaded second (s)")
        return Picture("rasters", "Predicted spikes", _caption(case), png(figure))


def rows_of(case: TrainCase, cell: int) -> Rows | None:
    """Return the spike times of a cell, recorded and by each model; None where the main model has none."""
    main = case.train(case.main, cell)
    if main is None:
        return None
    # A true count is almost a recording, and a floor has no spikes: neither says anything here.
    ceilings = [line for line in case.numbers.having("ceiling") if line.interval is None]
    rows: Rows = [(None, _times(main, main.recorded))]
    for line in (*case.numbers.having("network"), *best_decodings(case.numbers, HEADLINE[0]), *ceilings):
        found = case.train(line, cell)
        if found is not None:
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


def _seconds(case: TrainCase, cell: int) -> float:
    train = case.train(case.main, cell)
    return len(train.recorded) * train.bin_ms / 1000


def _times(train: Train, counts: np.ndarray) -> np.ndarray:
    return (np.flatnonzero(counts) + 0.5) * train.bin_ms / 1000


def _panel(axes: Axes, rows: Rows, span: tuple[float, float], paint: dict[str, str], *, lines: bool = False) -> None:
    start, stop = span
    for i, (line, times) in enumerate(rows):
        inside = times[(times >= start) & (times < stop)]
        if line is None and lines:
            axes.vlines(inside, -0.5, len(rows) - 0.5, color=FAINT, linewidth=0.6, zorder=1)
        colour = INK if line is None else paint[line.model]
        axes.vlines(inside, i - 0.38, i + 0.38, color=colour, linewidth=1.0 if lines else 0.7, zorder=3)
    axes.set_xlim(start, stop)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])


def _name(axes: list[Axes], case: TrainCase, one: ShownCell, rows: Rows) -> None:
    labels = [
        "recorded"
        if line is None
        else f"{line.label}  {number(case.numbers.of(line, *HEADLINE).get(one.cell), 'digits')}"
        for line, _ in rows
    ]
    axes[0].set_yticks(range(len(rows)), labels, fontsize=7.5)
    axes[0].set_title(f"cell {one.cell} ({one.place})", loc="left")


def _caption(case: TrainCase) -> str:
    return (
        f"{chosen_by(case)}: {LENGTH_S:g} s of the test part with an ordinary number of spikes; beside each model its "
        f"{headline()} for the cell. Models see the stimulus and what they predicted before, never these recorded "
        "spikes: look whether they fire at the same moments, and equally often."
    )
