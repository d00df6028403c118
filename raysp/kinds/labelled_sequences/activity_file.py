"""activity.parquet: what each unit of a network gave at each step of a few test samples."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from raysp.collection.predictions import read_beside
from raysp.config.experiment import Trial
from raysp.io import tables

NAME = "activity.parquet"
FORMAT, KIND = 1, "activity of units"
SCHEMA = pa.schema(
    [
        pa.field("run_trial", pa.string()),
        pa.field("sample", pa.int64()),
        pa.field("step", pa.int64()),
        pa.field("activity", pa.list_(pa.float32())),
    ]
)
"""`step` counts from 0, those with zero input behind the sequence's own; `activity` has a number for each unit."""


def write_activity(path: str, trial: Trial, activity: np.ndarray) -> None:
    """Write the activity of the first test samples, whole or not at all.

    Args:
        path: where.
        trial: whose it is.
        activity: (steps, samples, units) float32.
    """
    steps, samples, _ = activity.shape
    step, sample = (one.ravel() for one in np.indices((steps, samples)))
    own = {"run_trial": [trial.id] * steps * samples, "sample": sample, "step": step}
    table = pa.table({**own, "activity": list(activity.reshape(steps * samples, -1))}, schema=SCHEMA)
    note = {"format": FORMAT, "kind": KIND, "trial_id": trial.id, "data": trial.data}
    tables.write_table(path, table, {**note, "shape": list(activity.shape)})


def read_activity(path: str, trial: Trial) -> np.ndarray:
    """Return (steps, samples, units) float32.

    Raises:
        NotReady: the model has no units that are active.
        BadInput: the file is damaged, or another trial's.
    """
    missing = f"no activity of units: {trial.shown} leaves none"
    note, table = read_beside(path, trial, {"format": FORMAT, "kind": KIND}, missing)
    flat = table["activity"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return flat.reshape(note["shape"])
