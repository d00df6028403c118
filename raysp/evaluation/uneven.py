"""Means over units that a few units decide: a true rate that hardly changes makes an R2 of minus thousands."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from typing import Any

from raysp.io.words import number

METRIC = "true-rate R2"
FAR = 0.5
"""So far apart, or with zero between them, mean and median over units are worth a remark."""


def uneven(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield a sentence for each split where a model's mean over units is far from its median over units."""
    values: dict[str, dict[str, dict[str, list[float]]]] = {}
    for row in rows:
        if row["metric"] == METRIC and row["unit_index"] is not None and row["value"] is not None:
            of_model = values.setdefault(row["split"], {}).setdefault(row["model"], {})
            of_model.setdefault(_unit(row), []).append(row["value"])
    for split, models in values.items():
        each = {model: {unit: statistics.fmean(v) for unit, v in units.items()} for model, units in models.items()}
        if found := [text for model, units in each.items() if (text := _told(model, units)) is not None]:
            yield f"{split}: a few units decide {METRIC}, the mean over units: {'; '.join(found)}"


def _unit(row: dict[str, Any]) -> str:
    own = row["unit"]
    return f"unit {own}" if own is not None else f"unit {row['unit_index']} (by position)"


def _told(model: str, units: dict[str, float]) -> str | None:
    mean, median = statistics.fmean(units.values()), statistics.median(units.values())
    if not (mean < 0 <= median or abs(mean - median) > FAR):
        return None
    farthest = max(units, key=lambda unit: abs(units[unit] - median))
    return f"{model} mean {number(mean)}, median {number(median)}, {farthest} alone {number(units[farthest])}"
