"""inside.parquet: what a masked model lets see of itself, a mask of its training and its first weights, for figures."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from raysp.collection.predictions import AGAIN, read_beside
from raysp.config.experiment import Trial
from raysp.io import files, tables
from raysp.runs.folder import TrialFolder

NAME, FORMAT = "inside.parquet", 1


def write_inside(path: str, trial: Trial, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays by name, whole or not at all. Raises OSError where the disk is full."""
    import polars

    flat = [one.astype(np.float32).ravel().tolist() for one in arrays.values()]
    columns = {"name": list(arrays), "shape": [list(one.shape) for one in arrays.values()], "values": flat}
    types = {"values": polars.List(polars.Float32)}
    tables.write_table(
        path, polars.DataFrame(columns, schema_overrides=types), {"format": FORMAT, "trial_id": trial.id}
    )


def read_inside(folder: TrialFolder, trial: Trial) -> dict[str, np.ndarray]:
    """Return the arrays by name.

    Raises:
        NotReady: there are none: the model is no masked one, or an earlier version ran the trial.
        BadInput: the file is damaged, or another trial's.
    """
    missing = (
        f"no masks, no weights: {trial.id} left none, since {trial.shown} is not trained on hidden counts or an "
        "earlier version ran it"
    )
    path = files.join(folder.path, NAME)
    _, table = read_beside(path, trial, {"format": FORMAT}, missing)
    with tables.guarded(path, AGAIN):
        rows = table.to_pylist()
        return {one["name"]: np.array(one["values"], np.float32).reshape(one["shape"]) for one in rows}
