"""Peri-stimulus time histograms: the condition's average rate, true or recorded, beside that of the predicted rates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from raysp.errors import BadInput, NotReady
from raysp.evaluation.psth import condition_means, psth_r2, psth_r2_by_unit
from raysp.io.words import number
from raysp.kinds.population.page.case import Case
from raysp.models.prediction import hertz
from raysp.report.style import FAINT, Picture, canvas, colours, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NEURONS_OF_A_KIND = 3
CONDITIONS = 4


@dataclass(frozen=True)
class Reference:
    """What predicted averages are drawn beside.

    Attributes:
        means: (conditions, bins, neurons) expected spikes per bin; NaN where they are not known.
        name: of the solid lines.
        source: what they are made of.
    """

    means: np.ndarray
    name: str
    source: str


def psth(case: Case) -> Picture:
    """Draw PSTHs (solid) and those of the predicted rates (dashed) of the neurons with the most spikes, spikes/s.

    The solid lines are true rates where these are known, recorded counts elsewhere; the figure says which.

    Raises:
        NotReady: the trials have no conditions, or too little is known to average.
    """
    known = case.known
    if known.condition is None or not (known.condition >= 0).any():
        raise NotReady("no PSTHs: the trials of this split have no conditions")
    reference = reference_means(case)
    true = reference.means
    predicted = condition_means(case.prediction.rates, known.condition, _jitter(case), len(true))
    # Where the average is not known, a predicted one compares to nothing.
    predicted[np.isnan(true)] = np.nan
    r2 = _r2(case, true)
    shown, neurons = _conditions(known.condition), _neurons(case, true)
    if not len(neurons):
        raise NotReady("no PSTHs: no neuron's average is known")
    rows, columns = -(-len(neurons) // NEURONS_OF_A_KIND), min(len(neurons), NEURONS_OF_A_KIND)
    bin_ms = case.split.sizes.bin_ms
    with canvas(9.6, 0.6 + 2.25 * rows) as figure:
        axes = figure.subplots(rows, columns, squeeze=False, sharex=True)
        for axis, neuron in zip(axes.ravel(), neurons, strict=False):
            both = (hertz(array[..., neuron], bin_ms) for array in (true, predicted))
            _panel(axis, case, *both, shown, neuron)
            axis.set_title(_title(case, neuron, true[..., neuron], r2[neuron]))
        for axis in axes.ravel()[len(neurons) :]:
            axis.set_visible(False)
        for axis in axes[-1]:
            axis.set_xlabel("time in window (ms)")
        for axis in axes[:, 0]:
            axis.set_ylabel("rate (spikes/s)")
        _legend(figure, reference.name)
        caption = _caption(case, reference, len(shown))
        return Picture("psth", f"PSTHs, {reference.name} and predicted", caption, png(figure))


def reference_means(case: Case) -> Reference:
    """Return what predicted averages compare to: true rates before recorded counts, which hold the counts' noise.

    Raises:
        NotReady: neither PSTHs nor true rates are known.
    """
    known, sizes = case.known, case.split.sizes
    if known.rates is not None:
        conditions = int(known.condition.max()) + 1
        means = condition_means(known.rates[:, : sizes.bins], known.condition, _jitter(case), conditions)
        return Reference(means, "true rates", "true rates averaged over the same evaluation trials")
    if case.answers is not None and case.answers.psth is not None:
        return Reference(case.answers.psth, "recorded", "smoothed counts averaged over all trials, training included")
    raise NotReady("no PSTHs: neither PSTHs nor true rates are known for this split")


def _jitter(case: Case) -> np.ndarray:
    jitter = case.known.jitter
    return np.zeros(len(case.known), dtype=int) if jitter is None else jitter.astype(int)


def _r2(case: Case, means: np.ndarray) -> np.ndarray:
    """Return (neurons,) R2 of the predicted averages: those that "psth R2" is the mean of; nan where undefined."""
    try:
        return psth_r2_by_unit(case.prediction.rates, means, case.known.condition, _jitter(case))
    except BadInput:
        return np.full(means.shape[2], np.nan)


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


def _title(case: Case, neuron: int, true: np.ndarray, r2: float) -> str:
    varies = np.ptp(true[np.isfinite(true)]) > 0
    return case.unit_name(neuron) + (f"   R² {number(float(r2))}" if varies and np.isfinite(r2) else "")


def _legend(figure: Figure, name: str) -> None:
    from matplotlib.lines import Line2D

    lines = [
        Line2D([], [], color="#555555", linewidth=2.2, alpha=0.5, label=name),
        Line2D([], [], color="#555555", linewidth=1.4, linestyle=(0, (4, 1.5)), label="predicted"),
    ]
    figure.legend(handles=lines, loc="outside upper right", ncols=2)


def _caption(case: Case, reference: Reference, shown: int) -> str:
    return (
        f"The neurons with the most spikes; {shown} of {len(reference.means)} conditions (the most evaluation trials), "
        f"one colour each. Solid, {reference.name}: {reference.source}. Dashed: predicted rates averaged over the "
        f"condition's evaluation trials. R² of a panel is over all conditions, against the solid lines. {_score(case)}"
    ).strip()


def _score(case: Case) -> str:
    """Say what the score "psth R2" compares with, where there is one."""
    known, psth = case.known, None if case.answers is None else case.answers.psth
    if psth is None:
        return ""
    try:
        value = number(psth_r2(case.prediction.rates, psth, known.condition, _jitter(case)))
    except BadInput as reason:
        value = f"undefined ({reason})"
    return f"The score psth R2, {value}, is the mean over all neurons against smoothed counts averaged over all trials."
