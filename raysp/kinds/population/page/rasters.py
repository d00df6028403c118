"""Counts beside rates, trial by trial: neurons upwards, time to the right, one colour scale for all trials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from raysp.kinds.population.page.case import Case
from raysp.models.prediction import hertz
from raysp.report.style import CORAL, UNKNOWN, Picture, canvas, mark_time, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = 2
TOP_PERCENTILE = 99.0


def raster(case: Case) -> Picture:
    """Draw counts and predicted rates, and true rates where they are known, of two ordinary trials.

    The trials are those whose number of input spikes lies at the lower and upper third, so that neither an empty nor
    an extreme one stands for the rest.
    """
    bin_ms = case.split.sizes.bin_ms
    trials = ordinary_trials(case.known.heldin, SHOWN)
    counts, rates = case.counts()[trials], hertz(case.rates()[trials], bin_ms)
    true = None if case.known.rates is None else hertz(case.known.rates[trials], bin_ms)
    columns = [("counts", counts), ("predicted rates", rates)] + ([] if true is None else [("true rates", true)])
    top = _top([array for name, array in columns if name != "counts"])
    most = max(float(np.nanmax(counts, initial=0.0)), 1.0)
    with canvas(9.6, 0.5 + 2.5 * len(trials)) as figure:
        axes = figure.subplots(len(trials), len(columns), squeeze=False, sharex=True, sharey=True)
        for j, (name, array) in enumerate(columns):
            style = {"cmap": "Greys", "vmax": most} if name == "counts" else {"cmap": "viridis", "vmax": top}
            for i, trial in enumerate(trials):
                image = _panel(axes[i, j], case, array[i], style)
                if i == 0:
                    axes[i, j].set_title(name)
                if j == 0:
                    axes[i, j].set_ylabel(f"{case.trial_name(trial)}\nneuron, by position")
                if i == len(trials) - 1:
                    mark_time(axes[i, j], case.window_ms, case.observed_ms)
            label = f"spikes per {bin_ms:g} ms bin" if name == "counts" else "spikes/s"
            bar = figure.colorbar(image, ax=axes[:, j], location="bottom", shrink=0.75, aspect=32, pad=0.02)
            bar.set_label(label)
            bar.locator.set_params(integer=True, nbins=6)
            bar.outline.set_visible(False)
        return Picture("raster", "Counts and rates", _caption(case, true is not None), png(figure))


def ordinary_trials(heldin: np.ndarray, count: int) -> list[int]:
    """Return trials spread evenly over the ranks of their numbers of spikes, neither first nor last.

    Args:
        heldin: (trials, bins, neurons) counts, NaN allowed.
        count: how many, at most as many as there are.
    """
    ranked = np.argsort(np.nansum(heldin, axis=(1, 2)), kind="stable")
    count = min(count, len(ranked))
    places = ((np.arange(count) + 1) * len(ranked)) // (count + 1)
    return [int(ranked[place]) for place in places]


def _panel(axes: Axes, case: Case, array: np.ndarray, style: dict[str, Any]) -> Any:
    sizes = case.split.sizes
    axes.set_facecolor(UNKNOWN)
    masked = np.ma.masked_invalid(array.T)
    extent = (0.0, case.window_ms, 0.0, sizes.neurons)
    axes.yaxis.get_major_locator().set_params(integer=True)
    image = axes.imshow(masked, origin="lower", aspect="auto", extent=extent, vmin=0.0, **style)
    if sizes.heldout:
        axes.axhline(sizes.heldin, color=CORAL, linewidth=1.2)
        _name_kinds(axes, sizes.heldin)
    if sizes.forward:
        axes.axvline(case.observed_ms, color=CORAL, linewidth=1.2)
    return image


def _name_kinds(axes: Axes, heldin: int) -> None:
    if axes.get_subplotspec().is_first_col():
        box = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1.0}
        for name, side, above in (("held-out", "bottom", 3), ("held-in", "top", -3)):
            axes.annotate(
                name, (0, heldin), (4, above), textcoords="offset points", va=side, color=CORAL, fontsize=8, bbox=box
            )


def _top(arrays: list[np.ndarray]) -> float:
    values = np.concatenate([array[np.isfinite(array)] for array in arrays])
    top = float(np.percentile(values, TOP_PERCENTILE)) if values.size else 0.0
    return top if top > 0 else 1.0


def _caption(case: Case, truth: bool) -> str:
    sizes = case.split.sizes
    lines = []
    if sizes.heldout:
        lines.append(
            f"above the coral line the {sizes.heldout} held-out neurons, whose counts here the model never saw"
        )
    if sizes.forward:
        lines.append(f"right of it the {sizes.forward * sizes.bin_ms:g} ms after the observed bins")
    marks = f" {'; '.join(lines).capitalize()}." if lines else ""
    unknown = " Shaded: counts that are not known here." if np.isnan(case.counts()).any() else ""
    scale = "One colour scale for all rates" + (", predicted and true" if truth else "")
    return f"Two ordinary evaluation trials (spike counts at the lower and upper third).{marks} {scale}.{unknown}"
