"""kernels.parquet: the first layer of a trial's networks of windows, for figures and for whoever asks."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from raysp.collection.predictions import AGAIN, read_beside
from raysp.config.experiment import Trial
from raysp.errors import BadInput
from raysp.io import tables

FORMAT, KIND = 1, "kernels"


def write_kernels(path: str, trial: Trial, units: np.ndarray, kernels: np.ndarray) -> None:
    """Write kernels, whole or not at all.

    Args:
        path: where.
        trial: whose they are.
        units: (units,) the recording's own numbers.
        kernels: (units, kernels, inputs, taps) of a network each, or (1, kernels, inputs, taps) of one for all.

    Raises:
        BadInput: of another number of networks.
        OSError: the disk is full; a file that was there stays as it was.
    """
    if len(kernels) not in (1, len(units)):
        raise BadInput(f"{trial.id}: expected kernels of 1 or {len(units)} networks, got {len(kernels)}")
    owners = units.tolist() if len(kernels) == len(units) else [None]
    weights = [one.ravel() for one in kernels.astype(np.float32)]
    table = pa.table({"unit": pa.array(owners, pa.int64()), "weights": pa.array(weights, pa.list_(pa.float32()))})
    note = {"format": FORMAT, "kind": KIND, "trial_id": trial.id, "data": trial.data, "shape": kernels.shape[1:]}
    tables.write_table(path, table, note)


def read_kernels(path: str, trial: Trial, unit: int) -> tuple[np.ndarray, bool]:
    """Return a unit's (kernels, inputs, taps), and whether they are those of all units of the trial.

    Raises:
        NotReady: there are none: the model has no such layer, or an earlier version ran the trial.
        BadInput: the file is damaged, or another trial's.
    """
    missing = (
        f"no kernels: {trial.id} left none, since {trial.shown} has no such layer or an earlier version ran it; if "
        "it should have them, remove the trial's folder and run the experiment again"
    )
    note, table = read_beside(path, trial, {"kind": KIND, "format": FORMAT}, missing)
    with tables.guarded(path, AGAIN):
        owners = table["unit"].to_pylist()
        shared = owners == [None]
        weights = table["weights"][0 if shared else owners.index(unit)].values
        return weights.to_numpy(zero_copy_only=False).reshape(note["shape"]), shared
