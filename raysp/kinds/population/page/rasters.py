"""Counts beside rates, trial by trial: units upwards, time to the right, one colour scale for all trials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from matplotlib.ticker import MaxNLocator

from raysp.errors import present
from raysp.kinds.population.case import Case
from raysp.models.prediction import hertz
from raysp.report.style import CORAL, UNKNOWN, Look, Picture, canvas, colorbar, mark_time, outer_ticks, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

SHOWN, NAMED = 2, 8
TOP_PERCENTILE = 99.0


def raster(case: Case) -> Picture:
    """Draw counts and predicted rates, and true rates where they are known, of two ordinary trials.

    The trials are those whose number of input spikes lies at the lower and upper third, so that neither an empty nor
    an extreme one stands for the rest.
    """
    bin_ms, true = case.split.sizes.bin_ms, case.known.rates
    trials = ordinary_trials(case.known.heldin, SHOWN)
    counts = case.counts()[trials]
    rates = {"predicted rates": case.rates()} | ({} if true is None else {"true rates": true})
    rates = {name: hertz(array[trials], bin_ms) for name, array in rates.items()}
    most, top = max(float(np.nanmax(counts, initial=0.0)), 1.0), _top(list(rates.values()))
    with canvas(9.6, 0.5 + 2.5 * len(trials)) as figure:
        grid = figure.subplots(len(trials), 1 + len(rates), squeeze=False, sharex=True, sharey=True)
        images = []
        for column, (name, array) in zip(grid.T, {"counts": counts, **rates}.items(), strict=True):
            look = {"cmap": "Greys", "vmax": most} if name == "counts" else {"cmap": "viridis", "vmax": top}
            images += [_panel(axes, case, one, look) for axes, one in zip(column, array, strict=True)]
            column[0].set_title(name)
            mark_time(column[-1], case.window_ms, case.observed_ms)
        for columns, image, label in (
            (grid[:, :1], images[0], f"spikes per {bin_ms:g} ms bin"),
            (grid[:, 1:], images[-1], "spikes/s"),
        ):
            place: Look = {"location": "bottom", "shrink": 0.75 / columns.shape[1], "aspect": 32, "pad": 0.02}
            bar = colorbar(figure, image, list(columns.ravel()), label, **place)
            bar.locator.set_params(integer=True, nbins=6)
        for axes, trial in zip(grid[:, 0], trials, strict=True):
            axes.set_ylabel(f"{case.trial_name(trial)}\nunit" + (", by position" if case.split.units is None else ""))
            _name_units(axes, case)
        outer_ticks(list(grid.ravel()))
        unknown = bool(np.isnan(case.counts()).any())
        return picture(figure, __name__, "raster", sizes=case.split.sizes, truth=true is not None, unknown=unknown)


def ordinary_trials(heldin: np.ndarray, count: int) -> list[int]:
    """Return trials spread evenly over the ranks of their numbers of spikes, neither first nor last.

    Args:
        heldin: (trials, bins, units) counts, NaN allowed.
        count: how many, at most as many as there are.
    """
    ranked = np.argsort([np.nansum(trial) for trial in heldin], kind="stable")
    count = min(count, len(ranked))
    places = ((np.arange(count) + 1) * len(ranked)) // (count + 1)
    return [int(ranked[place]) for place in places]


def image(axes: Axes, case: Case, array: np.ndarray, **look: Any) -> AxesImage:
    """Draw (bins, units) on one trial's window; what is NaN is shaded, as what is not known."""
    axes.set_facecolor(UNKNOWN)
    cast(MaxNLocator, axes.yaxis.get_major_locator()).set_params(integer=True)
    extent = (0.0, case.window_ms, 0.0, case.split.sizes.units)
    return axes.imshow(np.ma.masked_invalid(array.T), origin="lower", aspect="auto", extent=extent, **look)


def _name_units(axes: Axes, case: Case) -> None:
    """Write the recording's names or numbers of a few units at their places."""
    count = case.split.sizes.units
    places = range(0, count, max(-(-count // NAMED), 1))
    axes.set_yticks([place + 0.5 for place in places], [case.unit_label(place) for place in places])


def _panel(axes: Axes, case: Case, array: np.ndarray, look: Look) -> AxesImage:
    sizes = case.split.sizes
    drawn = image(axes, case, array, vmin=0.0, **look)
    if sizes.heldout:
        axes.axhline(sizes.heldin, color=CORAL, linewidth=1.2)
        for name, side, above in (("held-out", "bottom", 3), ("held-in", "top", -3)):
            if present(axes.get_subplotspec()).is_first_col():
                place: Look = {"xytext": (4, above), "textcoords": "offset points", "va": side, "fontsize": 8}
                box = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1.0}
                axes.annotate(name, (0, sizes.heldin), color=CORAL, bbox=box, **place)
    if sizes.forward:
        axes.axvline(case.observed_ms, color=CORAL, linewidth=1.2)
    return drawn


def _top(arrays: list[np.ndarray]) -> float:
    values = np.concatenate([array[np.isfinite(array)] for array in arrays])
    top = float(np.percentile(values, TOP_PERCENTILE)) if values.size else 0.0
    return top if top > 0 else 1.0
