"""predictions.parquet of a continuous recording: predicted spike trains, one row per unit and decoding."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyarrow import compute

from raysp.collection.predictions import AGAIN, HEAD, check_there, head
from raysp.config.experiment import Trial
from raysp.data.splits.stimulus import StimulusSplit
from raysp.errors import BadInput
from raysp.io import tables

FORMAT, READ = 2, (1, 2)
KIND = "spike trains"
HEAVY = ("output", "output_width")
OWN = ("unit", "decoding", "bin_ms", "first_bin", "step")
"""Columns that are fields of a `SpikeTrain`."""
SCHEMA = pa.schema(
    {
        **HEAD,
        **dict.fromkeys(("unit", "unit_index", "global_id"), pa.int64()),
        "decoding": pa.string(),
        "bin_ms": pa.float64(),
        **dict.fromkeys(("first_bin", "bins", "input_bins", "step"), pa.int64()),
        **dict.fromkeys(("spikes", "recorded_spikes"), pa.list_(pa.int32())),
        "output": pa.list_(pa.float32()),
        "output_width": pa.int32(),
    }
)
"""Each row says whose it is: `run_trial`, the id of the run's trial, `model`, `split`, `seed` and `part`. `unit` is
the recording's own unit number, `unit_index` its position in the split's arrays. `first_bin` is the recording's bin
at which the prediction begins; `spikes` and `recorded_spikes` are bins counted from there, one entry per spike.
`step` is how many bins each window adds. `output` is the network's output, window after window of `output_width`
numbers: distances in bins, or expected counts."""


@dataclass(frozen=True)
class SpikeTrain:
    """One unit's predicted spikes beside the recorded ones.

    Attributes:
        unit: the recording's own number.
        decoding: how the model's output became spikes.
        bin_ms: width of a bin, ms.
        first_bin: bin of the recording at which the prediction begins.
        predicted: (bins,) counts.
        recorded: (bins,) counts.
        output: (windows, width) the network's output; None where it was not kept.
        step: bins from one window to the next.
    """

    unit: int
    decoding: str
    bin_ms: float
    first_bin: int
    predicted: np.ndarray
    recorded: np.ndarray
    output: np.ndarray | None
    step: int


def write_spike_trains(
    path: str, trial: Trial, split: StimulusSplit, trains: list[SpikeTrain], input_bins: int, part: str = "test"
) -> None:
    """Write a trial's predicted spike trains, whole or not at all.

    Args:
        path: where.
        trial: whose they are.
        split: the recording, the trial's units already selected.
        trains: what was predicted.
        input_bins: that a window sees before t = 0.
        part: which part of the recording.

    Raises:
        BadInput: a train is of another length than the recorded one, or of a unit that the split lacks.
        OSError: the disk is full; a file that was there stays as it was.
    """
    units = split.units.tolist()
    known = {unit: (i, number) for i, (unit, number) in enumerate(zip(units, split.global_ids.tolist(), strict=True))}
    rows = [_row(trial, train, known, input_bins, part) for train in trains]
    header = {"format": FORMAT, "kind": KIND, "trial_id": trial.id, "data": trial.data}
    header["sizes"] = dataclasses.asdict(split.sizes)
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    tables.write_table(path, table, header)


def read_spike_trains(path: str, units: Sequence[int] | None = None, *, output: bool = True) -> list[SpikeTrain]:
    """Read predicted spike trains.

    Args:
        path: of a trial's predictions.
        units: the recording's own numbers of those that are wanted; None for all.
        output: read the network's output, too.

    Raises:
        NotReady: there is no such file.
        BadInput: it is damaged, or holds something else.
    """
    check_there(path)
    note = tables.read_note(path, AGAIN)
    if note.get("kind") != KIND:
        raise BadInput(f"{path} expected a table of spike trains, got another one; {AGAIN}")
    if note.get("format") not in READ:
        raise BadInput(f"{path} was written by another version of raysp; {AGAIN}")
    table = tables.read_arrow(path, [name for name in SCHEMA.names if output or name not in HEAVY], AGAIN)
    with tables.guarded(path, AGAIN):
        if units is not None:
            table = table.filter(compute.is_in(table["unit"], pa.array(list(units), pa.int64())))
        return [_train(table, row) for row in range(len(table))]


def _row(
    trial: Trial, train: SpikeTrain, known: dict[int, tuple[int, int]], input_bins: int, part: str
) -> dict[str, object]:
    if train.unit not in known or train.predicted.shape != train.recorded.shape:
        raise BadInput(
            f"{trial.id}: expected a predicted train of {len(train.recorded)} bins of one of its units, got unit "
            f"{train.unit} with {len(train.predicted)} bins"
        )
    return {
        **head(trial, part),
        **{name: getattr(train, name) for name in OWN},
        "unit_index": known[train.unit][0],
        "global_id": known[train.unit][1],
        "bins": len(train.predicted),
        "input_bins": input_bins,
        "spikes": times(train.predicted),
        "recorded_spikes": times(train.recorded),
        "output": None if train.output is None else train.output.astype(np.float32).ravel(),
        "output_width": None if train.output is None else train.output.shape[1],
    }


def times(counts: np.ndarray) -> np.ndarray:
    """Return the bin of each spike, (spikes,) int32, of (bins,) counts; a bin with two spikes comes twice."""
    return np.repeat(np.arange(len(counts), dtype=np.int32), counts)


def _train(table: pa.Table, row: int) -> SpikeTrain:
    # Lists of numbers stay arrays: as Python's lists, the outputs of 60 units would take hundreds of megabytes.
    one = {name: table[name][row] for name in table.column_names}
    bins = one["bins"].as_py()
    counts = [
        np.bincount(one[name].values.to_numpy(zero_copy_only=False), minlength=bins).astype(np.uint8)
        for name in ("spikes", "recorded_spikes")
    ]
    output = None
    if "output" in one and one["output"].is_valid:
        output = one["output"].values.to_numpy(zero_copy_only=False).reshape(-1, one["output_width"].as_py())
    own = {name: one[name].as_py() for name in OWN}
    return SpikeTrain(**own, predicted=counts[0], recorded=counts[1], output=output)
