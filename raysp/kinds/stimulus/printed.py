"""The terminal's table of spike-train measures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from raysp.kinds.metric import Metric
from raysp.kinds.scores import Scores, spelled

if TYPE_CHECKING:
    import polars


def over_units(table: polars.DataFrame, metrics: Mapping[str, Metric], bounds: tuple[str, str]) -> Iterator[Scores]:
    """Yield a table per recording: models and decodings by measures and widths, mean and spread over units.

    Args:
        table: rows of metrics.parquet, a polars frame.
        metrics: of the kind, with the widths (ms) of which there are columns.
        bounds: floor and ceiling.
    """
    from polars import col

    columns = [(name, width) for name, one in metrics.items() for width in one.printed]
    names, widths = zip(*columns, strict=True)
    # Seeds first: a unit with three of them is still one unit.
    keys = ["split", "model", "decoding", "metric", "parameter"]
    means = (
        table.filter(col("metric").is_in(names) & col("parameter").is_in(widths))
        .group_by([*keys, "unit"], maintain_order=True)
        .agg(col("value").mean())
    )
    for (split,), rows in means.group_by("split", maintain_order=True):
        values: dict[tuple[str, str], dict[tuple[str, str], list[float | None]]] = {}
        for row in rows.to_dicts():
            one = values.setdefault((row["model"], f"{row['model']}, {row['decoding']}"), {})
            one.setdefault((row["metric"], row["parameter"]), []).append(row["value"])
        cells = {key: [found.get(column, ()) for column in columns] for key, found in values.items()}
        shown = [(f"{name} {width} ms", metrics[name]) for name, width in columns]
        yield spelled(split, shown, cells, bounds, "unit")
