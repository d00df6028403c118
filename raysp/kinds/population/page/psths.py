"""Peri-stimulus time histograms: the condition's average rate, true or recorded, beside that of the predicted rates."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from raysp.errors import BadInput, NotReady, present
from raysp.evaluation.observed import observed
from raysp.evaluation.psth import condition_means, psth_r2, psth_r2_by_unit
from raysp.io.words import number
from raysp.kinds.population.case import Case
from raysp.models.prediction import hertz
from raysp.report.style import Look, Picture, canvas, colours, legend, outer_ticks, panels, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

UNITS_OF_A_KIND = 3
CONDITIONS = 4
DASHES = (0, (4, 1.5))


class Reference(NamedTuple):
    """What predicted averages are drawn beside.

    Attributes:
        means: (conditions, bins, units) expected spikes per bin; NaN where they are not known.
        name: of the solid lines.
        source: what they are made of.
    """

    means: np.ndarray
    name: str
    source: str


def psth(case: Case) -> Picture:
    """Draw PSTHs (solid) and those of the predicted rates (dashed) of the units with the most spikes, spikes/s.

    The solid lines are true rates where these are known, smoothed counts elsewhere; the figure says which.

    Raises:
        NotReady: the trials have no conditions, or too little is known to average.
    """
    known, bin_ms = case.known, case.split.sizes.bin_ms
    if known.condition is None or not (known.condition >= 0).any():
        raise NotReady("no PSTHs: the trials of this split have no conditions")
    true, name, source = reference_means(case)
    predicted = condition_means(case.prediction.rates, known.condition, _jitter(case), len(true), observed(known))
    # Where the average is not known, a predicted one compares to nothing.
    predicted[np.isnan(true)] = np.nan
    r2, shown, units = _r2(case, true), _conditions(known.condition), _units(case, true)
    if not units:
        raise NotReady("no PSTHs: no unit's average is known")
    with canvas(9.6, 0.6 + 2.25 * -(-len(units) // UNITS_OF_A_KIND)) as figure:
        grid = panels(figure, len(units), UNITS_OF_A_KIND, sharex=True)
        for axes, unit in zip(grid, units, strict=True):
            _panel(axes, bin_ms, *(hertz(array[shown][..., unit], bin_ms) for array in (true, predicted)))
            varies = np.ptp(true[..., unit][np.isfinite(true[..., unit])]) > 0
            tail = f"   R² {number(float(r2[unit]))}" if varies and np.isfinite(r2[unit]) else ""
            axes.set_title(f"{case.unit_name(unit)}{tail}", fontsize=8.5)
            place = present(axes.get_subplotspec())
            axes.set_xlabel("time in window (ms)")
            axes.set_ylabel("rate (spikes/s)" if place.is_first_col() else "")
        outer_ticks(grid, y=False)
        solid: Look = {"linewidth": 2.2, "alpha": 0.5}
        marks = {name: solid, "predicted": {"linewidth": 1.4, "linestyle": DASHES}}
        marks = {label: {"color": "#555555", **look} for label, look in marks.items()}
        legend(figure, marks, loc="outside upper right")
        facts = {"shown": len(shown), "conditions": len(true), "name": name, "source": source}
        return picture(figure, __name__, "psth", score=_score(case), **facts)


def reference_means(case: Case) -> Reference:
    """Return what predicted averages compare to: true rates before recorded counts, which hold the counts' noise.

    Raises:
        NotReady: neither PSTHs nor true rates are known.
    """
    known = case.known
    if known.rates is not None:
        rates, conditions = known.rates[:, : case.split.sizes.bins], int(present(known.condition).max()) + 1
        means = condition_means(rates, present(known.condition), _jitter(case), conditions, observed(known))
        return Reference(means, "true rates", "true rates averaged over the same evaluation trials")
    if case.answers is not None and case.answers.psth is not None:
        return Reference(
            case.answers.psth, "smoothed counts", "recorded ones, averaged over all trials, training included"
        )
    raise NotReady("no PSTHs: neither PSTHs nor true rates are known for this split")


def _jitter(case: Case) -> np.ndarray:
    jitter = case.known.jitter
    return np.zeros(len(case.known), dtype=int) if jitter is None else jitter.astype(int)


def _r2(case: Case, means: np.ndarray) -> np.ndarray:
    """Return (units,) R2 of the predicted averages: those that "psth R2" is the mean of; nan where undefined."""
    try:
        condition = present(case.known.condition)
        return psth_r2_by_unit(case.prediction.rates, means, condition, _jitter(case), observed(case.known))
    except BadInput:
        return np.full(means.shape[2], np.nan)


def _conditions(condition: np.ndarray) -> np.ndarray:
    """Return the conditions with the most evaluation trials."""
    trials = np.bincount(condition[condition >= 0])
    most = np.argsort(-trials, kind="stable")[:CONDITIONS]
    return np.sort(most[trials[most] > 0])


def _units(case: Case, true: np.ndarray) -> list[int]:
    """Return the units with the most spikes: held-out ones first, then held-in ones."""
    with np.errstate(invalid="ignore"):
        spikes = np.nansum(true, axis=(0, 1))
    heldin, order = case.split.sizes.heldin, np.argsort(-spikes, kind="stable")
    order = order[spikes[order] > 0]
    return [*order[order >= heldin][:UNITS_OF_A_KIND], *order[order < heldin][:UNITS_OF_A_KIND]]


def _panel(axes: Axes, bin_ms: float, true: np.ndarray, predicted: np.ndarray) -> None:
    time = (np.arange(true.shape[1]) + 0.5) * bin_ms
    for colour, one, other in zip(colours(len(true)), true, predicted, strict=True):
        axes.plot(time, one, color=colour, linewidth=2.2, alpha=0.45)
        axes.plot(time, other, color=colour, linewidth=1.4, linestyle=DASHES)
    axes.set_ylim(bottom=0)
    axes.grid(axis="y")


def _score(case: Case) -> str | None:
    """Spell the score "psth R2", where there is one."""
    psth = None if case.answers is None else case.answers.psth
    if psth is None:
        return None
    try:
        condition = present(case.known.condition)
        return number(psth_r2(case.prediction.rates, psth, condition, _jitter(case), observed(case.known)))
    except BadInput as reason:
        return f"undefined ({reason})"
