"""neurons.parquet: the neurons of a trained network, a row for each, before and after training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from raysp.collection.predictions import read_beside
from raysp.config.experiment import Trial
from raysp.io import tables

NAME = "neurons.parquet"
FORMAT, KIND = 1, "neurons of a network"
NUMBERS = pa.list_(pa.float64())
SCHEMA = pa.schema(
    [
        pa.field("run_trial", pa.string()),
        pa.field("model", pa.string()),
        pa.field("split", pa.string()),
        pa.field("seed", pa.int64()),
        pa.field("unit", pa.int64()),
        *(pa.field(name, pa.float64()) for name in ("sigma", "gamma", "threshold")),
        *(pa.field(name, NUMBERS) for name in ("poly_coeff", "alpha", "beta", "lambda")),
        pa.field("feedback", pa.float64()),
        pa.field("inward", NUMBERS),
        pa.field("inward_bias", pa.float64()),
        *(pa.field(name, NUMBERS) for name in ("outward", "outward_bias")),
        *(pa.field(f"initial_{name}", NUMBERS) for name in ("alpha", "beta")),
    ]
)
"""As the columns of that name in a table of cells, see `kinds.current_clamp.parameters_file`; `unit` is the place of a
neuron in the network. `inward` has a weight for each feature, `outward` for each class; `outward_bias` is the
classes' own, the same in all rows."""


def write_neurons(path: str, trial: Trial, rows: Sequence[Mapping[str, object]]) -> None:
    """Write a trial's neurons, whole or not at all.

    Args:
        path: where.
        trial: whose they are.
        rows: of SCHEMA, the first four left out.
    """
    common = {"run_trial": trial.id, "model": trial.shown, "split": trial.split, "seed": trial.seed}
    table = pa.Table.from_pylist([{**common, **row} for row in rows], schema=SCHEMA)
    tables.write_table(path, table, {"format": FORMAT, "kind": KIND, "trial_id": trial.id, "data": trial.data})


def read_neurons(path: str, trial: Trial) -> list[dict[str, Any]]:
    """Return a trial's neurons, a row for each.

    Raises:
        NotReady: the model has none.
        BadInput: the file is damaged, or another trial's.
    """
    missing = f"no parameters of neurons: {trial.shown} has none"
    return read_beside(path, trial, {"format": FORMAT, "kind": KIND}, missing)[1].to_pylist()
