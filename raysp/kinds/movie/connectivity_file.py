"""connectivity.parquet: what a spike of one unit adds to another, lag by lag, as a model of movies has it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from raysp.collection.predictions import read_beside
from raysp.config.experiment import Trial
from raysp.io import tables

NAME = "connectivity.parquet"
FORMAT, KIND = 1, "couplings of units"
SCHEMA = pa.schema(
    [
        pa.field("run_trial", pa.string()),
        pa.field("post", pa.int64()),
        pa.field("pre", pa.int64()),
        pa.field("lag", pa.int64()),
        pa.field("weight", pa.float32()),
    ]
)
"""`post` and `pre` are the recording's own numbers of units, -1, -2 and so on of hidden neurons; `lag` counts bins from
1, and `weight` is what a spike of `pre` adds so many bins later: to the logit where a bin has a spike or none, to the
log rate elsewhere."""


def write_connectivity(path: str, trial: Trial, units: np.ndarray, couplings: np.ndarray) -> None:
    """Write a model's couplings, whole or not at all.

    Args:
        path: where.
        trial: whose they are.
        units: (units,) the recording's own numbers.
        couplings: (post, pre, lags) float32, the recorded units first, then hidden neurons, if any.
    """
    units = np.concatenate([units, -1 - np.arange(len(couplings) - len(units))])
    post, pre, lag = (one.ravel() for one in np.indices(couplings.shape))
    own = {"post": units[post], "pre": units[pre], "lag": lag + 1, "weight": couplings.ravel()}
    table = pa.table({"run_trial": [trial.id] * len(post), **own}, schema=SCHEMA)
    note = {"format": FORMAT, "kind": KIND, "trial_id": trial.id, "data": trial.data}
    tables.write_table(path, table, {**note, "shape": list(couplings.shape)})


def read_connectivity(path: str, trial: Trial) -> np.ndarray:
    """Return (post, pre, lags) float32, the recorded units first, then hidden neurons, if any.

    Raises:
        NotReady: the model has no couplings.
        BadInput: the file is damaged, or another trial's.
    """
    missing = f"no couplings: {trial.shown} has none"
    note, table = read_beside(path, trial, {"format": FORMAT, "kind": KIND}, missing)
    return table["weight"].to_numpy().reshape(note["shape"])
