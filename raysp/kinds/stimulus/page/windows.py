"""A network's windows: predicted beside true distances as its rollout moves on, and the kernels of its first layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from raysp.errors import NotReady
from raysp.kinds.stimulus.kernels_file import read_kernels
from raysp.kinds.stimulus.page.case import LIGHTS, Case
from raysp.kinds.stimulus.page.curves import line_colours
from raysp.kinds.stimulus.spike_trains_file import SpikeTrain
from raysp.report.style import CORAL, FAINT, INK, Look, Picture, canvas, colorbar, panels, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure
    from matplotlib.image import AxesImage

LENGTH_S = 2.0
STRONGEST = 6
OWN = "own spikes"


@dataclass(frozen=True)
class Arrays:
    """Some successive windows of one unit, from the `first` on.

    Attributes:
        train: what was predicted.
        predicted, true: (windows, bins) distances, bins.
        past: bins of an array before t = 0.
        clamp: the largest true distance, bins.
    """

    train: SpikeTrain
    first: int
    predicted: np.ndarray
    true: np.ndarray
    past: int
    clamp: int

    @property
    def starts_s(self) -> np.ndarray:
        """(windows + 1,) each window's t = 0, and where the last one's step ends, s from the prediction's beginning."""
        windows = self.first + np.arange(len(self.true) + 1)
        return windows * self.train.step * self.train.bin_ms / 1000


def arrays(case: Case) -> Picture:
    """Draw two seconds of the first shown unit: spikes, distances along time, and whole arrays window by window.

    Raises:
        NotReady: the main model's output is no array of distances, or was not kept.
        BadInput: the recording is no longer what it was.
    """
    one = case.shown[0]
    found = open_arrays(case, one.unit)
    colour = line_colours(case.numbers.lines)[case.main.model]
    with canvas(9.6, 6.6) as figure:
        (top,), (bottom,) = figure.subfigures(2, 1, squeeze=False, height_ratios=[1.0, 1.15])
        spikes, along = top.subplots(2, 1, sharex=True, height_ratios=[1, 4])
        _spikes(spikes, found, colour)
        _along(along, found, colour, case.main.label)
        spikes.set_title(one.name, loc="left")
        top.legend(*along.get_legend_handles_labels(), loc="outside upper right", ncols=2)
        pair = bottom.subplots(1, 2, sharey=True)
        for axes, (name, array) in zip(pair, (("predicted", found.predicted), ("true", found.true)), strict=True):
            image = _windows(axes, found, array)
            axes.set_title(f"{name}, window by window")
        pair[0].set_ylabel("t = 0 of the window (s)")
        bar = colorbar(bottom, image, pair, "distance (ms)", shrink=0.9, aspect=24, pad=0.01)
        bar.set_ticks([3, 10, 30, 100], labels=["3", "10", "30", "100"])
        bar.minorticks_off()
        return picture(figure, __name__, "arrays")


def open_arrays(case: Case, unit: int) -> Arrays:
    """Return the windows of the two seconds of a unit in which most spikes were recorded. Raises as `arrays` does."""
    from raysp.objectives.spike_distance import true_distances

    trial, train = case.trial(case.main.model, unit), case.train(case.main, unit, output=True)
    values = {} if trial is None else trial.hyperparameters
    sizes = [one for name in ("past", "output_bins", "clamp") if isinstance(one := values.get(name), int)]
    if len(sizes) < 3 or train is None:
        raise NotReady(f"no distance arrays: {case.main.model} does not predict distances")
    past, length, clamp = sizes
    if train.output is None or train.output.shape[1] != length:
        raise NotReady(f"no distance arrays: the output of {case.main.label} was not kept with its predictions")
    count = min(max(round(LENGTH_S * 1000 / train.bin_ms / train.step), 1), len(train.output))
    first = busiest(train.recorded, train.step, count)
    starts = train.first_bin + train.step * np.arange(first, first + count)
    spikes = case.split.spikes[:, case.split.units == unit]
    true = true_distances(spikes, starts, past=past, length=length, clamp=clamp)[0]
    return Arrays(train, first, train.output[first : first + count], true, past, clamp)


def busiest(recorded: np.ndarray, step: int, count: int) -> int:
    """Return the first of `count` successive windows of `step` bins that hold most recorded spikes together."""
    by_window = np.add.reduceat(recorded.astype(np.int64), np.arange(0, len(recorded), step))
    return int(np.argmax(np.convolve(by_window, np.ones(count, np.int64), mode="valid")))


def kernels(case: Case) -> Picture:
    """Draw the first shown unit's kernels: all of them as an image, the strongest as lines.

    Raises:
        NotReady: the trial left none.
        BadInput: they are damaged, or the recording is no longer what it was.
    """
    one = case.shown[0]
    weights, shared = open_kernels(case, one.unit)
    inputs = {**case.channels, OWN: INK}
    with canvas(9.6, 4.2) as figure:
        ((left, right),) = figure.subfigures(1, 2, squeeze=False, width_ratios=[1.0, 1.35])
        _kernels(left, weights, inputs)
        grid = panels(right, min(STRONGEST, len(weights)), 3, sharex=True, sharey=True)
        for i, axes in enumerate(grid):
            _kernel(axes, weights[i], inputs, case.split.sizes.bin_ms)
            axes.set_title(f"kernel {i + 1}", fontsize=8.5)
        right.supylabel("weight")
        right.supxlabel("tap, ms from the middle of the kernel")
        right.legend(*grid[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
        whose = "Shared by all units" if shared else one.name.capitalize()
        return picture(figure, __name__, "kernels", whose=whose, model=case.main.model)


def open_kernels(case: Case, unit: int) -> tuple[np.ndarray, bool]:
    """Return a unit's (kernels, inputs, taps), the strongest first, and whether all units of the trial share them.

    The normalisation that follows is multiplied in; inputs are the stimulus' channels, then the unit's own spikes.
    Raises as `kernels` does.
    """
    trial = case.trial(case.main.model, unit)
    if trial is None:
        raise NotReady(f"no kernels: no trial of {case.main.model} with unit {unit} is finished")
    weights, shared = read_kernels(case.data.run.trial(trial.id).kernels, trial, unit)
    strongest = np.argsort(-np.square(weights).sum(axis=(1, 2)), kind="stable")
    return weights[strongest], shared


def _spikes(axes: Axes, found: Arrays, colour: str) -> None:
    span = slice(found.first * found.train.step, (found.first + len(found.true)) * found.train.step)
    for row, (counts, ink) in enumerate(((found.train.recorded, INK), (found.train.predicted, colour))):
        times = found.starts_s[0] + (np.flatnonzero(counts[span]) + 0.5) * found.train.bin_ms / 1000
        axes.vlines(times, row - 0.4, row + 0.4, color=ink, linewidth=1.1)
    axes.set_ylim(1.6, -0.6)
    axes.set_yticks([0, 1], ["recorded", "predicted"])
    axes.tick_params(axis="both", length=0)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)


def _along(axes: Axes, found: Arrays, colour: str, name: str) -> None:
    step, past, bin_ms = found.train.step, found.past, found.train.bin_ms
    times = found.starts_s[0] + (np.arange(len(found.true) * step) + 0.5) * bin_ms / 1000
    for label, array, ink, width in (("true", found.true, INK, 1.0), (name, found.predicted, colour, 1.6)):
        values = array[:, past : past + step].astype(float) * bin_ms
        # No line from one window's end to the next one's beginning: each knows of other spikes.
        values[:, -1] = np.nan
        axes.plot(times, values.ravel(), label=label, color=ink, linewidth=width)
    for start in found.starts_s:
        axes.axvline(start, color=FAINT, linewidth=0.5, zorder=0)
    axes.set_yscale("log")
    axes.set_xlim(times[0], times[-1])
    axes.set_yticks([1, 10, 100], ["1", "10", "100"])
    axes.minorticks_off()
    axes.set_ylabel("distance to the\nnearest spike (ms)")
    axes.set_xlabel("time from the beginning of the prediction (s)")


def _windows(axes: Axes, found: Arrays, array: np.ndarray) -> AxesImage:
    import matplotlib

    bin_ms = found.train.bin_ms
    extent = (-found.past * bin_ms, (array.shape[1] - found.past) * bin_ms, found.starts_s[-1], found.starts_s[0])
    norm = matplotlib.colors.LogNorm(bin_ms, found.clamp * bin_ms)
    image = axes.imshow(array * bin_ms, extent=extent, aspect="auto", cmap="magma", norm=norm)
    axes.axvline(0, color=CORAL, linewidth=1.2)
    axes.set_xlabel("time from t = 0 (ms)")
    return image


def _kernels(figure: SubFigure, weights: np.ndarray, inputs: dict[str, str]) -> None:
    axes = figure.subplots()
    count, _, taps = weights.shape
    top = float(np.abs(weights).max()) or 1.0
    extent = (-0.5, len(inputs) * taps - 0.5, count + 0.5, 0.5)
    scale: Look = {"cmap": "RdBu_r", "vmin": -top, "vmax": top}
    image = axes.imshow(weights.reshape(count, -1), aspect="auto", extent=extent, **scale)
    for i in range(1, len(inputs)):
        axes.axvline(i * taps - 0.5, color="white", linewidth=2.5)
    labels = [name.partition(" ")[0] if name in LIGHTS else name for name in inputs]
    axes.set_xticks([(i + 0.5) * taps - 0.5 for i in range(len(inputs))], labels, fontsize=8)
    for tick, colour in zip(axes.get_xticklabels(), inputs.values(), strict=True):
        tick.set_color(colour)
    axes.tick_params(axis="x", length=0)
    axes.set_ylabel("kernel, strongest first")
    axes.set_xlabel(f"input, {taps} taps each")
    colorbar(figure, image, axes, "weight", location="bottom", shrink=0.8, aspect=30, pad=0.02)


def _kernel(axes: Axes, kernel: np.ndarray, inputs: dict[str, str], bin_ms: float) -> None:
    taps = (np.arange(kernel.shape[1]) - kernel.shape[1] // 2) * bin_ms
    axes.axhline(0, color=FAINT, linewidth=0.8, zorder=0)
    for (name, colour), weights in zip(inputs.items(), kernel, strict=True):
        axes.plot(taps, weights, color=colour, label=name, linewidth=1.2)
