"""What a distance network says as its rollout moves on: predicted beside true distances to the nearest spike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from raysp.data.splits.stimulus import StimulusSplit
from raysp.errors import NotReady
from raysp.kinds.stimulus.page.case import TrainCase
from raysp.kinds.stimulus.page.colours import line_colours
from raysp.kinds.stimulus.spike_trains_file import Train
from raysp.report.style import CORAL, FAINT, INK, Picture, canvas, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LENGTH_S = 2.0
COLOURS = "magma"
AT_SPIKE = 0.25
"""Distance in a spike's own bin, as the networks learn it."""


@dataclass(frozen=True)
class Arrays:
    """Some successive windows of one cell.

    Attributes:
        train: what was predicted.
        first: the first window.
        predicted: (windows, bins) distances, bins.
        true: (windows, bins) distances, bins.
        past: bins of an array before t = 0.
        clamp: the largest true distance, bins.
    """

    train: Train
    first: int
    predicted: np.ndarray
    true: np.ndarray
    past: int
    clamp: int

    @property
    def begin_ms(self) -> float:
        """Time of the first window's t = 0, from the beginning of the prediction."""
        return self.first * self.train.step * self.train.bin_ms

    @property
    def step_ms(self) -> float:
        """Time from one window to the next."""
        return self.train.step * self.train.bin_ms


def arrays(case: TrainCase) -> Picture:
    """Draw two seconds of the first shown cell: spikes, distances along time, and whole arrays window by window.

    Raises:
        NotReady: the main model's output is no array of distances, or was not kept.
        BadInput: the recording is no longer what it was.
    """
    one = case.shown[0]
    found = open_arrays(case, one.cell)
    colour = line_colours(case.numbers.lines)[case.main.model]
    with canvas(9.6, 6.6) as figure:
        top, bottom = figure.subfigures(2, 1, height_ratios=[1.0, 1.15])
        spikes, along = top.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [1, 4]})
        _spikes(spikes, found, colour)
        _along(along, found, colour, case.main.label)
        spikes.set_title(f"cell {one.cell} ({one.place})", loc="left")
        top.legend(*along.get_legend_handles_labels(), loc="outside upper right", ncols=2)
        panels = bottom.subplots(1, 2, sharey=True)
        for axes, (name, array) in zip(panels, (("predicted", found.predicted), ("true", found.true)), strict=True):
            image = _image(axes, found, array)
            axes.set_title(f"{name}, window by window")
        panels[0].set_ylabel("t = 0 of the window (s)")
        bar = bottom.colorbar(image, ax=panels, shrink=0.9, aspect=24, pad=0.01)
        bar.set_label("distance (ms)")
        bar.set_ticks([3, 10, 30, 100], labels=["3", "10", "30", "100"])
        bar.minorticks_off()
        bar.outline.set_visible(False)
        caption = (
            "Top: in each window's own bins, the predicted distance to the nearest spike against the true one; spikes "
            "are put where the prediction dips. Bottom: whole arrays, the bins before t = 0 left of the coral line: "
            "look whether dark bands, the spikes to come, stand in the same places on both sides."
        )
        return Picture("arrays", "Spike distance along a rollout", caption, png(figure))


def open_arrays(case: TrainCase, cell: int) -> Arrays:
    """Return the windows of the two seconds of a cell in which most spikes were recorded. Raises as `arrays` does."""
    trial, train = case.trial(case.main.model, cell), case.output(case.main, cell)
    settings = {} if trial is None else trial.settings
    sizes = [settings.get(name) for name in ("past", "output_bins", "clamp")]
    if None in sizes or train is None:
        raise NotReady(f"no distance arrays: {case.main.model} does not predict distances")
    past, length, clamp = sizes
    if train.output is None or train.output.shape[1] != length:
        raise NotReady(f"no distance arrays: the output of {case.main.label} was not kept with its predictions")
    count = min(max(round(LENGTH_S * 1000 / train.bin_ms / train.step), 1), len(train.output))
    first = busiest(train.recorded, train.step, count)
    starts = train.first_bin + train.step * np.arange(first, first + count)
    true = true_distances(case.split, cell, starts, past, length, clamp)
    return Arrays(train, first, train.output[first : first + count], true, past, clamp)


def busiest(recorded: np.ndarray, step: int, count: int) -> int:
    """Return the first of `count` successive windows of `step` bins that hold most recorded spikes together."""
    by_window = np.add.reduceat(recorded.astype(np.int64), np.arange(0, len(recorded), step))
    return int(np.argmax(np.convolve(by_window, np.ones(count, np.int64), mode="valid")))


def true_distances(
    split: StimulusSplit, cell: int, starts: np.ndarray, past: int, length: int, clamp: int
) -> np.ndarray:
    """Return (windows, length) true distances in bins; the last windows may reach beyond the recording.

    Args:
        split: the recording.
        cell: the recording's own number.
        starts: (windows,) t = 0 of each, bins.
        past: bins of an array before t = 0.
        length: bins of an array.
        clamp: the largest distance, bins.
    """
    spikes = np.flatnonzero(split.spikes[:, split.cells == cell][:, 0])
    bins = starts[:, None] + np.arange(-past, length - past)
    # Only spikes from t = 0 of a window on count, for the bins before it too.
    place = np.searchsorted(spikes, np.maximum(bins, starts[:, None]))
    far = bins.max() + clamp
    ahead = np.r_[spikes, far][place] - bins
    last = np.r_[-1, spikes][place]
    behind = np.where(last >= starts[:, None], bins - last, clamp)
    found = np.minimum(np.minimum(ahead, behind), clamp).astype(np.float32)
    return np.where(found == 0, np.float32(AT_SPIKE), found)


def _spikes(axes: Axes, found: Arrays, colour: str) -> None:
    span = slice(found.first * found.train.step, (found.first + len(found.true)) * found.train.step)
    for row, (counts, ink) in enumerate(((found.train.recorded, INK), (found.train.predicted, colour))):
        times = (np.flatnonzero(counts[span]) + 0.5) * found.train.bin_ms
        axes.vlines((found.begin_ms + times) / 1000, row - 0.4, row + 0.4, color=ink, linewidth=1.1)
    axes.set_ylim(1.6, -0.6)
    axes.set_yticks([0, 1], ["recorded", "predicted"])
    axes.tick_params(axis="both", length=0)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)


def _along(axes: Axes, found: Arrays, colour: str, name: str) -> None:
    step, past = found.train.step, found.past
    bins = np.arange(len(found.true) * step) + 0.5
    times = (found.begin_ms + bins * found.train.bin_ms) / 1000
    for label, array, look in (
        ("true", found.true, {"color": INK, "linewidth": 1.0}),
        (name, found.predicted, {"color": colour, "linewidth": 1.6}),
    ):
        values = array[:, past : past + step].astype(float) * found.train.bin_ms
        # No line from one window's end to the next one's beginning: each knows of other spikes.
        values[:, -1] = np.nan
        axes.plot(times, values.ravel(), label=label, **look)
    for window in range(len(found.true) + 1):
        axes.axvline((found.begin_ms + window * found.step_ms) / 1000, color=FAINT, linewidth=0.5, zorder=0)
    axes.set_yscale("log")
    axes.set_xlim(times[0], times[-1])
    axes.set_yticks([1, 10, 100], ["1", "10", "100"])
    axes.minorticks_off()
    axes.set_ylabel("distance to the\nnearest spike (ms)")
    axes.set_xlabel("time from the beginning of the prediction (s)")


def _image(axes: Axes, found: Arrays, array: np.ndarray) -> Any:
    import matplotlib

    bin_ms = found.train.bin_ms
    left, right = -found.past * bin_ms, (array.shape[1] - found.past) * bin_ms
    begin, end = found.begin_ms / 1000, (found.begin_ms + len(array) * found.step_ms) / 1000
    norm = matplotlib.colors.LogNorm(bin_ms, found.clamp * bin_ms)
    image = axes.imshow(array * bin_ms, extent=(left, right, end, begin), aspect="auto", cmap=COLOURS, norm=norm)
    axes.axvline(0, color=CORAL, linewidth=1.2)
    axes.set_xlabel("time from t = 0 (ms)")
    return image
