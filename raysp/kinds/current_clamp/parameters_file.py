"""parameters.parquet: what each unit's fit came to, a row per unit and candidate that was kept; failures are rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from raysp.config.experiment import Trial
from raysp.data.splits.current_clamp import METADATA, CurrentClampSizes
from raysp.io import tables
from raysp.io.rows import Row

if TYPE_CHECKING:
    import polars

FORMAT, KIND = 2, "parameters of cells"
AGAIN = "remove its trial's folder and run the experiment again"
PROTOCOLS = ("clean", "paper")
"""Whose fits are neurons; others are floors."""

NUMBERS = pa.list_(pa.float64())
SCHEMA = pa.schema(
    [
        pa.field("run_trial", pa.string()),
        pa.field("model", pa.string()),
        pa.field("split", pa.string()),
        pa.field("dataset", pa.string()),
        pa.field("seed", pa.int64()),
        pa.field("unit", pa.int64()),
        *(pa.field(name, pa.string()) for name in METADATA),
        pa.field("candidate", pa.int64()),
        pa.field("chosen", pa.bool_()),
        pa.field("status", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("protocol", pa.string()),
        pa.field("bin_ms", pa.int64()),
        pa.field("activation_bin_ms", pa.int64()),
        pa.field("sigma", pa.float64()),
        pa.field("gamma", pa.float64()),
        pa.field("threshold", pa.float64()),
        pa.field("poly_coeff", NUMBERS),
        pa.field("alpha", NUMBERS),
        pa.field("beta", NUMBERS),
        pa.field("lambda", NUMBERS),
        pa.field("bend", NUMBERS),
        pa.field("bent", NUMBERS),
        pa.field("bent_lambda", NUMBERS),
        pa.field("feedback", pa.float64()),
        pa.field("penalty", pa.float64()),
        pa.field("setting", pa.float64()),
        pa.field("train_loss", pa.float64()),
        pa.field("validation_loss", pa.float64()),
        pa.field("test_loss", pa.float64()),
        pa.field("validation_evr", pa.float64()),
        pa.field("evaluations", pa.int64()),
        pa.field("epochs", pa.int64()),
        pa.field("train_losses", NUMBERS),
        pa.field("test_losses", NUMBERS),
    ]
)
"""g(z) = gamma relu(tanh(sum of poly_coeff[k]^2 ((z - threshold) / sigma)^k)), z, sigma and threshold in pA, gamma in
spikes/ms; `alpha` and `beta` stand by `lambda`, what a filter's state loses per bin; `feedback` multiplies the unit's
own rate. Beside the published inputs a unit may hear what the current has above each `bend`, pA, with the gain `bent`,
through a filter that loses `bent_lambda` per bin; none does where these are empty. `protocol` is "clean" or "paper", of
a floor another word. `train_loss` and `test_loss` are in nats per bin, as the published protocol logs them. `status`
is "fitted" or "failed", and `reason` says why."""


def write_parameters(path: str, trial: Trial, sizes: CurrentClampSizes, rows: Sequence[Mapping[str, object]]) -> None:
    """Write the parameters of a trial's units, whole or not at all.

    Args:
        path: where.
        trial: whose they are.
        sizes: of its split.
        rows: of SCHEMA; columns that one lacks are null.

    Raises:
        OSError: the disk is full; a file that was there stays as it was.
    """
    common: Row = {"run_trial": trial.id, "model": trial.shown, "split": trial.split, "dataset": sizes.dataset}
    common |= {"seed": trial.seed, "bin_ms": sizes.bin_ms}
    table = pa.Table.from_pylist([{**common, **row} for row in rows], schema=SCHEMA)
    tables.write_table(path, table, {"format": FORMAT, "kind": KIND, "trial_id": trial.id, "data": trial.data})


def read_parameters(path: str) -> polars.DataFrame:
    """Return the table of a trial, or of a whole run, as a polars frame.

    Raises:
        NotReady: there is none.
        BadInput: it is damaged, or another table.
    """
    with tables.guarded(path, AGAIN):
        note = tables.read_note(path, AGAIN)
        if (note.get("kind"), note.get("format")) != (KIND, FORMAT):
            raise ValueError(f"expected {KIND} of this version of raysp, got another table")
        return tables.read_table(path, again=AGAIN)
