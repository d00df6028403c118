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
OF_PREDICTIONS = ("unit", "decoding", "global_id", "input_bins", "step")


def write_spike_train_table(run: RunFolder) -> None:
    """Write `spike_train_metrics.parquet` beside the tidy metrics; nothing where no spike trains were scored.

    Columns: run_trial, model, split, seed, unit (the recording's unit number), global_id, decoding, bin_ms, input_bins,
    step (bins from window to window), sigma_ms, spikes_predicted, spikes_recorded, schreiber, smoothed_pearson,
    van_rossum, standin.
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
    order = [*KEYS[:5], "global_id", *KEYS[5:7], "input_bins", "step", "sigma_ms", *COUNTS.values(), *COLUMNS.values()]
    rows = ("model", "split", "seed", "unit", "decoding", "sigma_ms")
    tables.write_table(path, wide.select(*order, "standin").sort(*rows))


def _of_predictions(run: RunFolder, trials: list[str]) -> polars.DataFrame:
    import polars

    found = (
        tables.read_table(run.trial(trial).predictions, OF_PREDICTIONS, AGAIN).with_columns(run_trial=polars.lit(trial))
        for trial in trials
    )
    return polars.concat(list(found))
