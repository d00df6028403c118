"""The tables of cells: what models come to beside ceilings, and what their parameters are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from raysp.data.splits.current_clamp import METADATA
from raysp.errors import present
from raysp.kinds.current_clamp.metrics import CEILING, CEILING_LEAST, EVR, LEAVE_ONE_OUT, LOSS, METRICS, QUANTISED, WIDE
from raysp.kinds.current_clamp.page.numbers import Numbers
from raysp.kinds.current_clamp.parameters_file import PROTOCOLS
from raysp.runs.comparison_table import Comparison

if TYPE_CHECKING:
    import polars

COLUMNS = (EVR, LEAVE_ONE_OUT, QUANTISED, WIDE, LOSS)
CEILINGS = {CEILING: "perfect model, about", CEILING_LEAST: "perfect model, at least"}
MEANING = {name: METRICS[name].meaning for name in COLUMNS}
PUBLISHED = (
    "Published fits at 20 ms have a median EVR of 0.766 (mouse) and 0.697 (human) over the 1,219 cells of more than "
    "0.5; over all 1,819 of an earlier table 0.744, with 26 % at or below 0."
)
ACTIVATION = "activation "
PUBLISHED_ACTIVATIONS = (
    "Published means over 12,161 fits, fitted and held out: polynomial 0.207, 0.315 at 20 ms and -0.481, -0.278 at "
    "100; relu 0.348, 0.481 and 1.019, 1.374; sigmoid 1.016, 1.088 and 3.428, 3.649; softplus 7.58, 7.98 and 35.6, "
    "37.6."
)
QUARTILES = (25, 50, 75)


class Quartiles(TypedDict):
    """How the parameters of a group of a model's cells are spread, by name."""

    model: str
    group: str
    count: int
    quartiles: dict[str, list[float]]


def best(numbers: Numbers, metric: str) -> str | None:
    """Return the model of the best median that is neither floor nor ceiling."""
    sign = -1 if METRICS[metric].better == "min" else 1
    scored = [model for model in numbers.fitted if (model, metric) in numbers.medians]
    return max(scored, key=lambda model: sign * present(numbers.medians[model, metric]["mean"]), default=None)


def ceiling(numbers: Numbers, metric: str) -> Comparison | None:
    """Return the median over cells of what a perfect model comes to, which is the same for every model."""
    return next((row for (_, name), row in numbers.medians.items() if name == metric), None)


def differences(numbers: Numbers, metric: str = EVR) -> list[Comparison]:
    """Return the paired differences that a person asks for: every model against the floor, fits against each other."""
    floor, kept = numbers.bounds[0], set(numbers.neurons)
    return [
        row
        for row in numbers.differences
        if row["metric"] == metric and (row["against"] == floor or {row["model"], row["against"]} <= kept)
    ]


def parameters(numbers: Numbers) -> Iterator[Quartiles]:
    """Yield rows of quartiles of the parameters of each model with fits: all cells, and by species where known."""
    for model in numbers.neurons:
        cells = numbers.of(model)
        if not set(cells["protocol"]) <= set(PROTOCOLS):
            continue
        groups = {"all": cells}
        for name in sorted(set(cells["species"]) - {""}):
            groups[name] = cells.filter(cells["species"] == name)
        for group, part in groups.items() if len(groups) != 2 else list(groups.items())[:1]:
            yield {"model": model, "group": group, "count": len(part), "quartiles": dict(_quartiles(part))}


def parameter_names(numbers: Numbers) -> list[str]:
    """Return the names of the parameters' columns."""
    return list(dict.fromkeys(name for row in parameters(numbers) for name in row["quartiles"]))


def activations(numbers: Numbers) -> list[dict[str, object]]:
    """Return a row for each shape of activation and width of bins: cells, mean summed loss fitted and held out."""
    from polars import col

    if numbers.cells is None:
        return []
    fits = numbers.cells.filter(col("protocol").str.starts_with(ACTIVATION))
    by = fits.group_by("protocol", "activation_bin_ms", maintain_order=True)
    means = by.agg(count=col("unit").n_unique(), train=col("train_loss").mean(), held=col("validation_loss").mean())
    rows = means.sort("activation_bin_ms", maintain_order=True).to_dicts()
    return [{**row, "shape": row["protocol"].removeprefix(ACTIVATION)} for row in rows]


def known(numbers: Numbers) -> str:
    """Say how many cells have metadata, by name; nothing where none has any."""
    if numbers.cells is None:
        return ""
    cells = numbers.cells.unique("unit")
    counts = {name: int((cells[name] != "").sum()) for name in METADATA}
    return ", ".join(f"{name} of {count}" for name, count in counts.items() if count)


def _quartiles(cells: polars.DataFrame) -> Iterator[tuple[str, list[float]]]:
    values = {"γ (Hz)": cells["gamma"].to_numpy() * 1000, "threshold (pA)": cells["threshold"].to_numpy()}
    for name, letter in (("alpha", "α"), ("beta", "β")):
        lists = cells[name].to_list()
        if len({len(one) for one in lists}) == 1:
            values |= {f"{letter}{i + 1}": column for i, column in enumerate(np.array(lists).T)}
    for name, found in values.items():
        if len(found):
            yield name, np.percentile(found, QUARTILES).tolist()
