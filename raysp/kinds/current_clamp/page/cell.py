"""One cell closely: what it was shown and answered, what the model makes of it, its filters and its activation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from raysp.data.splits.current_clamp import STEPS, CurrentClampSplit
from raysp.errors import NotReady, present
from raysp.io.words import number
from raysp.kinds.current_clamp.cells import Cell
from raysp.kinds.current_clamp.load import parameters_of
from raysp.kinds.current_clamp.metrics import EVR
from raysp.kinds.current_clamp.page.filters import CURRENT, bent_gains, bent_kernels_of, gains, kernels_of
from raysp.kinds.current_clamp.page.numbers import Numbers
from raysp.kinds.current_clamp.rates_file import read_rates
from raysp.kinds.current_clamp.repeats import Repeats
from raysp.models.gfr.parameters import Parameters, activation, run
from raysp.report.style import GREY, INK, Picture, above, canvas, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WINDOW_S, STEP_S = 5.0, 1.5
MODEL, RECORDED = CURRENT, INK
CURVE_POINTS = 300


@dataclass(frozen=True)
class ShownCell:
    """A cell that stands for others: its number, and its place among them by the main model."""

    unit: int
    place: str


def shown_cells(numbers: Numbers) -> list[ShownCell]:
    """Return the median, the best and the worst cell of the main model; fewer where there are fewer."""
    values = {} if numbers.main is None else numbers.values.get((numbers.main, EVR), {})
    ranked = sorted(values, key=lambda unit: (values[unit], unit))
    found: dict[int, str] = {}
    if ranked:
        for place, unit in (("median", ranked[(len(ranked) - 1) // 2]), ("best", ranked[-1]), ("worst", ranked[0])):
            found.setdefault(unit, place if len(ranked) > 1 else "only")
    return [ShownCell(unit, place) for unit, place in found.items()]


def cell(numbers: Numbers, split: CurrentClampSplit, shown: ShownCell, predictions: str) -> Picture:
    """Draw a cell by the main model.

    Args:
        numbers: of the recording.
        split: the recording.
        shown: the cell.
        predictions: path of the trial's that has the cell.

    Raises:
        NotReady: the cell has no fit, or no predictions.
        BadInput: they are damaged.
    """
    fits = numbers.of(present(numbers.main))
    rows = fits.filter(fits["unit"] == shown.unit)
    currents, _ = read_rates(predictions, [shown.unit])
    if rows.is_empty() or not currents:
        raise NotReady(f"no figure of cell {shown.unit}: it has no fit that was scored")
    row = cast(Cell, rows.row(0, named=True))
    parameters, alone = parameters_of(row), split.select([shown.unit])
    logged = _logged(numbers, shown.unit)
    bent = len(parameters.bent_decay) > 0
    with canvas(9.6, 8.2 + 2.1 * bent) as figure:
        grid = figure.add_gridspec(4 + bent, 6, height_ratios=[0.5, *[1] * (3 + bent)])
        below = figure.add_subplot(grid[1, :])
        _window(figure.add_subplot(grid[0, :], sharex=below), below, currents[0], row["bin_ms"])
        _step(figure.add_subplot(grid[2, :3]), alone, parameters)
        _activation(figure.add_subplot(grid[2, 3:]), alone, parameters, row)
        wide = 2 if logged else 3
        gains(figure.add_subplot(grid[3, :wide]), parameters, row["bin_ms"])
        kernels_of(figure.add_subplot(grid[3, wide : 2 * wide]), parameters, row["bin_ms"])
        if logged:
            _losses(figure.add_subplot(grid[3, 4:]), *logged)
        if bent:
            bent_gains(figure.add_subplot(grid[4, :3]), parameters, row["bin_ms"])
            bent_kernels_of(figure.add_subplot(grid[4, 3:]), parameters, row["bin_ms"])
        return Picture(
            f"cell-{shown.unit}",
            f"Cell {shown.unit}, the {shown.place} one of {numbers.main}",
            _caption(row, len(currents[0].counts), logged, bent=bent),
            png(figure),
        )


def _logged(numbers: Numbers, unit: int) -> tuple[str, Cell] | None:
    """Return a model that logged the losses of its fit to a unit, and the fit; None where none did."""
    cells = present(numbers.cells)
    for row in cast("list[Cell]", cells.filter(cells["unit"] == unit).to_dicts()):
        if row["train_losses"] and row["model"] in numbers.neurons:
            return row["model"], row
    return None


def _caption(row: Cell, repeats: int, logged: tuple[str, Cell] | None, *, bent: bool) -> str:
    losses = f", and the losses of the fit by {logged[0]}" if logged else ""
    heard = "; last, the same of what the current has above each bend, which is heard beside it" if bent else ""
    known = ", ".join(row[name] for name in ("species", "line", "dendrite", "layer") if row[name])
    return (
        f"{known + '; ' if known else ''}explained-variance ratio {number(row['test_evr'], 'digits')} of about "
        f"{number(row['ceiling'], 'digits')} on test currents, {number(row['validation_evr'], 'digits')} on "
        f"validation. Above: a window of the test current, and the mean of {repeats} repeats (black), with the "
        "prediction (blue). Middle: the strongest step that trained, and the activation over what the first bins of "
        "steps gave. Below: the gains of current (blue) and own rate (coral) by filter, what both still count later"
        f"{losses}{heard}."
    )


def _window(upper: Axes, below: Axes, one: Repeats, bin_ms: int) -> None:
    bins = min(round(1000 * WINDOW_S / bin_ms), len(one.rates))
    mean = one.counts.mean(axis=0) * 1000 / bin_ms
    # Where most happens: elsewhere there are pauses without any current.
    first = int(np.argmax(np.convolve(mean, np.ones(bins), mode="valid")))
    window = slice(first, first + bins)
    time = (one.first_bin + np.arange(first, first + bins)) * bin_ms / 1000
    upper.plot(time, one.current[window], color=GREY, linewidth=1)
    upper.set_ylabel("pA")
    upper.tick_params(labelbottom=False)
    below.step(time, mean[window], where="post", color=RECORDED, linewidth=1, label="recorded")
    below.step(time, one.rates[window] * 1000, where="post", color=MODEL, linewidth=1.5, label="predicted")
    below.set(xlabel="time in the sweep (s)", ylabel="rate (Hz)", title=f"{one.stimulus}, not trained on")
    above(below)


def _step(axes: Axes, split: CurrentClampSplit, parameters: Parameters) -> None:
    trained = [sweep for sweep in split.sweeps_of(0, STEPS) if split.sweep_parts[sweep, 0]]
    if not trained:
        axes.text(0.5, 0.5, "no step trained", ha="center", color=GREY, transform=axes.transAxes)
        return
    strongest = max(trained, key=lambda sweep: float(split.current_of(sweep).max()))
    bin_ms = split.sizes.bin_ms
    bins = round(1000 * STEP_S / bin_ms)
    current = split.current_of(strongest)[:bins].astype(np.float64)
    time = np.arange(len(current)) * bin_ms / 1000
    counts = split.counts_of(strongest)[:bins]
    axes.step(time, counts * 1000 / bin_ms, where="post", color=RECORDED, linewidth=1)
    axes.step(time, run(parameters, current)[0] * 1000, where="post", color=MODEL, linewidth=1.5)
    axes.set(xlabel="time after onset (s)", ylabel="rate (Hz)", title=f"{STEPS}, {current.max():.0f} pA")


def _activation(axes: Axes, split: CurrentClampSplit, parameters: Parameters, row: Cell) -> None:
    at = max(row["activation_bin_ms"] or 0, row["bin_ms"])
    at = at if at % row["bin_ms"] == 0 else row["bin_ms"]
    points = split.first_bins(at)
    drive = np.linspace(-100, row["sigma"] + 300, CURVE_POINTS)
    axes.plot(drive, activation(drive[None], parameters)[0] * 1000, color=MODEL, linewidth=1.5)
    axes.plot(points.current, points.rate * 1000, "o", color=RECORDED, markersize=4, alpha=0.6)
    axes.set(xlabel="current or summed filters (pA)", ylabel="rate (Hz)", title=f"activation, first {at} ms of steps")


def _losses(axes: Axes, model: str, row: Cell) -> None:
    for name, colour, losses in (("train", GREY, row["train_losses"]), ("test", MODEL, row["test_losses"])):
        if losses:
            axes.plot(np.arange(1, len(losses) + 1), losses, color=colour, label=name)
    axes.set(xlabel="epoch", ylabel="loss per bin (nats)", title=f"fit by {model}")
    above(axes)
