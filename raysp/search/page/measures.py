"""Of a search over one setting: every number of the validation trials against it, seed by seed and on average."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from raysp.errors import NotReady
from raysp.report.style import CORAL, FAINT, GREY, Picture, canvas, png
from raysp.search.page.scale import scales
from raysp.search.page.view import View

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MEASURES = ("validation_loss", "unseen_loss", "true-rate R2", "roughness", "co-bps", "fp-bps")


def measures(seen: View) -> Picture:
    """Draw each number that the trials report against the one setting that varied.

    Raises:
        NotReady: several settings varied, or no trial reports a number.
    """
    found = scales(seen)
    if len(found) != 1:
        raise NotReady(f"no curves: {len(found)} settings varied, expected one")
    (scale,) = found
    points = {name: _points(seen, scale.entry.name, name) for name in MEASURES}
    points = {name: values for name, values in points.items() if values}
    if not points:
        raise NotReady("no curves: no trial has a value yet")
    with canvas(3.2 * len(points), 2.8) as figure:
        axes = figure.subplots(1, len(points), squeeze=False)[0]
        for axis, (name, values) in zip(axes, points.items(), strict=True):
            _panel(axis, {scale.at(x): y for x, y in values.items() if scale.at(x) is not None})
            axis.set_title(name)
            scale.apply(axis)
        caption = (
            f"Numbers of the validation trials against {scale.label}: one dot per seed, the line through their means. "
            "Candidates are compared by the objective alone; R2 against the truth and roughness are shown beside it."
        )
        return Picture("measures", f"What {scale.label} does", caption, png(figure))


def _points(seen: View, setting: str, name: str) -> dict[float, list[float]]:
    """Return value of the setting -> the metric of each of its trials."""
    found: dict[float, list[float]] = {}
    for (number, seed), outcome in seen.result.outcomes.items():
        value = seen.settings.get(number, {}).get(setting)
        if value is not None and name in outcome.values and seed in seen.result.study.definition.seeds:
            found.setdefault(value, []).append(outcome.values[name])
    return found


def _panel(axes: Axes, values: dict[float, list[float]]) -> None:
    places = sorted(values)
    for place in places:
        axes.plot([place] * len(values[place]), values[place], "o", color=GREY, markersize=4, alpha=0.7)
    axes.plot(places, [statistics.fmean(values[place]) for place in places], color=CORAL, linewidth=1.6)
    axes.grid(axis="y", color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
