"""Peri-stimulus time histograms: the condition's true average beside the average of the predicted rates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from raysp.errors import NotReady
from raysp.evaluation.psth import condition_means
from raysp.evaluation.r2 import r2_columns
from raysp.models.prediction import hertz
from raysp.report.case import Case
from raysp.report.style import FAINT, Picture, canvas, colours, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NEURONS_OF_A_KIND = 3
CONDITIONS = 4


def psth(case: Case) -> Picture:
    """Draw true (solid) and predicted (dashed) PSTHs of the neurons with the most spikes, spikes/s.

    Raises:
        NotReady: the trials have no conditions, or too little is known to average.
    """
    known = case.known
    if known.condition is None or not (known.condition >= 0).any():
        raise NotReady("no PSTHs: the trials of this split have no conditions")
    true, source = true_means(case)
    jitter = np.zeros(len(known), dtype=int) if known.jitter is None else known.jitter.astype(int)
    predicted = condition_means(case.prediction.rates, known.condition, jitter, len(true))
    # Where the true average is not known, a predicted one compares to nothing.
    predicted[np.isnan(true)] = np.nan
    shown, neurons = _conditions(known.condition), _neurons(case, true)
    if not len(neurons):
        raise NotReady("no PSTHs: no neuron's average is known")
    rows, columns = -(-len(neurons) // NEURONS_OF_A_KIND), min(len(neurons), NEURONS_OF_A_KIND)
    bin_ms = case.split.sizes.bin_ms
    with canvas(9.6, 0.6 + 2.25 * rows) as figure:
        axes = figure.subplots(rows, columns, squeeze=False, sharex=True)
        for axis, neuron in zip(axes.ravel(), neurons, strict=False):
            _panel(axis, case, hertz(true[..., neuron], bin_ms), hertz(predicted[..., neuron], bin_ms), shown, neuron)
        for axis in axes.ravel()[len(neurons) :]:
            axis.set_visible(False)
        for axis in axes[-1]:
            axis.set_xlabel("time in window (ms)")
        for axis in axes[:, 0]:
            axis.set_ylabel("rate (spikes/s)")
        _legend(figure)
        return Picture("psth", "PSTHs, true and predicted", _caption(case, source, len(shown), len(true)), png(figure))


def true_means(case: Case) -> tuple[np.ndarray, str]:
    """Return (conditions, bins, neurons) true averages, expected spikes per bin, and what they were made of.

    Raises:
        NotReady: neither PSTHs nor true rates are known.
    """
    known, sizes = case.known, case.split.sizes
    if case.answers is not None and case.answers.psth is not None:
        return case.answers.psth, "smoothed counts of all trials"
    if known.rates is not None:
        conditions = int(known.condition.max()) + 1
        unmoved = np.zeros(len(known), dtype=int)
        return condition_means(known.rates[:, : sizes.bins], known.condition, unmoved, conditions), "true rates"
    raise NotReady("no PSTHs: neither PSTHs nor true rates are known for this split")


def _conditions(condition: np.ndarray) -> np.ndarray:
    """Return the conditions with the most evaluation trials."""
    trials = np.bincount(condition[condition >= 0])
    most = np.argsort(-trials, kind="stable")[:CONDITIONS]
    return np.sort(most[trials[most] > 0])


def _neurons(case: Case, true: np.ndarray) -> list[int]:
    """Return the neurons with the most spikes: held-out ones first, then held-in ones."""
    with np.errstate(invalid="ignore"):
        spikes = np.nansum(true, axis=(0, 1))
    heldin = case.split.sizes.heldin
    order = np.argsort(-spikes, kind="stable")
    order = order[spikes[order] > 0]
    return [*order[order >= heldin][:NEURONS_OF_A_KIND], *order[order < heldin][:NEURONS_OF_A_KIND]]


def _panel(axis: Axes, case: Case, true: np.ndarray, predicted: np.ndarray, shown: np.ndarray, neuron: int) -> None:
    sizes = case.split.sizes
    time = (np.arange(sizes.bins) + 0.5) * sizes.bin_ms
    for colour, condition in zip(colours(len(shown)), shown, strict=True):
        axis.plot(time, true[condition], color=colour, linewidth=2.2, alpha=0.45)
        axis.plot(time, predicted[condition], color=colour, linewidth=1.4, linestyle=(0, (4, 1.5)))
    axis.set_ylim(bottom=0)
    axis.grid(axis="y", color=FAINT, linewidth=0.5)
    kind = "held-out" if neuron >= sizes.heldin else "held-in"
    axis.set_title(f"{kind} neuron {neuron}   {_fit(true, predicted)}")


def _fit(true: np.ndarray, predicted: np.ndarray) -> str:
    both = np.isfinite(true) & np.isfinite(predicted)
    if both.sum() < 2 or np.ptp(true[both]) == 0:
        return ""
    r2 = float(r2_columns(true[both][:, None].astype(np.float64), predicted[both][:, None].astype(np.float64))[0])
    return f"R² = {r2:.2f}".replace("-", "−")


def _legend(figure) -> None:
    from matplotlib.lines import Line2D

    lines = [
        Line2D([], [], color="#555555", linewidth=2.2, alpha=0.5, label="true"),
        Line2D([], [], color="#555555", linewidth=1.4, linestyle=(0, (4, 1.5)), label="predicted"),
    ]
    figure.legend(handles=lines, loc="outside upper right", ncols=2)


def _caption(case: Case, source: str, shown: int, conditions: int) -> str:
    return (
        f"The neurons with the most spikes; {shown} of {conditions} conditions (the most evaluation trials), "
        f"one colour each. True: {source}. Predicted: rates averaged over the condition's evaluation trials. "
        "R² of a panel is over all conditions."
    )
