"""Spike-train metrics as a table of one row per unit, decoding and width: what a plot of the curves wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from raysp.collection.predictions import AGAIN
from raysp.io import files, tables
from raysp.runs.folder import RunFolder
from raysp.runs.metrics_table import read_metrics

if TYPE_CHECKING:
    import polars

NAME = "spike_train_metrics.parquet"
COLUMNS = {"Schreiber": "schreiber", "smoothed Pearson": "smoothed_pearson", "van Rossum": "van_rossum"}
COUNTS = {"spikes predicted": "spikes_predicted", "spikes recorded": "spikes_recorded"}
KEYS = ("run_trial", "model", "split", "seed", "unit", "decoding", "bin_ms", "standin")
SCHEMA = {
    **dict.fromkeys(("run_trial", "model", "split"), "String"),
    **dict.fromkeys(("seed", "unit", "global_id"), "Int64"),
    **{"decoding": "String", "bin_ms": "Float64"},
    **dict.fromkeys(("input_bins", "step", "sigma_ms", *COUNTS.values()), "Int64"),
    **dict.fromkeys(COLUMNS.values(), "Float64"),
    "standin": "Boolean",
}
"""A row for each unit, decoding and width of smoothing: `unit` is the recording's own number, `step` how many bins it
is from window to window, `sigma_ms` the width at which Schreiber's similarity, smoothed Pearson correlation and van
Rossum's distance are taken."""

OF_PREDICTIONS = ("unit", "decoding", "global_id", "input_bins", "step")


def write_spike_train_table(run: RunFolder) -> None:
    """Write `spike_train_metrics.parquet` beside the tidy metrics; nothing where no spike trains were scored.

    Columns: `SCHEMA`.
    """
    import polars

    path = files.join(run.path, NAME)
    tidy = read_metrics(run, polars.col("decoding").is_not_null())
    curves = tidy.filter(polars.col("metric").is_in(list(COLUMNS)) & polars.col("parameter").is_not_null())
    if curves.is_empty():
        files.remove(path)
        return
    wide = curves.pivot("metric", index=[*KEYS, "parameter"], values="value").rename(COLUMNS)
    wide = wide.with_columns(sigma_ms=polars.col("parameter").cast(polars.Int64)).drop("parameter")
    counts = tidy.filter(polars.col("metric").is_in(list(COUNTS))).with_columns(polars.col("value").cast(polars.Int64))
    counts = counts.pivot("metric", index=["run_trial", "unit", "decoding"], values="value").rename(COUNTS)
    wide = wide.join(counts, on=["run_trial", "unit", "decoding"], how="left")
    wide = wide.join(_of_predictions(run, wide["run_trial"].unique().to_list()), on=["run_trial", "unit", "decoding"])
    rows = ("model", "split", "seed", "unit", "decoding", "sigma_ms")
    tables.write_table(path, wide.select(*SCHEMA).sort(*rows))


def _of_predictions(run: RunFolder, trials: list[str]) -> polars.DataFrame:
    import polars

    found = (
        tables.read_table(run.trial(trial).predictions, OF_PREDICTIONS, AGAIN).with_columns(run_trial=polars.lit(trial))
        for trial in trials
    )
    return polars.concat(list(found))
