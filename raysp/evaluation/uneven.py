"""Means over units that a few units decide: a true rate that hardly changes makes an R2 of minus thousands."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import TYPE_CHECKING

from raysp.io.words import number

if TYPE_CHECKING:
    import polars

METRIC = "true-rate R2"
FAR = 0.5
"""So far apart, or with zero between them, mean and median over units are worth a remark."""


def uneven(table: polars.DataFrame) -> Iterator[str]:
    """Yield a sentence for each split where a model's mean over units is far from its median over units."""
    from polars import String, coalesce, col, format, when

    position = format("unit {} (by position)", "unit_index")
    named = coalesce("unit_name", col("unit").cast(String))
    units = table.filter((col("metric") == METRIC) & col("unit_index").is_not_null() & col("value").is_not_null())
    each = (
        units.with_columns(name=when(col("unit").is_null()).then(position).otherwise(format("unit {}", named)))
        .group_by("split", "model", "name", maintain_order=True)
        .agg(col("value").mean())
    )
    for (split,), models in each.group_by("split", maintain_order=True):
        of_model = models.group_by("model", maintain_order=True).agg("name", "value").iter_rows()
        sentences = (_sentence(model, dict(zip(names, values, strict=True))) for model, names, values in of_model)
        if found := [text for text in sentences if text is not None]:
            yield f"{split}: a few units decide {METRIC}, the mean over units: {'; '.join(found)}"


def _sentence(model: str, units: dict[str, float]) -> str | None:
    mean, median = statistics.fmean(units.values()), statistics.median(units.values())
    if not (mean < 0 <= median or abs(mean - median) > FAR):
        return None
    farthest = max(units, key=lambda unit: abs(units[unit] - median))
    return f"{model} mean {number(mean)}, median {number(median)}, {farthest} alone {number(units[farthest])}"
