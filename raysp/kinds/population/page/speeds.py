"""Neural speed against the interval the animal produced, condition by condition: what "tp corr" sums up."""

from __future__ import annotations

import numpy as np

from raysp.errors import NotReady
from raysp.evaluation.tp_correlation import Condition, speed_by_condition
from raysp.io.words import counted, number
from raysp.kinds.population.case import Case
from raysp.models.prediction import hertz
from raysp.report.style import PALETTE, Picture, canvas, panels, picture

MOST, COLUMNS = 8, 4
LABELS = (("hand", "eye"), None, ("long prior", "short prior"))
"""Names of the values 0 and 1 of is_eye and is_short; theta is an angle."""


def speeds(case: Case) -> Picture:
    """Draw each evaluation trial's neural speed between set and go against its interval tp, a panel per condition.

    Raises:
        NotReady: the split has no produced intervals, or they are not known.
    """
    found = conditions(case)
    shown = found[:MOST]
    with canvas(9.6, 0.6 + 2.0 * -(-len(shown) // COLUMNS)) as figure:
        for axes, one in zip(panels(figure, len(shown), COLUMNS, sharex=True, sharey=True), shown, strict=True):
            speed = hertz(one.speeds, case.split.sizes.bin_ms)
            axes.plot(one.intervals, speed, linestyle="none", marker="o", markersize=3, alpha=0.6, color=PALETTE[0])
            axes.set_title(f"{_label(one)}\n{_correlation(one)}", fontsize=8.5)
        figure.supxlabel("produced interval tp (ms)")
        figure.supylabel("neural speed (spikes/s per bin)")
        return picture(figure, __name__, "speed", conditions=len(found))


def conditions(case: Case) -> list[Condition]:
    """Return each condition's intervals and neural speeds, one of each per trial: those that "tp corr" is made of.

    Raises:
        NotReady: see `speeds`.
        BadInput: a trial has no speed, see `speed_by_condition`.
    """
    behavior, heldout = case.known.behavior, case.known.heldout
    if not has_intervals(case) or behavior is None or heldout is None:
        raise NotReady("no neural speeds: no produced intervals are known for this split")
    return speed_by_condition(case.prediction.rates, heldout, behavior)


def has_intervals(case: Case) -> bool:
    """Tell whether a split's behaviour is one row of a benchmark's trial, the last of it the produced interval."""
    behavior = case.split.train.behavior
    return case.split.role.benchmark and behavior is not None and behavior.ndim == 2


def _label(one: Condition) -> str:
    each = zip(one.label, LABELS, strict=True)
    return ", ".join(f"{value:g}°" if names is None else names[int(value)] for value, names in each)


def _correlation(one: Condition) -> str:
    trials = counted(one.speeds, "trial")
    defined = len(one.speeds) > 1 and np.isfinite(one.correlation)
    return f"r = {number(one.correlation)} ({trials})" if defined else f"r undefined ({trials})"
