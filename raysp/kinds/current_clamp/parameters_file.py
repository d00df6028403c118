"""parameters.parquet: what each unit's fit came to, a row per unit and candidate that was kept; failures are rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, get_type_hints

from raysp.config.experiment import Trial
from raysp.data.splits.current_clamp import CurrentClampSizes
from raysp.io import tables
from raysp.models.cell_fit import CellFit

if TYPE_CHECKING:
    import polars

FORMAT, KIND = 2, "parameters of cells"
AGAIN = "remove its trial's folder and run the experiment again"
PROTOCOLS = ("clean", "paper")
"""Whose fits are neurons; others are floors."""

COLUMNS = get_type_hints(CellFit)


def write_parameters(path: str, trial: Trial, sizes: CurrentClampSizes, rows: Sequence[CellFit]) -> None:
    """Write the parameters of a trial's units, whole or not at all.

    Args:
        path: where.
        trial: whose they are.
        sizes: of its split.
        rows: columns that one lacks are null.

    Raises:
        OSError: the disk is full; a file that was there stays as it was.
    """
    import polars

    common: CellFit = {"run_trial": trial.id, "model": trial.shown, "split": trial.split, "dataset": sizes.dataset}
    common |= {"seed": trial.seed, "bin_ms": sizes.bin_ms}
    table = polars.DataFrame([common | row for row in rows], schema=COLUMNS)
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
