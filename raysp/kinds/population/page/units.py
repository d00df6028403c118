"""Which neurons are predicted: co-bps of each held-out neuron, model beside model."""

from __future__ import annotations

import math

from raysp.errors import NotReady
from raysp.report.run_data import Material, Task
from raysp.report.style import FAINT, Picture, canvas, model_colours, png

METRIC = "co-bps"


def neurons(material: Material, task: Task) -> Picture:
    """Draw co-bps of every held-out neuron, mean over seeds, the best predicted neuron of all models on the left.

    Raises:
        NotReady: single neurons were not scored.
    """
    means = neuron_means(material, task)
    if not means:
        raise NotReady(f"no scores of single neurons; run: raysp evaluate {material.run.name}")
    ranked = sorted({unit for found in means.values() for unit in found}, key=lambda unit: -_top(means, unit))
    paint = model_colours(material.models, material.floor, material.ceiling)
    with canvas(9.6, 2.9) as figure:
        axes = figure.subplots()
        for model in material.ordered(list(means)):
            points = [(place, means[model][unit]) for place, unit in enumerate(ranked) if unit in means[model]]
            axes.plot(
                *zip(*points, strict=True), marker="o", markersize=3.5, linewidth=0.7, color=paint[model], label=model
            )
        axes.axhline(0, color="#BBBBBB", linewidth=0.8, zorder=0)
        axes.grid(axis="y", color=FAINT, linewidth=0.5)
        axes.set_xlabel(f"held-out neurons, ranked ({len(ranked)})")
        axes.set_ylabel("co-bps of the neuron\n(bits per spike)")
        axes.set_xticks([])
        figure.legend(loc="outside upper center", ncols=6)
        caption = (
            "Each held-out neuron's co-bps, mean over seeds, ranked by its best model. 0: the neuron's own mean rate."
        )
        return Picture("neurons", "Held-out neurons", caption, png(figure))


def neuron_means(material: Material, task: Task) -> dict[str, dict[int, float]]:
    """Return each model's co-bps by held-out neuron, mean over the seeds in which it is defined."""
    ids = {trial.id: trial.shown for trial in task.trials}
    values: dict[str, dict[int, list[float]]] = {}
    for row in material.unit_scores:
        if (
            row["run_trial"] in ids
            and row["metric"] == METRIC
            and row["value"] is not None
            and math.isfinite(row["value"])
        ):
            values.setdefault(ids[row["run_trial"]], {}).setdefault(row["unit_index"], []).append(row["value"])
    return {model: {unit: sum(v) / len(v) for unit, v in units.items()} for model, units in values.items()}


def _top(means: dict[str, dict[int, float]], unit: int) -> float:
    return max(found[unit] for found in means.values() if unit in found)
