"""A run's numbers as lines of text: floor first, ceiling last, mean and spread over seeds (or over cells)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from raysp import files
from raysp.runs import RunFolder

ORDER = (
    "co-bps", "vel R2", "tp corr", "psth R2", "fp-bps", "true-rate R2", "true-rate R2 pooled", "state R2",
    "masked deviance", "reconstruction bits/spike",
)  # fmt: skip

TRAINS, WIDTHS_MS = ("Schreiber", "van Rossum"), ("10", "50")


def lines(run: RunFolder, phase: str) -> Iterator[str]:
    """Yield one block per split: models by metrics, over all units.

    Args:
        run: the run folder, evaluated.
        phase: "val" or "test".
    """
    import polars

    record = run.record()["experiment"]
    whole = polars.scan_parquet(files.source(run.metrics)).filter(polars.col("phase") == phase)
    yield from _trains(whole, record)
    table = whole.filter(polars.col("unit").is_null()).collect()
    for (split,), rows in table.group_by("split", maintain_order=True):
        rows = rows.filter(polars.col("parameter").is_null())
        metrics = [name for name in ORDER if name in rows["metric"].to_list()]
        yield ""
        yield f"{split:32}" + "".join(f"{name:>22}" for name in metrics)
        for model in _ordered(rows["model"].unique(maintain_order=True).to_list(), record):
            mine = rows.filter(polars.col("model") == model)
            cells = [_cell(mine.filter(polars.col("metric") == name)["value"].to_list()) for name in metrics]
            yield f"  {model:30}" + "".join(f"{cell:>22}" for cell in cells)


def _trains(table: Any, record: dict[str, Any]) -> Iterator[str]:
    """Yield a block per recording in one piece: models and decodings by measures, mean and spread over cells."""
    import polars

    if "decoding" not in table.collect_schema().names():
        return
    shown = polars.col("metric").is_in(TRAINS) & polars.col("parameter").is_in(WIDTHS_MS)
    keys = ["split", "model", "decoding", "metric", "parameter"]
    cells = table.filter(polars.col("decoding").is_not_null() & shown)
    # Seeds first: a cell with three of them is still one cell.
    means = cells.group_by([*keys, "unit"], maintain_order=True).agg(polars.col("value").mean()).collect()
    for (split,), rows in means.group_by("split", maintain_order=True):
        yield ""
        yield f"{split:32}" + "".join(f"{f'{name} {width} ms':>26}" for name in TRAINS for width in WIDTHS_MS)
        for model in _ordered(rows["model"].unique(maintain_order=True).to_list(), record):
            mine = rows.filter(polars.col("model") == model)
            for decoding in mine["decoding"].unique(maintain_order=True):
                one = mine.filter(polars.col("decoding") == decoding)
                values = [
                    one.filter((polars.col("metric") == name) & (polars.col("parameter") == width))["value"].to_list()
                    for name in TRAINS
                    for width in WIDTHS_MS
                ]
                yield f"  {f'{model}, {decoding}':30}" + "".join(f"{_cell(found):>26}" for found in values)


def _ordered(models: list[str], record: dict[str, Any]) -> list[str]:
    rank = {record["floor"]: 0, record["ceiling"]: 2}
    return sorted(models, key=lambda model: rank.get(model, 1))


def _cell(values: list[float]) -> str:
    if not values:
        return "-"
    mean = sum(values) / len(values)
    if len(values) == 1:
        return f"{mean:.4f}"
    spread = (sum((value - mean) ** 2 for value in values) / (len(values) - 1)) ** 0.5
    return f"{mean:.4f} ± {spread:.4f} ({len(values)})"
