"""Which units are predicted: co-bps of each held-out unit, model beside model."""

from __future__ import annotations

from raysp.errors import NotReady
from raysp.report.run_data import RunData, Task
from raysp.report.style import Look, Picture, canvas, model_colours, picture

METRIC = "co-bps"
MOST_NAMES, UPRIGHT = 80, 12
"""Units whose numbers fit below the figure, of more every second or third is named; and side by side."""


def units(data: RunData, task: Task) -> Picture:
    """Draw co-bps of every held-out unit, mean over seeds, the best predicted unit of all models on the left.

    Raises:
        NotReady: single units were not scored.
    """
    means = unit_means(data, task)
    if not means:
        raise NotReady(f"no scores of single units; run: raysp evaluate {data.run.name}")
    best: dict[int, float] = {}
    for unit, value in (item for found in means.values() for item in found.items()):
        best[unit] = max(value, best.get(unit, value))
    ranked = sorted(sorted(best), key=lambda unit: -best[unit])
    paint = model_colours(data.models, data.floor, data.ceiling)
    with canvas(9.6, 2.9) as figure:
        axes = figure.subplots()
        for model in data.ordered(list(means)):
            points = [(place, means[model][unit]) for place, unit in enumerate(ranked) if unit in means[model]]
            look: Look = {
                "marker": "o",
                "markersize": 3.5,
                "linewidth": 0.7,
                "color": paint[model],
                "label": model,
            }
            axes.plot(*zip(*points, strict=True), **look)
        axes.axhline(0, color="#BBBBBB", linewidth=0.8, zorder=0)
        axes.grid(axis="y")
        axes.set_xlabel(f"{len(ranked)} held-out units, ranked")
        axes.set_ylabel("co-bps of the unit\n(bits per spike)")
        step, names = -(-len(ranked) // MOST_NAMES), unit_names(data, task)
        axes.set_xticks(range(0, len(ranked), step), [names[unit] for unit in ranked[::step]], fontsize=7)
        axes.tick_params(axis="x", labelrotation=0 if len(ranked) <= UPRIGHT else 90)
        figure.legend(loc="outside upper center", ncols=6)
        return picture(figure, __name__, "units")


def unit_names(data: RunData, task: Task) -> dict[int, str]:
    """Return what each scored unit is called, by its position: the recording's own name or number, where it has one."""
    from polars import String, coalesce, col

    found = data.of(task).filter((col("metric") == METRIC) & col("unit_index").is_not_null())
    called = coalesce("unit_name", col("unit").cast(String), col("unit_index").cast(String))
    return dict(found.select("unit_index", called).unique(maintain_order=True).rows())


def unit_means(data: RunData, task: Task) -> dict[str, dict[int, float]]:
    """Return each model's co-bps by held-out unit, mean over the seeds in which it is defined."""
    from polars import col

    found = data.of(task).filter((col("metric") == METRIC) & col("unit_index").is_not_null() & col("value").is_finite())
    means = found.group_by("model", "unit_index", maintain_order=True).agg(col("value").mean())
    units = means.group_by("model", maintain_order=True).agg("unit_index", "value")
    return {model: dict(zip(places, values, strict=True)) for model, places, values in units.iter_rows()}
