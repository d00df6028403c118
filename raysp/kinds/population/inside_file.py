"""inside.parquet: what a masked model lets see of itself, a mask of its training and its first weights, for figures."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from raysp.config.experiment import Trial
from raysp.errors import BadInput, NotReady
from raysp.io import files, tables
from raysp.runs.folder import TrialFolder

NAME, FORMAT = "inside.parquet", 1
AGAIN = "remove its trial's folder and run the experiment again"


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
    if not files.exists(path := files.join(folder.path, NAME)):
        raise NotReady(
            f"no masks, no weights: {trial.id} left none, since {trial.shown} is not trained on hidden counts or an "
            "earlier version ran it"
        )
    note, table = tables.read_note(path, AGAIN), tables.read_table(path, again=AGAIN)
    with tables.guarded(path, AGAIN):
        if (note["format"], note["trial_id"]) != (FORMAT, trial.id):
            raise BadInput(f"{path} expected what {trial.id} left, got that of {note['trial_id']}; {AGAIN}")
        return {name: np.array(values, np.float32).reshape(shape) for name, shape, values in table.iter_rows()}
