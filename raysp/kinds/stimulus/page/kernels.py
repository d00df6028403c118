"""First-layer kernels of a cell's network: which course of the lights and of its own spikes each one looks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from raysp.errors import NotReady
from raysp.kinds.stimulus.kernels_file import read_kernels
from raysp.kinds.stimulus.page.case import TrainCase
from raysp.kinds.stimulus.page.colours import LIGHTS, channel_colours
from raysp.report.style import FAINT, INK, Picture, canvas, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROWS, COLUMNS = 2, 3
OWN = "own spikes"


@dataclass(frozen=True)
class Kernels:
    """One cell's kernels, the strongest first.

    Attributes:
        weights: (kernels, inputs, taps), with the normalisation that follows multiplied in.
        inputs: name -> colour of each input: the stimulus' channels, then the cell's own spikes.
        bin_ms: width of a tap, ms.
        shared: whether they are those of all cells of the trial.
    """

    weights: np.ndarray
    inputs: dict[str, str]
    bin_ms: float
    shared: bool = False


def kernels(case: TrainCase) -> Picture:
    """Draw the first shown cell's kernels: all of them as an image, the strongest as lines.

    Raises:
        NotReady: the trial left none.
        BadInput: they are damaged, or the recording is no longer what it was.
    """
    one = case.shown[0]
    found = open_kernels(case, one.cell)
    with canvas(9.6, 4.2) as figure:
        left, right = figure.subfigures(1, 2, width_ratios=[1.0, 1.35])
        _image(left, found)
        grid = right.subplots(ROWS, COLUMNS, sharex=True, sharey=True).ravel()
        for i, axes in enumerate(grid):
            _kernel(axes, found, i)
        right.supylabel("weight", fontsize=9.5)
        right.supxlabel("tap, ms from the middle of the kernel", fontsize=9.5)
        handles, names = grid[0].get_legend_handles_labels()
        right.legend(handles, names, loc="outside upper center", ncols=3)
        whose = "Shared by all cells" if found.shared else f"Cell {one.cell} ({one.place})"
        caption = (
            f"{whose}, best weights of {case.main.model}, normalisation multiplied in, strongest "
            "kernels first: look for smooth courses that change sign, which answer to changes of a light; pale rows do "
            "little."
        )
        return Picture("kernels", "First-layer kernels", caption, png(figure))


def open_kernels(case: TrainCase, cell: int) -> Kernels:
    """Return a cell's kernels as its trial left them. Raises as `kernels` does."""
    trial, split = case.trial(case.main.model, cell), case.split
    if trial is None:
        raise NotReady(f"no kernels: no trial of {case.main.model} with cell {cell} is finished")
    weights, shared = read_kernels(case.material.run.trial(trial.id).kernels, trial, cell)
    strongest = np.argsort(-np.square(weights).sum(axis=(1, 2)), kind="stable")
    channels = channel_colours(split.sizes.channels, split.provenance.builder)
    return Kernels(weights[strongest], {**channels, OWN: INK}, split.sizes.bin_ms, shared)


def _image(figure: Any, found: Kernels) -> None:
    axes = figure.subplots()
    count, inputs, taps = found.weights.shape
    top = float(np.abs(found.weights).max()) or 1.0
    extent = (-0.5, inputs * taps - 0.5, count + 0.5, 0.5)
    scale = {"cmap": "RdBu_r", "vmin": -top, "vmax": top}
    image = axes.imshow(found.weights.reshape(count, -1), aspect="auto", extent=extent, **scale)
    for i in range(1, inputs):
        axes.axvline(i * taps - 0.5, color="white", linewidth=2.5)
    labels = [name.partition(" ")[0] if name in LIGHTS else name for name in found.inputs]
    axes.set_xticks([(i + 0.5) * taps - 0.5 for i in range(inputs)], labels, fontsize=8)
    for tick, colour in zip(axes.get_xticklabels(), found.inputs.values(), strict=True):
        tick.set_color(colour)
    axes.tick_params(axis="x", length=0)
    axes.set_ylabel("kernel, strongest first")
    axes.set_xlabel(f"input, {taps} taps each")
    bar = figure.colorbar(image, ax=axes, location="bottom", shrink=0.8, aspect=30, pad=0.02)
    bar.set_label("weight")
    bar.outline.set_visible(False)


def _kernel(axes: Axes, found: Kernels, place: int) -> None:
    if place >= len(found.weights):
        axes.set_visible(False)
        return
    taps = (np.arange(found.weights.shape[2]) - found.weights.shape[2] // 2) * found.bin_ms
    axes.axhline(0, color=FAINT, linewidth=0.8, zorder=0)
    for (name, colour), weights in zip(found.inputs.items(), found.weights[place], strict=True):
        axes.plot(taps, weights, color=colour, label=name, linewidth=1.2)
    axes.set_title(f"kernel {place + 1}", fontsize=8.5)
