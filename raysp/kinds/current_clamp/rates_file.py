"""predictions.parquet of injected currents: a row per unit and distinct test current, with all its repeats' counts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from pyarrow import compute

from raysp.config.experiment import Trial
from raysp.data.splits.current_clamp import CurrentClampSplit
from raysp.errors import BadInput, NotReady
from raysp.io import files, tables
from raysp.kinds.current_clamp.repeats import Repeats

FORMAT, KIND = 1, "rates of injected currents"
AGAIN = "remove its trial's folder and run the experiment again"
SCHEMA = pa.schema(
    [
        pa.field("run_trial", pa.string()),
        pa.field("model", pa.string()),
        pa.field("split", pa.string()),
        pa.field("seed", pa.int64()),
        pa.field("part", pa.string()),
        pa.field("unit", pa.int64()),
        pa.field("stimulus", pa.string()),
        pa.field("bin_ms", pa.float64()),
        pa.field("first_bin", pa.int64()),
        pa.field("bins", pa.int64()),
        pa.field("repeats", pa.int64()),
        pa.field("current", pa.list_(pa.float32())),
        pa.field("rates", pa.list_(pa.float32())),
        pa.field("counts", pa.list_(pa.uint16())),
    ]
)
"""`current` in pA and `rates` in spikes/ms, a number per bin; `counts` the spikes of one repeat after the other."""


def write_rates(
    path: str,
    trial: Trial,
    split: CurrentClampSplit,
    found: Sequence[Repeats],
    *,
    sees_counts: bool = False,
    part: str = "test",
) -> None:
    """Write a trial's predicted rates, whole or not at all.

    Args:
        path: where.
        trial: whose they are.
        split: the recording.
        found: what was predicted, unit by unit.
        sees_counts: the rates are made of the counts that they are compared with.
        part: of the recording.

    Raises:
        OSError: the disk is full; a file that was there stays as it was.
    """
    common = {"run_trial": trial.id, "model": trial.shown, "split": trial.split, "seed": trial.seed, "part": part}
    rows = [common | _row(one, split.sizes.bin_ms) for one in found]
    note = {"format": FORMAT, "kind": KIND, "trial_id": trial.id, "data": trial.data, "sees_counts": sees_counts}
    note["sizes"] = dataclasses.asdict(split.sizes)
    tables.write_table(path, pa.Table.from_pylist(rows, schema=SCHEMA), note)


def read_rates(path: str, units: Sequence[int] | None = None) -> tuple[list[Repeats], bool]:
    """Read predicted rates, and whether they are made of the counts that they are compared with.

    Args:
        path: of a trial's predictions.
        units: the recording's own numbers of those that are wanted; None for all.

    Raises:
        NotReady: there is no such file.
        BadInput: it is damaged, or holds something else.
    """
    if not files.exists(path):
        raise NotReady(f"no predictions at {path}; run the experiment first")
    note = tables.read_note(path, AGAIN)
    if (note.get("kind"), note.get("format")) != (KIND, FORMAT):
        raise BadInput(f"{path} expected a table of {KIND} of this version of raysp, got another one; {AGAIN}")
    table = tables.read_arrow(path, SCHEMA.names, AGAIN)
    with tables.guarded(path, AGAIN):
        if units is not None:
            table = table.filter(compute.is_in(table["unit"], pa.array(list(units), pa.int64())))
        return [_repeats(table, row) for row in range(len(table))], bool(note["sees_counts"])


def _row(one: Repeats, bin_ms: float) -> dict[str, object]:
    repeats, bins = one.counts.shape
    return {
        "unit": one.unit,
        "stimulus": one.stimulus,
        "bin_ms": bin_ms,
        "first_bin": one.first_bin,
        "bins": bins,
        "repeats": repeats,
        "current": one.current,
        "rates": one.rates,
        "counts": one.counts.astype(np.uint16).ravel(),
    }


def _repeats(table: pa.Table, row: int) -> Repeats:
    # Lists of numbers stay arrays: as Python's lists they would take many times their size.
    one = {name: table[name][row] for name in table.column_names}
    current, rates, counts = (
        one[name].values.to_numpy(zero_copy_only=False) for name in ("current", "rates", "counts")
    )
    unit, stimulus, first = (one[name].as_py() for name in ("unit", "stimulus", "first_bin"))
    return Repeats(unit, stimulus, first, current, counts.reshape(one["repeats"].as_py(), -1), rates)
