"""Scores as lines of text: floor first, ceiling last, mean and spread over seeds (or over units)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from raysp.io.words import number
from raysp.kinds.metric import Metric

if TYPE_CHECKING:
    import polars


def over_units(table: polars.DataFrame, metrics: Mapping[str, Metric], bounds: Sequence[str]) -> Iterator[str]:
    """Yield a block per split: models by metrics over all units, mean and spread over seeds.

    Args:
        table: rows of metrics.parquet, a polars frame.
        metrics: of the kind; those that are printed become columns, in this order.
        bounds: floor and ceiling.
    """
    from polars import col

    chosen = col("metric").is_in([name for name, one in metrics.items() if one.printed])
    table = table.filter(col("unit").is_null() & col("unit_index").is_null() & chosen)
    for (split,), rows in table.group_by("split", maintain_order=True):
        values: dict[str, dict[str, list[float | None]]] = {}
        for row in rows.to_dicts():
            values.setdefault(row["model"], {}).setdefault(_name(row["metric"], row["parameter"]), []).append(
                row["value"]
            )
        names = list(_columns(metrics, {name for found in values.values() for name in found}))
        models = ordered(values, bounds)
        yield ""
        yield from aligned(
            [split, *names], [[model, *(spell(values[model].get(name, ())) for name in names)] for model in models]
        )


def aligned(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a table's lines: the first column to the left, the others to the right, two spaces between any two."""
    table = [list(head), *([f"  {first}", *rest] for first, *rest in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for first, *rest in table:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))]
        yield "  ".join(cells).rstrip()


def ordered(models: Iterable[str], bounds: Sequence[str]) -> list[str]:
    """Return models with the floor first and the ceiling last."""
    floor, ceiling = bounds
    return sorted(models, key=lambda model: (model == ceiling) - (model == floor))


def spell(values: Sequence[float | None]) -> str:
    """Spell the mean and spread of the values that are defined, and how many are not."""
    known = [value for value in values if value is not None and value == value]
    if not known:
        return "undefined" if values else "-"
    mean, left_out = sum(known) / len(known), len(values) - len(known)
    tail = f", {left_out} undefined" if left_out else ""
    if len(known) == 1:
        return f"{number(mean)}{tail}"
    spread = (sum((value - mean) ** 2 for value in known) / (len(known) - 1)) ** 0.5
    return f"{number(mean)} ± {number(spread)} ({len(known)}{tail})"


def _name(metric: str, parameter: str | None) -> str:
    return metric if parameter is None else f"{metric} ({parameter})"


def _columns(metrics: Mapping[str, Metric], there: set[str]) -> Iterator[str]:
    for name, metric in metrics.items():
        if "" in metric.printed and name in there:
            yield name
        if "*" in metric.printed:
            yield from sorted((one for one in there if one.startswith(f"{name} (")), key=lambda one: (len(one), one))
