"""What was measured of units, read from the run's table: one value for each model, unit and measure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from raysp.kinds.current_clamp.metrics import PART
from raysp.runs.folder import RunFolder
from raysp.runs.metrics_table import read_metrics

if TYPE_CHECKING:
    import polars

Values = Mapping[tuple[str, str, str], Mapping[int, float]]
"""(split, model, metric) -> unit -> mean over seeds; units whose value is undefined are not there."""


def read_values(run: RunFolder, trials: Collection[str] | None = None) -> Values:
    """Read the values of single units.

    Args:
        run: the run folder, which has a table of metrics.
        trials: ids of those that are wanted; None for all.

    Raises:
        NotReady: nothing was scored.
        BadInput: the table is damaged.
    """
    from polars import col

    wanted = [] if trials is None else [col("run_trial").is_in(list(trials))]
    return by_unit(read_metrics(run, *wanted))


def by_unit(table: polars.DataFrame) -> Values:
    """Return the values of single units of rows of metrics.parquet, a polars frame."""
    from polars import col

    known = (col("part") == PART) & col("unit").is_not_null() & col("value").is_finite()
    place = ["split", "model", "metric"]
    means = table.filter(known).group_by([*place, "unit"], maintain_order=True).agg(col("value").mean())
    found = means.group_by(place, maintain_order=True).agg("unit", "value")
    return {tuple(key): dict(zip(units, values, strict=True)) for *key, units, values in found.iter_rows()}
