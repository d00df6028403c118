"""predictions.parquet of labelled sequences: a row per test sample, with its answers and the logits of each readout."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from raysp.collection.predictions import AGAIN, HEAD, check_there, head
from raysp.config.experiment import Trial
from raysp.errors import BadInput
from raysp.io import tables
from raysp.kinds.labelled_sequences.metrics import PART

FORMAT, KIND = 1, "logits of labelled sequences"
SCHEMA = pa.schema(
    [
        *(pa.field(name, kind) for name, kind in HEAD.items()),
        pa.field("sample", pa.int64()),
        pa.field("answer", pa.int64()),
        pa.field("vote", pa.int64()),
        pa.field("logits", pa.list_(pa.list_(pa.float32()))),
    ]
)
"""`sample` counts the test samples from 0; `answer` is the class of the first readout, `vote` that of all of them, and
`logits` has a list of a number per class for each readout. Labels are not there: they lie beside the prepared split."""


def write_logits(path: str, trial: Trial, logits: np.ndarray, votes: np.ndarray) -> None:
    """Write a trial's predictions, whole or not at all.

    Args:
        path: where.
        trial: whose they are.
        logits: (samples, readouts, classes) float32.
        votes: (samples,) classes.

    Raises:
        BadInput: a logit is NaN or infinite, whose sample has no class; nothing was written.
        OSError: the disk is full; a file that was there stays as it was.
    """
    if not np.isfinite(logits).all():
        raise BadInput(f"{trial.id} expected finite logits, got NaN or infinity")
    samples, readouts, classes = logits.shape
    inner = pa.ListArray.from_arrays(np.arange(samples * readouts + 1, dtype=np.int32) * classes, logits.ravel())
    own = {
        "sample": np.arange(samples),
        "answer": logits[:, 0].argmax(axis=-1),
        "vote": votes,
        "logits": pa.ListArray.from_arrays(np.arange(samples + 1, dtype=np.int32) * readouts, inner),
    }
    common = {name: pa.array([value] * samples, HEAD[name]) for name, value in head(trial, PART).items()}
    note = {"format": FORMAT, "kind": KIND, "trial_id": trial.id, "data": trial.data}
    note |= {"readouts": readouts, "classes": classes}
    tables.write_table(path, pa.table({**common, **own}, schema=SCHEMA), note)


def read_logits(path: str) -> np.ndarray:
    """Return (samples, readouts, classes) float32.

    Raises:
        NotReady: nothing was predicted.
        BadInput: the file is damaged, or holds something else.
    """
    check_there(path)
    note = tables.read_note(path, AGAIN)
    if (note.get("kind"), note.get("format")) != (KIND, FORMAT):
        raise BadInput(f"{path} expected a table of {KIND} of this version of raysp, got another one; {AGAIN}")
    with tables.guarded(path, AGAIN):
        column = tables.read_arrow(path, ["logits"], AGAIN)["logits"].combine_chunks()
        flat = column.flatten().flatten().to_numpy(zero_copy_only=False)
        return flat.reshape(len(column), note["readouts"], note["classes"])
