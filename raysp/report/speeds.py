"""Neural speed against the interval the animal produced, condition by condition: what "tp corr" sums up."""

from __future__ import annotations

import numpy as np

from raysp.errors import NotReady
from raysp.evaluation.run import is_nlb
from raysp.evaluation.tp_correlation import CONDITION_COLUMNS, neural_speed
from raysp.models.prediction import hertz
from raysp.report.case import Case
from raysp.report.style import PALETTE, Picture, canvas, png

MOST, COLUMNS = 8, 4
LABELS = (("hand", "eye"), None, ("long prior", "short prior"))
"""Names of the values 0 and 1 of is_eye and is_short; theta is an angle."""


def speeds(case: Case) -> Picture:
    """Draw each evaluation trial's neural speed between set and go against its interval tp, a panel per condition.

    Raises:
        NotReady: the split has no produced intervals, or they are not known.
    """
    groups = speed_by_condition(case)
    shown = list(groups.items())[:MOST]
    columns = min(len(shown), COLUMNS)
    rows = -(-len(shown) // columns)
    with canvas(9.6, 0.6 + 2.0 * rows) as figure:
        axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        for axis, (label, (interval, speed)) in zip(axes.ravel(), shown, strict=False):
            axis.plot(interval, speed, linestyle="none", marker="o", markersize=3, alpha=0.6, color=PALETTE[0])
            axis.set_title(f"{_spell(label)}\n{_correlation(interval, speed)}", fontsize=8.5)
        for axis in axes.ravel()[len(shown) :]:
            axis.set_visible(False)
        figure.supxlabel("produced interval tp (ms)", fontsize=9.5)
        figure.supylabel("neural speed (spikes/s per bin)", fontsize=9.5)
        caption = (
            "Mean distance between the rate vectors of successive bins from set to go, one point per evaluation trial. "
            "Falling clouds: the population moves faster when the interval is produced faster."
        )
        return Picture("speed", "Neural speed and produced interval", caption, png(figure))


def speed_by_condition(case: Case) -> dict[tuple[float, ...], tuple[np.ndarray, np.ndarray]]:
    """Return each condition's intervals (ms) and neural speeds (spikes/s per bin), one of each per trial.

    Raises:
        NotReady: see `speeds`.
    """
    behavior, heldout = case.known.behavior, case.known.heldout
    if not has_intervals(case) or behavior is None or heldout is None:
        raise NotReady("no neural speeds: no produced intervals are known for this split")
    inside = ~np.isnan(heldout[..., 0])
    found: dict[tuple[float, ...], list[tuple[float, float]]] = {}
    for trial in np.flatnonzero(np.isfinite(behavior).all(axis=1) & (inside.sum(axis=1) > 1)):
        speed = hertz(neural_speed(case.prediction.rates[trial][inside[trial]], int(trial)), case.split.sizes.bin_ms)
        found.setdefault(tuple(behavior[trial, :CONDITION_COLUMNS]), []).append((behavior[trial, -1], speed))
    if not found:
        raise NotReady("no neural speeds: no evaluation trial has a produced interval")
    return {label: tuple(np.array(points).T) for label, points in sorted(found.items())}


def has_intervals(case: Case) -> bool:
    """Tell whether a split's behaviour is one row of a benchmark's trial, the last of it the produced interval."""
    behavior = case.split.train.behavior
    return is_nlb(case.trial.split) and behavior is not None and behavior.ndim == 2


def _spell(label: tuple[float, ...]) -> str:
    parts = []
    for value, names in zip(label, LABELS, strict=True):
        parts.append(f"{value:g}°" if names is None else names[int(value)])
    return ", ".join(parts)


def _correlation(interval: np.ndarray, speed: np.ndarray) -> str:
    if len(speed) < 3 or np.ptp(speed) == 0 or np.ptp(interval) == 0:
        return f"{len(speed)} trials"
    r = np.corrcoef(interval, speed)[0, 1]
    return f"r = {r:.2f} ({len(speed)} trials)".replace("-", "−")
