"""predictions.parquet, whatever the kind of data: what every row says of its trial, and whose a file is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from raysp.config.experiment import Trial
from raysp.errors import BadInput, NotReady
from raysp.io import files, tables

AGAIN = "remove its trial's folder and run the experiment again"
HEAD = {"run_trial": pa.string(), "model": pa.string(), "split": pa.string(), "seed": pa.int64(), "part": pa.string()}
"""The first columns of every kind's table. `run_trial` is the id of the run's trial."""


def head(trial: Trial, part: str) -> dict[str, str | int]:
    """Return what these columns say of a trial's predictions of a part."""
    return {"run_trial": trial.id, "model": trial.shown, "split": trial.split, "seed": trial.seed, "part": part}


def check_there(path: str) -> None:
    """Raise NotReady where nothing was predicted."""
    if not files.exists(path):
        raise NotReady(f"no predictions at {path}; run the experiment first")


def whose(path: str) -> tuple[str, str]:
    """Return whose predictions a file holds, of any kind of data, and their digest."""
    check_there(path)
    note, digest = tables.read_head(path, AGAIN)
    if "trial_id" not in note:
        raise BadInput(f"{path} expected predictions that raysp writes, got another table; {AGAIN}")
    return str(note["trial_id"]), digest


def read_beside(
    path: str, trial: Trial, expected: Mapping[str, object], missing: str
) -> tuple[dict[str, Any], pa.Table]:
    """Return the note and the table of another file that a trial left.

    Args:
        path: of the file.
        trial: whose it must be.
        expected: what its note must say.
        missing: why there may be none, for the error.

    Raises:
        NotReady: there is none.
        BadInput: the file is damaged, or another trial's.
    """
    if not files.exists(path):
        raise NotReady(missing)
    note, table = tables.read_note(path, AGAIN), tables.read_arrow(path, again=AGAIN)
    with tables.guarded(path, AGAIN):
        if any(note[name] != value for name, value in {**expected, "trial_id": trial.id}.items()):
            raise BadInput(f"{path} expected what {trial.id} left, got that of {note['trial_id']}; {AGAIN}")
    return note, table
