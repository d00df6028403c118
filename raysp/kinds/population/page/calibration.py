"""Whether rates are as high as they say: recorded counts where a rate was predicted, and spikes unit by unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from raysp.errors import NotReady
from raysp.io.words import number
from raysp.kinds.population.calibration import RATIO, of_units, ratios
from raysp.kinds.population.case import Case
from raysp.models.prediction import Predicted, hertz
from raysp.report.style import CORAL, GREY, PALETTE, Look, Picture, canvas, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GROUPS = 12
"""Groups of bins, as many bins each, from the lowest to the highest predicted rate."""

FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)


def calibration(case: Case) -> Picture:
    """Draw recorded against predicted rates, and predicted over recorded spikes of every unit.

    Raises:
        NotReady: no counts of the evaluation trials are known, or no spike is among them.
    """
    curves = {name: found for name, found in grouped(case).items() if len(found[0]) > 1}
    predicted, recorded = of_units(Predicted(case.prediction.rates, case.prediction.rates_forward), case.known)
    if not curves or not recorded.any():
        raise NotReady("no calibration: no recorded spikes of the evaluation trials are known here")
    with canvas(9.6, 3.0) as figure:
        left, right = figure.subplots(1, 2, gridspec_kw={"width_ratios": (1, 1.9)})
        _against(left, curves)
        _by_unit(right, case, predicted, recorded)
        figure.legend(loc="outside upper center", ncols=3)
        return picture(figure, __name__, "calibration", groups=GROUPS, score=_score(case))


def grouped(case: Case) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return mean predicted and mean recorded rates (spikes/s) of groups of bins, by what was hidden from the model.

    Bins are grouped by their predicted rate, as many in each group: what is predicted in a group should be what was
    recorded there.
    """
    heldin, bins = case.split.sizes.heldin, case.split.sizes.bins
    counts, rates = case.counts(), case.rates()
    parts = {
        "held-in units": (slice(None), slice(None, bins), slice(None, heldin)),
        "held-out units": (slice(None), slice(None, bins), slice(heldin, None)),
        "forward bins": (slice(None), slice(bins, None), slice(None)),
    }
    found = {}
    for name, place in parts.items():
        known = np.isfinite(counts[place]) & np.isfinite(rates[place])
        if known.any():
            means = _group(rates[place][known], counts[place][known])
            found[name] = tuple(hertz(one, case.split.sizes.bin_ms) for one in means)
    return {name: (predicted, recorded) for name, (predicted, recorded) in found.items()}


def _group(rates: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (groups,) mean rates and mean counts; bins of one rate, as of a mean rate, are never parted."""
    order = np.argsort(rates, kind="stable")
    rates, counts = rates[order].astype(np.float64), counts[order].astype(np.float64)
    ends = np.linspace(0, len(rates), GROUPS + 1).astype(int)[1:-1]
    starts = np.unique(np.concatenate([[0], np.searchsorted(rates, rates[ends])]))
    sizes = np.diff(np.append(starts, len(rates)))
    return np.add.reduceat(rates, starts) / sizes, np.add.reduceat(counts, starts) / sizes


def _against(axes: Axes, curves: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    for (name, (predicted, recorded)), colour in zip(curves.items(), PALETTE, strict=False):
        axes.plot(predicted, recorded, "o-", color=colour, markersize=3.5, linewidth=1.0, label=name)
    most = max(float(max(predicted.max(), recorded.max())) for predicted, recorded in curves.values())
    axes.plot([0, most], [0, most], color=GREY, linewidth=0.9, zorder=0)
    axes.set_xlabel("predicted (spikes/s)")
    axes.set_ylabel("recorded (spikes/s)")


def _by_unit(axes: Axes, case: Case, predicted: np.ndarray, recorded: np.ndarray) -> None:
    there = np.flatnonzero(recorded > 0)
    shown = np.clip(predicted[there] / recorded[there], FACTORS[0], FACTORS[-1])
    hidden = there >= case.split.sizes.heldin
    for chosen, colour in ((~hidden, PALETTE[0]), (hidden, PALETTE[1])):
        axes.plot(recorded[there][chosen], shown[chosen], "o", color=colour, markersize=3.5, alpha=0.8)
    for place in _worst(predicted[there], recorded[there]):
        offset: Look = {"xytext": (4, 2), "textcoords": "offset points", "fontsize": 7.5}
        axes.annotate(case.unit_label(int(there[place])), (recorded[there][place], shown[place]), **offset)
    axes.axhline(1.0, color=CORAL, linewidth=1.0, zorder=0)
    axes.set_xscale("log")
    for formatter in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
        formatter(_plain)
    axes.set_yscale("log", base=2)
    axes.set_yticks(FACTORS, [f"{factor:g}" for factor in FACTORS])
    axes.set_ylim(FACTORS[0] * 0.9, FACTORS[-1] * 1.1)
    axes.set_xlabel("spikes of the unit on the evaluation trials")
    axes.set_ylabel("predicted / recorded")
    axes.grid(axis="y")


def _plain(count: float, place: float) -> str:
    """Spell a tick at 1, 2 and 5 of each power of ten."""
    return f"{count:,.0f}" if f"{count:.0e}"[0] in "125" else ""


def _worst(predicted: np.ndarray, recorded: np.ndarray) -> np.ndarray:
    """Return the places of the three units that are furthest off, for the number of spikes that they have."""
    return np.argsort(-np.abs(predicted - recorded) / np.sqrt(np.maximum(predicted, 1.0)), kind="stable")[:3]


def _score(case: Case) -> str | None:
    if case.answers is None:
        return None
    whole = next((one for one in ratios(case.answers, case.prediction) if one.parameter is None), None)
    return None if whole is None or whole.value is None else f"{RATIO} {number(whole.value)}"
