"""neurons.parquet: the neurons of a trained network, a row for each, before and after training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast, get_type_hints

import polars

from raysp.collection.predictions import read_beside
from raysp.config.experiment import Trial
from raysp.io import tables
from raysp.models.gfr_network.trained_neuron import TrainedNeuron

NAME = "neurons.parquet"
FORMAT, KIND = 1, "neurons of a network"
COLUMNS = get_type_hints(TrainedNeuron)


def write_neurons(path: str, trial: Trial, rows: Sequence[TrainedNeuron]) -> None:
    """Write a trial's neurons, whole or not at all.

    Args:
        path: where.
        trial: whose they are.
        rows: of `TrainedNeuron`, the first four left out.
    """
    common: TrainedNeuron = {"run_trial": trial.id, "model": trial.shown, "split": trial.split, "seed": trial.seed}
    table = polars.DataFrame([common | row for row in rows], schema=COLUMNS)
    tables.write_table(path, table, {"format": FORMAT, "kind": KIND, "trial_id": trial.id, "data": trial.data})


def read_neurons(path: str, trial: Trial) -> list[TrainedNeuron]:
    """Return a trial's neurons, a row for each.

    Raises:
        NotReady: the model has none.
        BadInput: the file is damaged, or another trial's.
    """
    missing = f"no parameters of neurons: {trial.shown} has none"
    found = read_beside(path, trial, {"format": FORMAT, "kind": KIND}, missing)[1].to_pylist()
    return cast("list[TrainedNeuron]", found)
