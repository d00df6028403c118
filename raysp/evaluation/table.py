"""A run's numbers as lines of text: floor first, ceiling last, mean and spread over seeds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from raysp.runs import RunFolder

ORDER = (
    "co-bps", "vel R2", "tp corr", "psth R2", "fp-bps", "true-rate R2", "true-rate R2 pooled", "state R2",
    "masked deviance", "reconstruction bits/spike",
)  # fmt: skip


def lines(run: RunFolder, phase: str) -> Iterator[str]:
    """Yield one block per split: models by metrics, over all units.

    Args:
        run: the run folder, evaluated.
        phase: "val" or "test".
    """
    import polars

    record = run.record()["experiment"]
    table = polars.read_parquet(run.metrics).filter(polars.col("unit").is_null() & (polars.col("phase") == phase))
    for (split,), rows in table.group_by("split", maintain_order=True):
        rows = rows.filter(polars.col("parameter").is_null())
        metrics = [name for name in ORDER if name in rows["metric"].to_list()]
        yield ""
        yield f"{split:32}" + "".join(f"{name:>22}" for name in metrics)
        for model in _ordered(rows["model"].unique(maintain_order=True).to_list(), record):
            mine = rows.filter(polars.col("model") == model)
            cells = [_cell(mine.filter(polars.col("metric") == name)["value"].to_list()) for name in metrics]
            yield f"  {model:30}" + "".join(f"{cell:>22}" for cell in cells)


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
